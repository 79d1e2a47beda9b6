"""Names of the room of the models that belong to inference, too."""

from rs3l_gnn.models.discriminants import Discriminant, require_one_score
from rs3l_gnn.models.hub import ADDRESSES
from rs3l_gnn.models.shared import LastEmbeddings, by_encoder
from rs3l_gnn.models.stored import shipped_names

__all__ = ["ADDRESSES", "Discriminant", "LastEmbeddings", "by_encoder", "require_one_score", "shipped_names"]
