"""Partners of jets, compared with loops."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from rs3l_gnn.conventions import delta_r
from rs3l_gnn.data.event_pairing import jet_matching
from rs3l_gnn.data.event_pairing.jet_matching import Outcome, Places, match_by_rank, match_nearest, rank_in_event


def _random(seed: int, n: int = 400) -> Places:
    rng = np.random.default_rng(seed)
    event = np.sort(rng.integers(0, 120, n))
    return Places(event, rng.uniform(-1, 1, n), rng.uniform(-np.pi, np.pi, n))


def _by_loops(one: Places, other: Places, radius: float) -> tuple[list[int], list[Outcome]]:
    distance = {
        (i, j): float(delta_r(one.eta[i], one.phi[i], other.eta[j], other.phi[j]))
        for i, j in itertools.product(range(len(one.event)), range(len(other.event)))
        if one.event[i] == other.event[j]
    }
    partners, outcomes = [], []
    for i in range(len(one.event)):
        mine = [j for a, j in distance if a == i]
        if not mine:
            partners.append(-1)
            outcomes.append(Outcome.NONE_THERE)
            continue
        j = min(mine, key=lambda j: distance[i, j])
        is_mutual = all(distance[a, j] >= distance[i, j] for a, b in distance if b == j)
        near = distance[i, j] < radius
        partners.append(j if near and is_mutual else -1)
        outcomes.append(Outcome.TOO_FAR if not near else Outcome.FOUND if is_mutual else Outcome.TAKEN)
    return partners, outcomes


@pytest.mark.parametrize("at_once", [1, 7, 10**6])
def test_nearest_partners_are_those_of_loops(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr(jet_matching, "_PAIRS_AT_ONCE", at_once)
    one, other = _random(1), _random(2, 300)
    partner, outcome = match_nearest(one, other, 0.8)
    expected = _by_loops(one, other, 0.8)
    assert (partner.tolist(), outcome.tolist()) == expected
    assert set(outcome) == set(Outcome)


def test_no_jets_have_no_partners() -> None:
    some, none = _random(1), Places(np.zeros(0, np.int64), np.zeros(0), np.zeros(0))
    partner, outcome = match_nearest(some, none, 0.4)
    assert set(partner) == {-1}
    assert set(outcome) == {Outcome.NONE_THERE}
    assert len(match_nearest(none, some, 0.4)[0]) == 0


def test_ranks_and_partners_by_rank() -> None:
    event, pt = np.array([3, 3, 3, 8, 9]), np.array([10.0, 30.0, 20.0, 5.0, 6.0])
    assert rank_in_event(event, pt).tolist() == [2, 0, 1, 0, 0]
    other_event, other_pt = np.array([3, 3, 9]), np.array([7.0, 8.0, 1.0])
    partner, outcome = match_by_rank(event, pt, other_event, other_pt)
    assert partner.tolist() == [-1, 1, 0, -1, 2]
    assert outcome.tolist() == [Outcome.TAKEN, Outcome.FOUND, Outcome.FOUND, Outcome.NONE_THERE, Outcome.FOUND]
    assert len(rank_in_event(event[:0], pt[:0])) == 0
