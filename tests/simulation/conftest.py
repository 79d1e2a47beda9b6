"""Small real simulations, made once for all tests of this room."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rs3l_gnn.simulation import HardEvents, SampleConfig, SimulationConfig, SimulationSummary, get_process, simulate
from rs3l_gnn.simulation.generate import generate_hard_events
from rs3l_gnn.simulation.hard_events import PARTICLE_TYPE

pytest.importorskip("pythia8mc", reason="the extra 'simulation' is not installed")

_EVENT = """4 {process} {weight} 500 0.0078 0.1
2 -1 0 0 501 0 0 0 829.15195 829.15195 0 0 9
-2 -1 0 0 0 502 0 0 -329.15195 329.15195 0 0 9
23 1 1 2 0 0 300 400 100 517.99148 91.1876 0 9
21 1 1 2 501 502 -300 -400 400 640.31242 0 0 9
"""


def _lhe_text(
    weights: Sequence[object] = (1, 1),
    *,
    strategy: int = 3,
    processes: Sequence[str] = ("10 0.1 1 1",),
    header: str = "",
    tags: Sequence[str] = (),
    after: Sequence[str] = (),
) -> str:
    """An LHE file by hand: a weight for each event, attributes of its tag, and what follows its particles."""
    init = f"2212 2212 6500 6500 0 0 1 1 {strategy} {len(processes)}\n" + "".join(f"{row}\n" for row in processes)
    events = [
        f"<event{' ' + tags[index] if tags else ''}>\n{_EVENT.format(process=1, weight=weight)}"
        f"{after[index] if after else ''}</event>\n"
        for index, weight in enumerate(weights)
    ]
    return (
        f'<LesHouchesEvents version="3.0">\n<header>\n{header}</header>\n<init>\n{init}</init>\n'
        f"{''.join(events)}</LesHouchesEvents>\n"
    )


@pytest.fixture(scope="session")
def lhe_text() -> Callable[..., str]:
    """Text of an LHE file by hand."""
    return _lhe_text


@pytest.fixture
def lhe_of(tmp_path: Path) -> Callable[..., Path]:
    """An LHE file by hand, or with a given text."""

    def write(*args: object, text: str | None = None, **options: object) -> Path:
        path = tmp_path / "some.lhe"
        path.write_text(text or _lhe_text(*args, **options))  # type: ignore[arg-type] # checked by _lhe_text itself
        return path

    return write


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
def small(made_once: Callable[[str, Callable[[Path], object]], Path]) -> SimulationSummary:
    """Two samples, three variations, two chunks of the first sample, in one process; made for all processes at once."""

    def fill(folder: Path) -> None:
        (folder / "summary.pickle").write_bytes(pickle.dumps(simulate(SMALL, folder / "out")))

    folder = made_once("small-simulation", fill)
    summary: SimulationSummary = pickle.loads((folder / "summary.pickle").read_bytes())  # noqa: S301  # our own
    return replace(summary, output=folder / "out")


@pytest.fixture(scope="session")
def small_output(small: SimulationSummary) -> Path:
    """Directory of :func:`small`."""
    return small.output


@pytest.fixture(scope="session")
def z_plus_jets(hard_events: HardEvents) -> Callable[..., HardEvents]:
    """Makes events q qbar -> Z(-> q qbar) + gluons: their numbers of gluons, and the header of their file."""

    def made(*jets: int, header: str = "") -> HardEvents:
        rows, counts = [], []
        for number in jets:
            event = [(2, -1, 0, 0), (-2, -1, 0, 0), (23, 2, 1, 2), (1, 1, 3, 3), (-1, 1, 3, 3)]
            event += [(21, 1, 1, 2)] * number
            rows += [(*row, 501, 502, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 9.0) for row in event]
            counts.append(len(event))
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        few = hard_events.part(0, len(jets))
        return replace(few, particles=np.array(rows, dtype=PARTICLE_TYPE), offsets=offsets, header=header)

    return made
