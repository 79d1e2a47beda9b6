"""What every room agrees on: features, variations, jet types, random streams, configuration, errors and outputs.

Nothing in here imports torch.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
