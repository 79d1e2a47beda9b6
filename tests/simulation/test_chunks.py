from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from rs3l_gnn.conventions import NOMINAL, own_variation
from rs3l_gnn.simulation import HardEvents, SampleConfig, SimulationConfig
from rs3l_gnn.simulation.chunks import Chunk, ViewParticles
from rs3l_gnn.simulation.particles import Particles

WORSE = own_variation("worse", detector=("tracker.reach_pt=2",), one_sided=True, shares="particles")
SOFTER = own_variation("softer", settings=("StringZ:aLund=0.9",), one_sided=True)


def _shared(hard: HardEvents, start: str, *variations: object) -> ViewParticles:
    config = SimulationConfig(samples={"x": SampleConfig(process="hbb", events=4)}, variations=("seed",), seed=3)
    config = config.model_copy(update={"start": start})
    chunk = Chunk("x", 0, 0, hard.part(0, 4), tuple(variations), (), config, {}, Path())  # type: ignore[arg-type]
    return ViewParticles(chunk)


def _same(one: Particles, other: Particles) -> bool:
    return len(one) == len(other) and all(
        np.array_equal(getattr(one, field.name), getattr(other, field.name)) for field in fields(Particles)
    )


@pytest.mark.parametrize("start", ["hard", "shower"])
def test_another_detector_gets_the_particles_of_nominal(hard_events: HardEvents, start: str) -> None:
    shared = _shared(hard_events, start, NOMINAL, SOFTER, WORSE)
    nominal, other, worse = (shared.particles(variation)[0] for variation in (NOMINAL, SOFTER, WORSE))
    assert _same(nominal, worse)
    assert not _same(nominal, other)
    # Where nominal is in another output, they are made for it once more.
    alone = _shared(hard_events, start, WORSE)
    assert _same(alone.particles(WORSE)[0], nominal)
    assert alone.particles(WORSE)[2] is None  # shower weights belong to nominal


def test_views_from_the_particles_on_all_share_them(hard_events: HardEvents) -> None:
    shared = _shared(hard_events, "particles", NOMINAL, WORSE)
    assert _same(shared.particles(NOMINAL)[0], shared.particles(WORSE)[0])
