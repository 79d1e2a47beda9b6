"""Settings of networks in files of other formats and of folds.

Not beside the names of the light part, for they need pydantic.
"""

from rs3l_gnn.models.exported.config import ExportedNetwork
from rs3l_gnn.models.folds import FoldNetworks

__all__ = ["ExportedNetwork", "FoldNetworks"]
