"""Losses on the views of hard events; one module each."""

from rs3l_gnn.training.losses.nt_xent import nt_xent
from rs3l_gnn.training.losses.supervised import supervised_contrastive
from rs3l_gnn.training.losses.vicreg import vicreg

__all__ = ["nt_xent", "supervised_contrastive", "vicreg"]
