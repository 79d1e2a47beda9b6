from __future__ import annotations

from dataclasses import replace

import awkward as ak
import numpy as np
import pytest

from rs3l_gnn.conventions import SimulationError
from rs3l_gnn.simulation import HardEvents
from rs3l_gnn.simulation.settings import COMMON, CP5, SHOWER_WEIGHTS, shower_weight_settings
from rs3l_gnn.simulation.shower import Shower

NOMINAL = (*COMMON, *CP5)


@pytest.fixture(scope="module")
def shower(hard_events: HardEvents) -> Shower:
    return Shower(hard_events.beams, NOMINAL)


def _same(one: ak.Array, other: ak.Array) -> bool:
    return all(
        np.array_equal(ak.to_numpy(one.prt.p[name]), ak.to_numpy(other.prt.p[name])) for name in ("px", "py", "pz", "e")
    ) and np.array_equal(ak.to_numpy(one.prt.id), ak.to_numpy(other.prt.id))


def test_an_event_does_not_depend_on_its_neighbours(shower: Shower, hard_events: HardEvents) -> None:
    seeds = list(range(100, 108))
    together = shower.run(hard_events.part(0, 8), seeds)
    alone = shower.run(hard_events.part(5, 6), [105])
    elsewhere = Shower(hard_events.beams, NOMINAL).run(hard_events.part(4, 7), [104, 105, 106])
    assert _same(together[5], alone[0])
    assert _same(together[5], elsewhere[1])
    assert not _same(together[5], shower.run(hard_events.part(5, 6), [999])[0])


def test_hard_partons_are_those_handed_in(shower: Shower, hard_events: HardEvents) -> None:
    batch = shower.run(hard_events.part(0, 4), [1, 2, 3, 4])
    for index in range(4):
        particles = batch[index].prt
        higgs = particles[(particles.id == 25) & (particles.status == -22)]
        expected = hard_events.event(index)
        assert float(higgs.p.px[0]) == pytest.approx(expected["px"][expected["id"] == 25][0])


def test_the_scale_starts_the_shower(shower: Shower, hard_events: HardEvents) -> None:
    """A scale near zero switches the showers off, which is why such files are refused."""
    whole = hard_events.part(0, 10)
    low = replace(whole, scale=np.full(10, 1.0))
    settings = (*NOMINAL, "SpaceShower:pTmaxMatch=1", "PartonLevel:MPI=off", "HadronLevel:all=off")
    limited = Shower(hard_events.beams, settings)
    n_whole = ak.sum(ak.num(limited.run(whole, range(1, 11)).prt.id))
    n_low = ak.sum(ak.num(limited.run(low, range(1, 11)).prt.id))
    assert n_low < 0.75 * n_whole


def test_an_event_that_pythia_rejects_shifts_nothing(hard_events: HardEvents) -> None:
    part = hard_events.part(0, 5)
    particles = part.particles.copy()
    # More energy than the beams have.
    rows = slice(part.offsets[2], part.offsets[3])
    for name in ("px", "py", "pz", "e", "m"):
        particles[name][rows] *= 20
    broken = replace(part, particles=particles)
    shower = Shower(hard_events.beams, NOMINAL)
    seeds = [21, 22, 23, 24, 25]
    batch = shower.run(broken, seeds)
    assert ak.to_list(ak.is_none(batch)) == [False, False, True, False, False]
    good = shower.run(part, seeds)
    for index in (0, 1, 3, 4):
        assert _same(batch[index], good[index])


def test_shower_weights(hard_events: HardEvents) -> None:
    shower = Shower(hard_events.beams, (*NOMINAL, *shower_weight_settings("cms")))
    weights = shower.weights(shower.run(hard_events.part(0, 12), range(1, 13)))
    assert shower.weight_names == tuple(SHOWER_WEIGHTS)
    assert weights.shape == (12, 12)
    assert (weights > 0).all()
    column = {meaning: np.log(weights[:, place]) for place, meaning in enumerate(SHOWER_WEIGHTS.values())}
    for source in ("isr", "fsr"):
        # Scales up and down pull to opposite sides of 1 in nearly all events, the larger factors farther.
        up, down = column[f"{source}:muRfac=2.0"], column[f"{source}:muRfac=0.5"]
        assert np.corrcoef(up, down)[0, 1] < -0.8
        assert np.std(column[f"{source}:muRfac=0.707"]) < np.std(down) < np.std(column[f"{source}:muRfac=0.25"])
        assert np.std(column[f"{source}:muRfac=1.414"]) < np.std(up) < np.std(column[f"{source}:muRfac=4.0"])


def test_fewer_shower_weights_are_the_first_ones(hard_events: HardEvents) -> None:
    shower = Shower(hard_events.beams, (*NOMINAL, *shower_weight_settings("pythia")))
    weights = shower.weights(shower.run(hard_events.part(0, 4), range(1, 5)))
    assert shower.weight_names == tuple(SHOWER_WEIGHTS)[:4]
    info = shower.pythia.infoPython()  # of the last event; Pythia has an order of its own
    raw = {name.lower(): value for name, value in zip(info.weightNameVector(), info.weightValueVector(), strict=True)}
    assert weights[-1] == pytest.approx(
        [raw[name] / info.weightValueVector()[0] for name in ("isrup", "fsrup", "isrdown", "fsrdown")]
    )


def test_a_setting_unknown_to_pythia_is_an_error(hard_events: HardEvents) -> None:
    with pytest.raises(SimulationError, match="'TimeShower:colour=red'; got input string not found"):
        Shower(hard_events.beams, (*NOMINAL, "TimeShower:colour=red"))
