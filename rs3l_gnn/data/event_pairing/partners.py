"""Nominal jets of a sample and their partners in the other views."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import InvalidDataError
from rs3l_gnn.data.event_pairing.jet_matching import (
    Outcome,
    Places,
    match_by_rank,
    match_nearest,
    rank_in_event,
)
from rs3l_gnn.data.event_pairing.keys import rows_of_same_key
from rs3l_gnn.data.event_pairing.partons import Fingerprint, agree
from rs3l_gnn.data.event_pairing.read_plan import ReadPlan
from rs3l_gnn.data.event_pairing.view_index import ViewIndex

__all__ = ["FoundEvents", "JetPartners", "find_events", "find_partners"]

_WORDS = {
    Outcome.NONE_THERE: "no jet of the event passes",
    Outcome.TOO_FAR: "no jet within the radius",
    Outcome.TAKEN: "its nearest jet belongs to another one",
}


@dataclass(frozen=True)
class FoundEvents:
    """Events of a view that are nominal events too.

    Attributes:
        nominal_row: row of the nominal event of each event, -1 where there is none or the hard partons disagree
            [n_events].
        present: True for the nominal events that the view has [n_nominal_events].
        agreed, disagreed: events whose hard partons were compared.
    """

    nominal_row: NDArray[np.int64]
    present: NDArray[np.bool_]
    agreed: int
    disagreed: int


@dataclass(frozen=True)
class JetPartners:
    """Partners in one view of the nominal jets.

    Attributes:
        jet: place in the table of jets of the view, -1 for none [n_nominal_jets].
        reasons: jets without partner, by reason.
    """

    jet: NDArray[np.int64]
    reasons: dict[str, int]


def find_events(nominal: ViewIndex, other: ViewIndex, plan: ReadPlan) -> FoundEvents:
    """Match events by key and compare their hard partons.

    Raises:
        InvalidDataError: other key numbers, or more events than allowed disagree on their hard partons.
    """
    if nominal.events.keys.shape[1] != other.events.keys.shape[1]:
        raise InvalidDataError(
            f"events of {nominal.view.dataset!r} and {other.view.dataset!r} have keys of different length",
            hint="name the branches as event_key",
        )
    row = rows_of_same_key(nominal.events.keys, other.events.keys)
    found = row >= 0
    agreed = disagreed = 0
    if nominal.events.partons is not None and other.events.partons is not None:
        one, two = _rows(nominal.events.partons, row[found]), _rows(other.events.partons, np.flatnonzero(found))
        same = agree(one, two, plan.config.partons.tolerance)
        agreed, disagreed = int(same.sum()), int((~same).sum())
        if disagreed > plan.config.partons.max_mismatch * len(same):
            first = np.flatnonzero(found)[np.argmin(same)]
            key = ", ".join(str(number) for number in other.events.keys[first])
            raise InvalidDataError(
                f"{disagreed} of {len(same)} events of {other.view.dataset!r} have other hard partons ({plan.partons}) "
                f"than the events of {nominal.view.dataset!r} with the same key, the first is ({key})",
                allowed=f"a share of {plan.config.partons.max_mismatch:g}",
                hint="simulate both from the same hard events, or raise partons.tolerance or partons.max_mismatch",
            )
        row[np.flatnonzero(found)[~same]] = -1
    present = np.zeros(nominal.n_events, dtype=bool)
    present[row[row >= 0]] = True
    return FoundEvents(row, present, agreed, disagreed)


def find_partners(nominal: ViewIndex, other: ViewIndex, events: FoundEvents, plan: ReadPlan) -> JetPartners:
    """Match the jets of the events that both have."""
    config = plan.config.jets
    row = events.nominal_row[other.jets.row]
    # Jets of the other view by nominal event; those of strange events go.
    order = np.argsort(row, kind="stable")
    order = order[int(np.searchsorted(row[order], 0)) :]
    theirs = Places(row[order], other.jets.numbers["eta"][order], other.jets.numbers["phi"][order])
    mine = Places(nominal.jets.row, nominal.jets.numbers["eta"], nominal.jets.numbers["phi"])
    why_not = None
    if config.match == "leading":
        pt = nominal.jets.numbers["pt"], other.jets.numbers["pt"][order]
        partner, outcome = match_by_rank(mine.event, pt[0], theirs.event, pt[1])
    elif config.match == "delta_r":
        partner, outcome = match_nearest(mine, theirs, config.radius)
    elif config.match == "generator_jets":
        partner, outcome, why_not = _by_generator_jets(nominal, other, order, theirs.event, config.radius)
    elif plan.flags:
        partner, outcome, why_not = _by_flags(nominal, other, order, theirs)
    else:
        partner, outcome, why_not = _by_anchors(nominal, mine, theirs, config.radius)
    jet = np.where(partner >= 0, order[np.maximum(partner, 0)] if len(order) else -1, -1)
    beyond = np.zeros(len(jet), dtype=bool)
    if config.max_jets is not None:
        beyond = rank_in_event(nominal.jets.row, nominal.jets.numbers["pt"]) >= config.max_jets
        jet[beyond] = -1
    tests = {"beyond max_jets": beyond}
    tests |= {} if why_not is None else {why_not[0]: why_not[1]}
    tests["the event is not there"] = ~events.present[nominal.jets.row]
    tests |= {word: outcome == kind for kind, word in _WORDS.items()}
    return JetPartners(jet, _reasons(jet < 0, tests))


Matched = tuple[NDArray[np.int64], NDArray[np.int8], tuple[str, NDArray[np.bool_]]]


def _by_generator_jets(
    nominal: ViewIndex, other: ViewIndex, order: NDArray[np.int64], event: NDArray[np.int64], radius: float
) -> Matched:
    eta, phi, their_eta, their_phi = (
        _known(values)
        for values in (nominal.generator_eta, nominal.generator_phi, other.generator_eta, other.generator_phi)
    )
    known, their_known = np.flatnonzero(~np.isnan(eta)), np.flatnonzero(~np.isnan(their_eta[order]))
    chosen = order[their_known]
    partner, outcome = _of_some(
        len(eta),
        known,
        their_known,
        *match_nearest(
            Places(nominal.jets.row[known], eta[known], phi[known]),
            Places(event[their_known], their_eta[chosen], their_phi[chosen]),
            radius,
        ),
    )
    return partner, outcome, ("no generator jet within the radius", np.isnan(eta))


def _by_flags(nominal: ViewIndex, other: ViewIndex, order: NDArray[np.int64], theirs: Places) -> Matched:
    """Jets that the files mark as the anchor's, one an event."""
    flag, their_flag = _known(nominal.jets.is_anchor), _known(other.jets.is_anchor)
    mine, chosen = np.flatnonzero(flag), np.flatnonzero(their_flag[order])
    partner, outcome = _of_some(
        len(flag),
        mine,
        chosen,
        *match_by_rank(
            nominal.jets.row[mine],
            nominal.jets.numbers["pt"][mine],
            theirs.event[chosen],
            other.jets.numbers["pt"][order][chosen],
        ),
    )
    return partner, outcome, ("not the jet of the anchor", ~flag)


def _by_anchors(nominal: ViewIndex, mine: Places, theirs: Places, radius: float) -> Matched:
    """Through the anchors of the nominal event, which the other view shares since it has the same hard event."""
    anchors = nominal.anchors or Places(*(np.zeros(0, dtype) for dtype in (np.int64, float, float)))
    anchor, how = match_nearest(mine, anchors, radius)
    partner_of_anchor, outcome_of_anchor = match_nearest(anchors, theirs, radius)
    found = anchor >= 0
    partner = np.full(len(anchor), -1, dtype=np.int64)
    partner[found] = partner_of_anchor[anchor[found]]
    outcome = how.copy()
    outcome[found] = outcome_of_anchor[anchor[found]]
    return partner, outcome, ("no hard parton or decaying particle of its own", ~found)


def _of_some(
    n: int,
    mine: NDArray[np.int64],
    theirs: NDArray[np.int64],
    partner: NDArray[np.int64],
    outcome: NDArray[np.int8],
) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """Partners of a selection as partners of all."""
    whole = np.full(n, -1, dtype=np.int64)
    outcomes = np.full(n, Outcome.NONE_THERE, dtype=np.int8)
    found = partner >= 0
    whole[mine[found]] = theirs[partner[found]]
    outcomes[mine] = outcome
    return whole, outcomes


def _reasons(left: NDArray[np.bool_], tests: Mapping[str, NDArray[np.bool_]]) -> dict[str, int]:
    """Each jet that is left without partner under the first reason that holds for it."""
    found: dict[str, int] = {}
    for word, test in tests.items():
        if n := int((left & test).sum()):
            found[word] = n
        left = left & ~test
    return found


def _rows(partons: Fingerprint, rows: NDArray[np.int64]) -> Fingerprint:
    return Fingerprint(partons.kinds[rows], partons.sums[rows])


def _known(values: NDArray[Any] | None) -> NDArray[Any]:
    if values is None:
        raise InvalidDataError("a view lacks what its jets are matched by")
    return values
