"""Which candidates belong to which jet: links by hand, and random ones followed in loops."""

from __future__ import annotations

import itertools

import awkward as ak
import numpy as np
import pytest
from numpy.typing import NDArray

from rs3l_gnn.conventions import InvalidDataError
from rs3l_gnn.data.links import JET_INDEX, linked_candidates, require_own_candidates


def _jets(index: list[list[int]], *, carried: bool) -> ak.Array:
    pt = [[100.0 for _ in event] for event in index]
    return ak.zip({"pt": pt, JET_INDEX: index} if carried else {"pt": pt})


def _links(pairs: list[list[tuple[int, int]]]) -> ak.Array:
    counts = [len(event) for event in pairs]
    flat = np.array([pair for event in pairs for pair in event], np.int64).reshape(-1, 2)
    return ak.zip({name: ak.unflatten(flat[:, i], counts) for i, name in enumerate(("jetIdx", "candIdx"))})


def _lists(found: tuple[NDArray[np.int64], NDArray[np.int64]]) -> list[list[int]]:
    places, offsets = found
    return [places[start:stop].tolist() for start, stop in itertools.pairwise(offsets.tolist())]


def test_by_hand() -> None:
    """Two events of four and three candidates, so that candidate 1 of the second event is at place 5."""
    links = _links([[(1, 3), (0, 0), (1, 2), (-1, 1), (0, -1)], [(0, 1)]])
    jets, n_candidates = _jets([[0, 1], [0]], carried=False), np.array([4, 3])
    found = linked_candidates(jets, links, n_candidates, np.ones(3, bool))
    assert _lists(found) == [[0], [3, 2], [5]]  # the links of a jet keep their order
    assert _lists(linked_candidates(jets, links, n_candidates, np.array([False, True, True]))) == [[3, 2], [5]]
    sorted_jets = _jets([[1, 0], []], carried=True)  # the second event lost its jet
    assert _lists(linked_candidates(sorted_jets, links, n_candidates, np.ones(2, bool))) == [[3, 2], [0]]


def test_random_links_are_those_of_a_loop() -> None:
    rng = np.random.default_rng(8)
    pairs, indices, n_candidates = [], [], rng.integers(0, 9, 200)
    for n in n_candidates.tolist():
        n_jets = int(rng.integers(0, 4))
        both = [(jet, candidate) for jet in range(n_jets) for candidate in range(n) if rng.random() < 0.4]
        pairs.append([both[i] for i in rng.permutation(len(both))])
        indices.append(rng.permutation(n_jets)[: int(rng.integers(0, n_jets + 1))].tolist())
    expected = []
    for event, (wanted, links) in enumerate(zip(indices, pairs, strict=True)):
        first = int(n_candidates[:event].sum())
        expected += [[first + candidate for jet, candidate in links if jet == index] for index in wanted]
    keep = rng.random(len(expected)) < 0.7
    found = linked_candidates(_jets(indices, carried=True), _links(pairs), n_candidates, keep)
    assert _lists(found) == [own for own, wanted in zip(expected, keep, strict=True) if wanted]


@pytest.mark.parametrize(
    ("pairs", "carried", "message"),
    [
        ([[], [(1, 0)]], False, "a link of event 1 points to jet 1, which does not exist; allowed: below 1; if the"),
        ([[], [(0, 3)]], False, "a link of event 1 points to candidate 3, which does not exist; allowed: below 3"),
        ([[], [(0, 3)]], True, "points to candidate 3"),
    ],
)
def test_links_to_nowhere(pairs: list[list[tuple[int, int]]], carried: bool, message: str) -> None:
    jets = _jets([[0, 1], [0]], carried=carried)
    with pytest.raises(InvalidDataError, match=message):
        linked_candidates(jets, _links(pairs), np.array([4, 3]), np.ones(3, bool))


def test_a_jet_without_its_place_is_refused() -> None:
    with pytest.raises(InvalidDataError, match="jetIdx of a jet must be its place in the collection; got -1"):
        linked_candidates(_jets([[-1]], carried=True), _links([[]]), np.array([2]), np.ones(1, bool))


def _features(*particles: tuple[float, float, float]) -> NDArray[np.float32]:
    """Particles as (pT in GeV, distance to the axis in eta, in phi)."""
    return np.array([(np.log(pt), deta, dphi) for pt, deta, dphi in particles], np.float32)


def test_candidates_that_lie_elsewhere_are_refused() -> None:
    """The pT-weighted mean decides: (30 x 0.9 + 60 x 0.3) / 90 = 0.5; (60 x 0.9 + 30 x 0.3) / 90 = 0.7."""
    near = _features((30.0, 0.9, 0.0), (60.0, 0.3, 0.0))
    far = _features((60.0, 0.0, -0.9), (30.0, 0.0, -0.3))
    require_own_candidates(near, np.array([0, 2, 2]))  # a jet without candidates is none
    require_own_candidates(_features((50.0, 0.8, 0.0), (50.0, -0.8, 0.0)), np.array([0, 2]))
    with pytest.raises(InvalidDataError, match=r"jet 1 are not its own \(1 such jets of 2\): they lie 0\.70 from its"):
        require_own_candidates(np.concatenate([near, far]), np.array([0, 2, 4]))
