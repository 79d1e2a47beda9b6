"""Losses, contrastive pre-training and fine-tuning.

The names load on first use: importing this room alone does not import torch or Lightning.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
