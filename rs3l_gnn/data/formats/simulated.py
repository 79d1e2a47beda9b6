"""Files of ``rs3l simulate``: PFNano's names and units, and a record of what was simulated."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from rs3l_gnn.conventions import InvalidDataError, JetDomain
from rs3l_gnn.data.event_format import TableFormat
from rs3l_gnn.data.formats.pfnano import PFNANO

__all__ = ["METADATA", "SIMULATED"]

METADATA = "rs3l_metadata"
"""Key of the record in a file."""


@dataclass(frozen=True)
class _Simulated(TableFormat):
    def radius(self, names: Collection[str]) -> float | None:
        """Unknown here: jets of any radius are called FatJet, and the record says it."""
        del names
        return None

    def domain(self, radius: float | None) -> JetDomain:
        """Candidates are those of PFNano, and so are networks for them."""
        return replace(PFNANO.domain(radius), formats=(PFNANO.name,))

    def metadata(self, opened: Any) -> dict[str, Any]:
        """The record.

        Raises:
            InvalidDataError: it is no JSON document.
        """
        if METADATA not in opened.keys(cycle=False):
            return {}
        try:
            return dict(json.loads(str(opened[METADATA])))
        except (json.JSONDecodeError, TypeError, ValueError, OverflowError) as error:
            raise InvalidDataError(f"{METADATA} is not the JSON document that simulated files hold") from error


SIMULATED: _Simulated = _Simulated(
    "simulated",
    title="PFNano",
    marks=(*PFNANO.marks, "hardHash"),
    mm_per_unit=PFNANO.mm_per_unit,
    impact_sentinel=PFNANO.impact_sentinel,
    jet_table=PFNANO.jet_table,
    candidate_table=PFNANO.candidate_table,
    link_table=PFNANO.link_table,
    link_candidate=PFNANO.link_candidate,
)
"""Outputs of ``rs3l simulate``, views of which ``rs3l pair`` matches by their hard partons."""
