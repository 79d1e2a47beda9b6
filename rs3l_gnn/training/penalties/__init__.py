"""Penalties on the scores of a tagger, one file each; :data:`rs3l_gnn.training.PENALTIES` finds what is here."""

from rs3l_gnn.training.penalties.consistency import Consistency, disagreement
from rs3l_gnn.training.penalties.response import ResponsePenalty, responses

__all__ = ["Consistency", "ResponsePenalty", "disagreement", "responses"]
