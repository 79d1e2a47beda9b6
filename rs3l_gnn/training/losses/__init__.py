"""Losses on the views of hard events, one file each; :data:`rs3l_gnn.training.LOSSES` finds what is here."""

from rs3l_gnn.training.losses.nt_xent import NTXent, nt_xent
from rs3l_gnn.training.losses.supervised import SupervisedContrastive, supervised_contrastive
from rs3l_gnn.training.losses.vicreg import VICReg, vicreg

__all__ = ["NTXent", "SupervisedContrastive", "VICReg", "nt_xent", "supervised_contrastive", "vicreg"]
