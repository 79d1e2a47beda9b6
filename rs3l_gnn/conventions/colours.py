"""The colours of every plot."""

from __future__ import annotations

__all__ = ["COLOURS"]

COLOURS = (
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#94a4a2",
    "#832db6",
    "#a96b59",
    "#e76300",
    "#b9ac70",
    "#717581",
    "#92dadd",
)
"""Ten colours that colour-blind readers tell apart (M. Petroff, arXiv:2107.02270), in the order of use."""
