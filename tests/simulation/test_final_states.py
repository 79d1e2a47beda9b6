"""Final states against Pythia's own arrays of whole events, number for number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import awkward as ak
import numpy as np
import pytest

from rs3l_gnn.simulation import DetectorConfig, HardEvents, final_states
from rs3l_gnn.simulation.settings import COMMON, CP5, decay_settings, shower_weight_settings
from rs3l_gnn.simulation.shower import Shower

N = 6
SEEDS = range(31, 31 + N)
SETTINGS = (*COMMON, *CP5, *decay_settings(DetectorConfig()), *shower_weight_settings("pythia"))


@pytest.fixture(scope="module")
def hard(hard_events: HardEvents) -> HardEvents:
    """The third of them has more energy than the beams."""
    part = hard_events.part(0, N)
    particles = part.particles.copy()
    rows = slice(part.offsets[2], part.offsets[3])
    for name in ("px", "py", "pz", "e", "m"):
        particles[name][rows] *= 20
    return replace(part, particles=particles)


@pytest.fixture(scope="module")
def shower(hard: HardEvents) -> Shower:
    return Shower(hard.beams, SETTINGS)


@pytest.fixture(scope="module")
def whole(shower: Shower, hard: HardEvents) -> ak.Array:
    return shower.run(hard, SEEDS)


def _assert_final(found: ak.Array, whole: ak.Array) -> None:
    assert ak.to_list(ak.is_none(found)) == [False, False, True, False, False, False]
    assert ak.all(found.prt.status > 0)
    expected = whole.prt[whole.prt.status > 0]
    pairs = [(found.prt[name], expected[name]) for name in ("id", "status")]
    pairs += [(found.prt.p[name], expected.p[name]) for name in ("px", "py", "pz", "e")]
    pairs += [(found.prt.vProd[name], ak.fill_none(expected.vProd[name], 0.0)) for name in ("px", "py", "pz")]
    pairs += [(found.info[name], whole.info[name]) for name in ("mHat", "weights")]
    for mine, pythias in pairs:
        assert ak.to_list(mine) == ak.to_list(pythias)
    assert ak.any(found.prt.vProd.px != 0)
    assert ak.any(ak.num(found.info.weights) > 1)


def test_in_memory(shower: Shower, hard: HardEvents, whole: ak.Array, caplog: pytest.LogCaptureFixture) -> None:
    final_states.lies_as_known.cache_clear()
    _assert_final(shower.run(hard, SEEDS, final=True), whole)
    assert final_states.lies_as_known()
    assert not caplog.records


@pytest.fixture(params=["order", "length"])
def other_build(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """px and py in each other's place, or longer entries."""
    entry: Any = final_states.ENTRY
    places = {name: place for name, (_, place) in entry.fields.items()}
    length = entry.itemsize
    if request.param == "order":
        places["px"], places["py"] = places["py"], places["px"]
    else:
        length += 8
    kinds = [kind for kind, _ in entry.fields.values()]
    other: Any = {"names": entry.names, "formats": kinds, "offsets": list(places.values()), "itemsize": length}
    monkeypatch.setattr(final_states, "ENTRY", np.dtype(other))
    final_states.lies_as_known.cache_clear()
    yield
    final_states.lies_as_known.cache_clear()


@pytest.mark.usefixtures("other_build")
def test_in_another_build_of_pythia(
    shower: Shower, hard: HardEvents, whole: ak.Array, caplog: pytest.LogCaptureFixture
) -> None:
    """Numbers by their names, and whole events where there are showers."""
    found = final_states.FinalStates()
    for index, seed in enumerate(SEEDS):
        if shower.next_event(hard.part(index, index + 1), seed):
            found.add(shower.pythia.event, shower.pythia.infoPython())
        else:
            found.add_missing()
    _assert_final(found.array(), whole)
    assert ak.to_list(shower.run(hard, SEEDS, final=True).prt) == ak.to_list(whole.prt)
    assert not final_states.lies_as_known()
    assert [record.message for record in caplog.records] == [
        "Pythia's event records lie in memory otherwise than known: reading them takes longer"
    ]


def test_events_of_growing_length_and_at_other_places(shower: Shower, hard: HardEvents) -> None:
    """What was read is a copy: later events change nothing, wherever and however long they are."""
    found, expected = final_states.FinalStates(), []
    for index in (0, 1, 3, 4, 5):
        assert shower.next_event(hard.part(index, index + 1), 77)
        for event in (shower.pythia.event, type(shower.pythia.event)(shower.pythia.event)):
            found.add(event)
            expected.append([(one.id(), one.px()) for one in event if one.isFinal()])
    array = found.array()
    for mine, pythias in zip(array.prt, expected, strict=True):
        assert list(zip(mine.id.to_list(), mine.p.px.to_list(), strict=True)) == pythias
    assert np.isnan(ak.to_numpy(array.info.mHat)).all()


def test_nothing() -> None:
    assert len(final_states.FinalStates().array()) == 0
    missing = final_states.FinalStates()
    missing.add_missing()
    assert ak.to_list(missing.array()) == [None]
