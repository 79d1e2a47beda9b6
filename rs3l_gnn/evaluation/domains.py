"""Whether the views of an evaluation are of the kind that its taggers were trained on."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import JetDomain

__all__ = ["domain_remarks"]


def domain_remarks(domain: JetDomain, trained: Mapping[str, JetDomain], pt: NDArray[np.floating]) -> tuple[str, ...]:
    """Sentences for the log and the report, one for each way in which the jets are strange to some weights.

    Args:
        domain: of the views.
        trained: of each training, by the name of its weights; what is unknown gives no remark.
        pt: GeV, of the nominal test jets [n_events].
    """
    found: dict[str, list[str]] = {}
    for weights, theirs in trained.items():
        clauses = list(domain.strange(theirs))
        if theirs.pt_min is not None:
            n_below = int((pt < theirs.pt_min).sum())
            if n_below:
                clauses.append(
                    f"{n_below} of {len(pt)} nominal test jets below the {theirs.pt_min:g} GeV of its training"
                )
        for clause in clauses:
            found.setdefault(clause, []).append(weights)
    return tuple(f"{', '.join(weights)}: {clause}" for clause, weights in found.items())
