"""Coffea processors that apply trained networks to event files, and the analysis built on them.

The folder stands at the top of the repository; its name for ``import`` is ``rs3l_gnn.processors``.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
