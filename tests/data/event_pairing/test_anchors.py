"""Directions at which jets are looked for: events written by hand."""

from __future__ import annotations

import numpy as np

from rs3l_gnn.data.event_pairing.anchors import find_anchors, is_lone_parton
from rs3l_gnn.data.event_pairing.generated import Generated

Particle = tuple[int, float, int, bool]


def _generated(*events: list[Particle]) -> Generated:
    """Events of (PDG number, pT in GeV, place of the mother in its event, hard process); eta counts all particles."""
    flat = [particle for event in events for particle in event]
    starts = np.repeat(np.cumsum([0, *map(len, events)])[:-1], [len(event) for event in events])
    pdgid, pt, mother, hard = (np.array([particle[i] for particle in flat]) for i in range(4))
    return Generated(
        offsets=np.cumsum([0, *map(len, events)]),
        pdgid=pdgid.astype(np.int64),
        pt=pt.astype(np.float64),
        eta=np.arange(len(flat), dtype=np.float64),
        phi=-np.arange(len(flat), dtype=np.float64),
        mother=np.where(mother >= 0, mother + starts, -1).astype(np.int64),
        hard=hard.astype(bool),
    )


# Incoming gluons have no pT. The quark beside the Z is copied once by the shower.
Z_TO_QUARKS: list[Particle] = [
    (21, 0.0, -1, True),
    (21, 0.0, -1, True),
    (23, 500.0, 0, True),
    (1, 500.0, 0, True),
    (23, 495.0, 2, True),  # the copy that decays
    (5, 300.0, 4, True),
    (-5, 195.0, 4, True),
    (1, 480.0, 3, True),  # a copy of the quark beside it
]
Z_TO_NEUTRINOS: list[Particle] = [
    (21, 0.0, -1, True),
    (23, 500.0, 0, True),
    (21, 500.0, 0, True),
    (12, 300.0, 1, True),
    (-12, 200.0, 1, True),
    (21, 100.0, 2, False),  # of the shower
]
TOP: list[Particle] = [
    (6, 600.0, -1, True),
    (5, 200.0, 0, True),
    (24, 400.0, 0, True),
    (2, 250.0, 2, True),
    (-1, 150.0, 2, True),
]
LEPTONIC_TOP: list[Particle] = [
    (-6, 600.0, -1, True),
    (-5, 200.0, 0, True),
    (-24, 400.0, 0, True),
    (11, 250.0, 2, True),
    (-12, 150.0, 2, True),
]


def _anchors(*events: list[Particle]) -> list[tuple[int, int]]:
    """Row and number of the particle of each anchor; phi is the negative number."""
    found = find_anchors(_generated(*events), first_row=100)
    np.testing.assert_array_equal(found.phi, -found.eta)
    return list(zip(found.event.tolist(), found.eta.astype(int).tolist(), strict=True))


def test_a_decay_to_quarks_stands_at_its_last_copy_and_partons_beside_it_at_their_first() -> None:
    assert _anchors(Z_TO_QUARKS) == [(100, 3), (100, 4)]


def test_a_boson_of_neutrinos_is_none_and_gluons_of_the_shower_are_none() -> None:
    assert _anchors(Z_TO_NEUTRINOS) == [(100, 2)]


def test_a_top_is_one_with_its_w_and_leaves_its_b_where_the_w_goes_to_leptons() -> None:
    assert _anchors(TOP) == [(100, 0)]
    assert _anchors(LEPTONIC_TOP) == [(100, 1)]


def test_rows_are_those_of_the_events() -> None:
    assert _anchors([], LEPTONIC_TOP, [], TOP) == [(101, 1), (103, 5)]
    assert _anchors([]) == []


def test_lone_partons_of_the_hard_process() -> None:
    lone = np.flatnonzero(is_lone_parton(_generated(Z_TO_QUARKS)))
    assert lone.tolist() == [3, 5, 6]  # those of decays, too; the incoming ones and the copy are none
