"""ROC, rejection, distances between variations, with errors over events and trainings, figures and a report.

The names load on first use: importing this room alone imports neither torch nor matplotlib.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
