"""Jet representations from re-simulation (RS3L), from one LHE file to one fit.

The heavy parts load on first use: ``import rs3l_gnn`` alone imports neither torch nor coffea.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__all__ += ["__version__"]
