from __future__ import annotations

import awkward as ak
import numpy as np
import pytest

from rs3l_gnn.simulation import HardEvents
from rs3l_gnn.simulation.resimulation import Hadronisation, shower_partons
from rs3l_gnn.simulation.settings import COMMON, CP5
from rs3l_gnn.simulation.shower import Shower

N = 15


@pytest.fixture(scope="module")
def views(hard_events: HardEvents) -> tuple[ak.Array, ak.Array, list[int]]:
    shower = Shower(hard_events.beams, (*COMMON, *CP5, "HadronLevel:all=off"))
    partons = shower_partons(shower, hard_events.part(0, N), range(1, N + 1))
    hadronisation = Hadronisation((*COMMON, *CP5))
    one = hadronisation.run(partons, range(101, 101 + N))
    other = hadronisation.run(partons, range(201, 201 + N))
    return one, other, [event.size() for event in partons]


def test_views_share_their_partons_exactly(views: tuple[ak.Array, ak.Array, list[int]]) -> None:
    one, other, sizes = views
    assert not ak.any(ak.is_none(one))
    for index, size in enumerate(sizes):
        for name in ("px", "py", "pz", "e"):
            first, second = one[index].prt.p[name][1:size], other[index].prt.p[name][1:size]
            assert np.array_equal(first, second)
    assert ak.to_list(ak.num(one.prt.id)) != ak.to_list(ak.num(other.prt.id))


def test_a_view_depends_on_its_partons_and_seed_alone(hard_events: HardEvents) -> None:
    """Neither on what was hadronised before, nor on the random numbers of the instance that made the partons."""
    shower = Shower(hard_events.beams, (*COMMON, *CP5, "HadronLevel:all=off"))
    partons = shower_partons(shower, hard_events.part(0, 4), range(1, 5))
    hadronisation = Hadronisation((*COMMON, *CP5))
    together = hadronisation.run(partons, [5, 6, 7, 8])
    for one in (hadronisation, Hadronisation((*COMMON, *CP5))):
        for index in (2, 0):
            alone = one.run(partons[index : index + 1], [5 + index])
            assert ak.to_list(alone.prt.p.px[0]) == ak.to_list(together.prt.p.px[index])


def test_hadrons_come_from_the_partons(views: tuple[ak.Array, ak.Array, list[int]]) -> None:
    one, _, _ = views
    final = one.prt.status > 0
    assert ak.to_list(ak.sum(one.prt.p.e[final], axis=1)) == pytest.approx([13000.0] * N, rel=1e-4)
    assert not ak.any((abs(one.prt.id[final]) < 9) | (one.prt.id[final] == 21))


def test_a_rejected_event_stays_in_its_place() -> None:
    batch = Hadronisation((*COMMON, *CP5)).run([None, None], [1, 2])
    assert ak.to_list(ak.is_none(batch)) == [True, True]
    assert ak.to_list(ak.fill_none(ak.num(batch.prt.id), 0)) == [0, 0]
