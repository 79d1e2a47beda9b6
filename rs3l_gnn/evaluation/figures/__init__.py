"""Figures of an evaluation, as PNG and PDF."""

from rs3l_gnn.evaluation.figures.catalogue import draw_all
from rs3l_gnn.evaluation.figures.gallery import Gallery, Picture

__all__ = ["Gallery", "Picture", "draw_all"]
