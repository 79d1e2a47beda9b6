"""Central NanoAOD of CMS: from version 15 on with particle-flow candidates, before with jets alone."""

from __future__ import annotations

from rs3l_gnn.data.event_format import KINEMATICS, TableFormat

__all__ = ["NANOAOD", "NANOAOD15"]

NANOAOD = TableFormat(
    "nanoaod", title="NanoAOD without particle-flow candidates", marks=("FatJet",), has_candidates=False
)
"""Jets alone."""
NANOAOD15 = TableFormat(
    "nanoaod15",
    title="NanoAOD v15 with particle-flow candidates",
    marks=("FatJet", "PFCand", "FatJetPFCand"),
    candidate_table="PFCand",
    link_table="FatJetPFCand",
    link_candidate="pfCandIdx",
    candidate_fields=(*KINEMATICS, "pdgId"),
)
"""No charge, d0 and dz."""
