"""Which candidates belong to which jet: the links of event files, also for jets that were cut or sorted."""

from __future__ import annotations

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import InvalidDataError
from rs3l_gnn.conventions.jagged import local_index, offsets_of, parents_of, ranges, starts_of
from rs3l_gnn.data.list_fields import counts_of, flat_field

__all__ = ["DIRECTIONS", "JET_INDEX", "linked_candidates", "require_own_candidates"]

JET_INDEX = "jetIdx"
"""Field of a jet with its place in the collection that the links count in, which survives masks and sorting."""

DIRECTIONS = ("log_pt", "deta", "dphi")
"""Features that say where a candidate lies."""
# The candidates of a jet add up to its axis within a few hundredths, and wide jets are 0.8 apart.
_FARTHEST_SUM = 0.6
_HINT = f'pass the whole collection, or set events["FatJet", "{JET_INDEX}"] = ak.local_index(events.FatJet.pt) before'


def linked_candidates(
    jets: ak.Array, links: ak.Array, n_candidates: NDArray[np.int64], keep: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Follow the links of some jets.

    Args:
        jets: records [event][jet]. Links find them by :data:`JET_INDEX` where they have it; else they are the whole
            collection, in its order.
        links: records with jetIdx and candIdx [event][link]; a negative index is no link.
        n_candidates: candidates of each event [n_events].
        keep: True for the wanted jets [n_jets].

    Returns:
        Places of the candidates among those of all events, in the order of the links within each jet [n_linked], and
        offsets of the wanted jets in them [n_wanted + 1].

    Raises:
        InvalidDataError: a link points outside its event, or a jet has a negative index.
    """
    n_jets = counts_of(jets)
    event = parents_of(counts_of(links))
    jet, candidate = (flat_field(links, name).astype(np.int64) for name in ("jetIdx", "candIdx"))
    linked = (jet >= 0) & (candidate >= 0)
    event, jet, candidate = event[linked], jet[linked], candidate[linked]
    carried = JET_INDEX in ak.fields(jets)
    if not carried:
        _require_inside("jet", event, jet, n_jets, hint=f"if the jets were cut or sorted: {_HINT}")
    _require_inside("candidate", event, candidate, n_candidates)
    wanted = (flat_field(jets, JET_INDEX).astype(np.int64) if carried else local_index(n_jets))[keep]
    if (wanted < 0).any():
        raise InvalidDataError(f"the {JET_INDEX} of a jet must be its place in the collection", got=int(wanted.min()))
    stride = int(max(jet.max(initial=0), wanted.max(initial=0))) + 1
    order = np.argsort(event * stride + jet, kind="stable")  # links of a jet keep their order
    keys = (event * stride + jet)[order]
    mine = parents_of(n_jets)[keep] * stride + wanted
    start, stop = np.searchsorted(keys, mine, side="left"), np.searchsorted(keys, mine, side="right")
    offsets = offsets_of(stop - start)
    place = order[ranges(start, stop - start)]
    first = starts_of(n_candidates)
    return candidate[place] + first[event[place]], offsets


def require_own_candidates(directions: NDArray[np.float32], offsets: NDArray[np.int64]) -> None:
    """Refuse jets whose candidates lie elsewhere, as those of jets that were cut or sorted without their index do.

    Args:
        directions: the features :data:`DIRECTIONS` [n_particles, 3].
        offsets: first particle of each jet [n_jets + 1].

    Raises:
        InvalidDataError: the candidates of a jet add up to a direction more than 0.6 from its axis.
    """
    n_jets = len(offsets) - 1
    jet = parents_of(np.diff(offsets))
    pt = np.exp(directions[:, 0].astype(np.float64))
    total = np.bincount(jet, weights=pt, minlength=n_jets)
    deta, dphi = (np.bincount(jet, weights=pt * directions[:, place], minlength=n_jets) for place in (1, 2))
    distance = np.divide(np.hypot(deta, dphi), total, out=np.zeros(n_jets), where=total > 0)
    far = distance > _FARTHEST_SUM
    if far.any():
        raise InvalidDataError(
            f"the candidates that the links give to jet {int(np.argmax(far))} are not its own ({int(far.sum())} such "
            f"jets of {n_jets}): they lie {distance[np.argmax(far)]:.2f} from its axis",
            hint=f"links count in the original collection; {_HINT} cutting or sorting",
        )


def _require_inside(
    what: str, event: NDArray[np.int64], index: NDArray[np.int64], count: NDArray[np.int64], *, hint: str | None = None
) -> None:
    outside = index >= count[event]
    if outside.any():
        first = int(np.argmax(outside))
        raise InvalidDataError(
            f"a link of event {event[first]} points to {what} {index[first]}, which does not exist",
            allowed=f"below {count[event[first]]}",
            hint=hint,
        )
