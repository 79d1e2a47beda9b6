"""Settings of networks in files of other formats. Not beside the names of the light part, for they need pydantic."""

from rs3l_gnn.models.exported.config import ExportedNetwork

__all__ = ["ExportedNetwork"]
