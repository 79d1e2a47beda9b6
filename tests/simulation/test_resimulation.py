from __future__ import annotations

from typing import Any

import awkward as ak
import pytest

from rs3l_gnn.simulation import HardEvents
from rs3l_gnn.simulation.resimulation import Hadronisation, shower_partons
from rs3l_gnn.simulation.settings import COMMON, CP5, configure
from rs3l_gnn.simulation.shower import Shower

N = 15


@pytest.fixture(scope="module")
def shower(hard_events: HardEvents) -> Shower:
    return Shower(hard_events.beams, (*COMMON, *CP5, "HadronLevel:all=off"))


@pytest.fixture(scope="module")
def partons(shower: Shower, hard_events: HardEvents) -> list[Any]:
    return shower_partons(shower, hard_events.part(0, N), range(1, N + 1))


@pytest.fixture(scope="module")
def hadronisation() -> Hadronisation:
    return Hadronisation((*COMMON, *CP5))


def test_views_are_hadronisations_of_the_same_partons(partons: list[Any], hadronisation: Hadronisation) -> None:
    """Pythia itself, with the partons and the seed of one event after another."""
    before = [[(entry.px(), entry.py(), entry.pz()) for entry in event] for event in partons]
    pythia = configure((*COMMON, *CP5, "ProcessLevel:all=off", "PartonLevel:FSRinResonances=off"))
    pythia.init()
    for first in (101, 201):
        view = hadronisation.run(partons, range(first, first + N))
        for index, event in enumerate(partons):
            pythia.event = event
            pythia.event.init("", pythia.particleData)
            pythia.event.restorePtrs()
            pythia.rndm.init(first + index)
            assert pythia.forceHadronLevel(False)
            expected = [(one.id(), one.px(), one.py(), one.pz(), one.e()) for one in pythia.event if one.isFinal()]
            found = view[index].prt
            columns = (found.id, found.p.px, found.p.py, found.p.pz, found.p.e)
            assert list(zip(*map(ak.to_list, columns), strict=True)) == expected
    assert [[(entry.px(), entry.py(), entry.pz()) for entry in event] for event in partons] == before


def test_a_view_depends_on_its_partons_and_seed_alone(partons: list[Any], hadronisation: Hadronisation) -> None:
    """Neither on what was hadronised before, nor on the random numbers of the instance that made the partons."""
    together = hadronisation.run(partons[:4], [5, 6, 7, 8])
    for one in (hadronisation, Hadronisation((*COMMON, *CP5))):
        for index in (2, 0):
            alone = one.run(partons[index : index + 1], [5 + index])
            assert ak.to_list(alone.prt.p.px[0]) == ak.to_list(together.prt.p.px[index])


def test_hadrons_come_from_the_partons(partons: list[Any], hadronisation: Hadronisation) -> None:
    one = hadronisation.run(partons, range(101, 101 + N))
    other = hadronisation.run(partons, range(201, 201 + N))
    assert not ak.any(ak.is_none(one))
    assert ak.to_list(ak.num(one.prt.id)) != ak.to_list(ak.num(other.prt.id))
    assert ak.all(one.prt.status > 0)
    assert ak.to_list(ak.sum(one.prt.p.e, axis=1)) == pytest.approx([13000.0] * N, rel=1e-4)
    assert not ak.any((abs(one.prt.id) < 9) | (one.prt.id == 21))


def test_a_rejected_event_stays_in_its_place(partons: list[Any], hadronisation: Hadronisation) -> None:
    batch = hadronisation.run([None, partons[0], None], [1, 2, 3])
    assert ak.to_list(ak.is_none(batch)) == [True, False, True]
    nothing = hadronisation.run([None, None], [1, 2])
    assert ak.to_list(ak.fill_none(ak.num(nothing.prt.id), 0)) == [0, 0]
