"""PUPPI weights of candidates (arXiv:1407.6013), for jets that were clustered from weighted candidates."""

from __future__ import annotations

import awkward as ak
import numpy as np

from rs3l_gnn.conventions import InvalidDataError, MissingBranchError
from rs3l_gnn.conventions.jagged import parents_of, starts_of
from rs3l_gnn.data.event_format import PUPPI_WEIGHT

__all__ = ["puppi_weighted"]


def puppi_weighted(candidates: ak.Array, links: ak.Array) -> tuple[ak.Array, ak.Array]:
    """Scale the momenta of candidates by their weights, and take those with weight 0 out of their jets.

    Args:
        candidates: records with pt, mass, puppiWeight and more [event][candidate] (GeV).
        links: records with jetIdx and candIdx [event][link].

    Returns:
        Candidates with the same fields, and links.

    Raises:
        MissingBranchError: the candidates have no weights.
        InvalidDataError: a weight is negative or not finite, or a link points nowhere.
    """
    if PUPPI_WEIGHT not in ak.fields(candidates):
        raise MissingBranchError(f"the candidates lack {PUPPI_WEIGHT}", got=", ".join(ak.fields(candidates)))
    weight = candidates[PUPPI_WEIGHT]
    flat = np.asarray(ak.flatten(weight, axis=1), dtype=np.float64)
    wrong = ~(np.isfinite(flat) & (flat >= 0))
    if wrong.any():
        raise InvalidDataError(f"{int(wrong.sum())} PUPPI weights are not usable", got=flat[wrong][0])
    scaled = {
        name: candidates[name] * weight if name in ("pt", "mass") else candidates[name]
        for name in ak.fields(candidates)
    }
    counts = np.asarray(ak.num(weight, axis=1), dtype=np.int64)
    event = parents_of(np.asarray(ak.num(links["candIdx"], axis=1)))
    jet, candidate = (np.asarray(ak.flatten(links[name], axis=1)).astype(np.int64) for name in ("jetIdx", "candIdx"))
    linked = (jet >= 0) & (candidate >= 0)
    if (linked & (candidate >= counts[event])).any():
        raise InvalidDataError("a link points to a candidate that does not exist")
    place = np.where(linked, candidate + starts_of(counts)[event], 0)
    gone = linked & (flat[place] == 0) if len(flat) else linked
    kept = ak.unflatten(np.where(gone, -1, jet), ak.num(links["candIdx"], axis=1))
    return ak.zip(scaled), ak.zip({"jetIdx": kept, "candIdx": links["candIdx"]})
