from __future__ import annotations

from pathlib import Path

import pytest

from rs3l_gnn.benchmarks.reliability.kinds import KINDS
from rs3l_gnn.benchmarks.reliability.seeds import make_seeds


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return make_seeds(tmp_path_factory.mktemp("seeds"))


def test_there_is_a_good_file_of_each_kind(seeds: dict[str, Path]) -> None:
    assert set(KINDS) - set(seeds) == {"events.lhe.gz"}  # events.lhe, packed
    assert set(seeds) - set(KINDS) == {"export.json", "report.json"}


def test_pylhe_reads_the_same_events(seeds: dict[str, Path]) -> None:
    import pylhe

    events = list(pylhe.LHEFile.fromfile(str(seeds["events.lhe"])).events)
    assert [len(event.particles) for event in events] == [5, 4]
    assert [event.eventinfo.scale for event in events] == [500.0, 480.0]
    for event in events:
        for name in ("px", "py", "pz", "e"):
            balance = sum(getattr(p, name) * (-1 if p.status == -1 else 1) for p in event.particles)
            assert balance == pytest.approx(0, abs=1e-6)
