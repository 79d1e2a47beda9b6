"""Trained networks on the jets of event files: light enough for a worker, and independent of any training code.

With the packages of the light part alone everything here works for the EdgeConv networks of own checkpoints.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
