"""Small real simulations, made once for all tests of this room."""

from __future__ import annotations

from pathlib import Path

import pytest

from rs3l_gnn.simulation import HardEvents, SampleConfig, SimulationConfig, SimulationSummary, get_process, simulate
from rs3l_gnn.simulation.generate import generate_hard_events

pytest.importorskip("pythia8mc", reason="the extra 'simulation' is not installed")

SMALL = SimulationConfig(
    samples={
        "hbb": SampleConfig(process="hbb", events=24, pt_hat_min=480.0),
        "qcd": SampleConfig(process="qcd", events=12, pt_hat_min=480.0),
    },
    variations=("nominal", "seed", "fsrDefDown"),
    seed=11,
    chunk_size=12,
    workers=1,
)


@pytest.fixture(scope="session")
def hard_events() -> HardEvents:
    """Thirty ZH events."""
    return generate_hard_events(get_process("hbb"), 30, sample="hbb", seed=5, pt_hat_min=450.0, energy=13000.0)


@pytest.fixture(scope="session")
def small_config() -> SimulationConfig:
    """Configuration of :func:`small`."""
    return SMALL


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> SimulationSummary:
    """Two samples, three variations, two chunks of the first sample, in one process."""
    return simulate(SMALL, tmp_path_factory.mktemp("small") / "out")


@pytest.fixture(scope="session")
def small_output(small: SimulationSummary) -> Path:
    """Directory of :func:`small`."""
    return small.output
