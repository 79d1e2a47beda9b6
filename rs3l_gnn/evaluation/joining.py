"""Test events of several files of views, each once, with all the views that the files have of it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import NOMINAL, InputFileError, InvalidDataError, Split, SplitFractions
from rs3l_gnn.conventions.jagged import offsets_of
from rs3l_gnn.data import Views, ViewsSource

__all__ = ["JoinedEvents", "join_events"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class JoinedEvents:
    """Events on one side of the split.

    Attributes:
        views: their views without particles; the nominal view of an event comes first.
        source_jet: where each view is in the index of the source [n_jets].
        source_events: events of the source that hold them, rising [n].
        joined: events that were found in more than one file and became one.
        repeated: views that another file has as well; those of the first file are used.
        same_number: events that share sample and number with another one, but not the nominal jet.
    """

    views: Views
    source_jet: NDArray[np.int64]
    source_events: NDArray[np.int64]
    joined: int
    repeated: int
    same_number: int

    @property
    def nominal(self) -> NDArray[np.int64]:
        """Jet of the nominal view of each event [n_events]."""
        return self.views.first[:-1]


def join_events(
    source: ViewsSource,
    splits: SplitFractions,
    side: Split = Split.TEST,
    *,
    variations: Sequence[str] | None = None,
) -> JoinedEvents:
    """Find the events on one side of the split and join what the files hold of each.

    Two events are one if sample, number and the momentum of the nominal jet agree, bit for bit: the same simulation
    gives the same jet. The same number with another nominal jet is another hard event (of another run) and stays apart;
    the split depends on sample and number alone, so that both are on the same side.

    Args:
        source: files of views.
        splits: that say which side an event is on.
        side: wanted.
        variations: names of those that are kept beside nominal; all if None.

    Raises:
        InputFileError: no event on that side.
        UnknownVariationError: a variation that the files do not have.
        InvalidDataError: an event without its nominal view, or one whose files give it other generator weights.
    """
    index = source.index
    sides = index.split(splits)[index.first[:-1]] if index.n_events else np.zeros(0, np.int8)
    events = np.flatnonzero(sides == side)
    if len(events) == 0:
        raise InputFileError(f"none of the {index.n_events} events is on the {side.name.lower()} side of the split")
    nominal = index.first[events]
    if not index.is_nominal()[nominal].all():
        lost = int(events[np.flatnonzero(~index.is_nominal()[nominal])[0]])
        raise InvalidDataError(f"event {lost} of the views has no nominal view", hint="make the file with rs3l pair")
    key = np.zeros(len(events), dtype=[("sample", "i8"), ("event", "i8"), *((name, "u4") for name in _MOMENTUM)])
    key["sample"], key["event"] = index.sample[nominal], index.event[nominal]
    for name in _MOMENTUM:
        key[name] = getattr(index, name)[nominal].astype(np.float32).view(np.uint32)
    _, place, group = np.unique(key, return_index=True, return_inverse=True)
    numbers = np.unique(key[["sample", "event"]])
    # Events keep the order in which the files have them.
    rank = np.empty(len(place), np.int64)
    rank[np.argsort(place, kind="stable")] = np.arange(len(place))
    group = rank[group]
    _require_same_weight(index, nominal, group)

    jets = index.jets_of(events)
    of_jet = np.repeat(group, np.diff(index.first)[events])
    if variations is not None:
        kept = np.isin(index.vartype[jets], [NOMINAL.vartype, *map(index.vartype_of, variations)])
        jets, of_jet = jets[kept], of_jet[kept]
    order = np.lexsort((jets, index.vartype[jets], of_jet))
    jets, of_jet = jets[order], of_jet[order]
    repeated = np.zeros(len(jets), dtype=bool)
    repeated[1:] = (of_jet[1:] == of_jet[:-1]) & (index.vartype[jets][1:] == index.vartype[jets][:-1])
    joined = JoinedEvents(
        views=_pick(index, jets[~repeated], np.bincount(of_jet[~repeated])),
        source_jet=jets[~repeated],
        source_events=events,
        joined=int((np.bincount(group) > 1).sum()),
        repeated=int((repeated & (index.vartype[jets] >= 0)).sum()),
        same_number=len(place) - len(numbers),
    )
    if joined.joined or joined.same_number:
        _log.info(
            "%d events; %d of them are in several files and were joined (%d views twice), "
            "%d share their number with another event",
            joined.views.n_events,
            joined.joined,
            joined.repeated,
            joined.same_number,
        )
    return joined


def _require_same_weight(index: Views, nominal: NDArray[np.int64], group: NDArray[np.int64]) -> None:
    """One event has one generator weight, in whatever file it is."""
    first = np.zeros(int(group.max()) + 1, np.int64)
    first[group[::-1]] = nominal[::-1]
    other = index.weight[nominal] != index.weight[first[group]]
    if other.any():
        jet = int(nominal[int(np.argmax(other))])
        raise InvalidDataError(
            f"event {index.event[jet]} of sample {index.samples[index.sample[jet]]!r} has another generator weight in "
            f"another file ({int(other.sum())} such events)",
            got=f"{index.weight[jet]:g} and {index.weight[first[group[int(np.argmax(other))]]]:g}",
            hint="make both files with one version of rs3l pair, from one simulation",
        )


_MOMENTUM = ("pt", "eta", "phi", "mass")


def _pick(index: Views, jets: NDArray[np.int64], per_event: NDArray[np.int64]) -> Views:
    return replace(
        index,
        offsets=np.zeros(len(jets) + 1, np.int64),
        first=offsets_of(per_event),
        **index.columns(jets),
    )
