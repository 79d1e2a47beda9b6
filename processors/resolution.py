"""Resolution of jet momenta in simulation, brought to that of data by the hybrid method of CMS."""

from __future__ import annotations

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import delta_r
from rs3l_gnn.conventions.jagged import local_index, parents_of, starts_of
from rs3l_gnn.data import EventTables
from rs3l_gnn.processors.selection import JetView

__all__ = ["generated_pt", "smearing"]

_MATCHING = 0.4  # half the radius of an AK8 jet
_WIDTHS = 3.0
_SMALLEST = 0.01  # a jet never turns round
_NEEDED = ("pt", "eta", "phi")


def smearing(
    pt: NDArray[np.float64],
    resolution: NDArray[np.float64],
    factor: NDArray[np.float64],
    *,
    generated: NDArray[np.float64],
    normal: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Factors on pT and mass by the hybrid method of CMS (JINST 12 (2017) P02014, arXiv:1607.03663).

    With resolution r and its scale factor s: a jet with a generated jet whose pT differs by less than 3 r pT gets
    1 + (s - 1) (pT - pT_gen) / pT; any other jet gets 1 + r sqrt(max(s^2 - 1, 0)) g with a normal g.

    Args:
        pt: GeV [n_jets].
        resolution: relative [n_jets].
        factor: ratio of the resolutions of data and simulation [n_jets].
        generated: pT of the matched generated jet in GeV, NaN without one [n_jets].
        normal: one random number for each jet, the same for every variation [n_jets].
    """
    with np.errstate(invalid="ignore"):  # a pT of 0 matches nothing
        matched = np.abs(pt - generated) < _WIDTHS * resolution * pt
        by_match = 1 + (factor - 1) * (pt - np.where(matched, generated, pt)) / pt
    by_chance = 1 + resolution * np.sqrt(np.maximum(np.square(factor) - 1, 0)) * normal
    return np.maximum(np.where(matched, by_match, by_chance), _SMALLEST)


def generated_pt(events: ak.Array, view: JetView, collection: str | None) -> NDArray[np.float64]:
    """pT of the nearest generated jet within half the jet radius, in GeV; NaN for a jet without one [n_jets].

    Args:
        events: the chunk.
        view: its jets as they stand in the file.
        collection: of generated jets; where the events do not have it, no jet is matched.
    """
    out = np.full(len(view.pt), np.nan)
    if collection not in events.fields or not set(_NEEDED) <= set(ak.fields(events[collection])):
        return out
    phi = np.asarray(ak.flatten(EventTables(events, candidates=False).jets["phi"], axis=1), dtype=np.float64)
    table = events[collection]
    gen_pt, gen_eta, gen_phi = (np.asarray(ak.flatten(table[name], axis=1), dtype=np.float64) for name in _NEEDED)
    n_generated = np.asarray(ak.num(table["pt"], axis=1), dtype=np.int64)
    # All pairs of a jet and a generated jet of its event.
    of_jet = np.repeat(n_generated, view.counts)
    jet = parents_of(of_jet)
    first = np.repeat(starts_of(n_generated), view.counts)
    other = local_index(of_jet) + first[jet]
    distance = delta_r(view.eta[jet], phi[jet], gen_eta[other], gen_phi[other])
    # Written from the farthest to the nearest, so that the nearest stays.
    order = np.argsort(-distance, kind="stable")
    order = order[distance[order] < _MATCHING]
    out[jet[order]] = gen_pt[other[order]]
    return out
