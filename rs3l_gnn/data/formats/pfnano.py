"""PFNano of CMS Run 2, and files that use its names."""

from __future__ import annotations

from dataclasses import replace

from rs3l_gnn.data.event_format import TableFormat

__all__ = ["PFNANO", "PFNANO_MM"]

PFNANO: TableFormat = TableFormat(
    "pfnano",
    title="PFNano",
    marks=("FatJet", "PFCands", "FatJetPFCands"),
    candidate_table="PFCands",
    link_table="FatJetPFCands",
    link_candidate="pFCandsIdx",
    mm_per_unit=10.0,
    impact_sentinel=-1.0,
)
"""Lengths in cm, -1 without track details."""
PFNANO_MM: TableFormat = replace(
    PFNANO, name="pfnano_mm", title="PFNano with lengths in mm", marks=(), mm_per_unit=1.0, impact_sentinel=None
)
"""Lengths in mm and no sentinel, as fast simulations write them; nothing in a file tells it, so it has to be named."""
