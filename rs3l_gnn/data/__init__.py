"""Files to arrays: formats, readers and writers, matching of views by hard event, ragged batches."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
