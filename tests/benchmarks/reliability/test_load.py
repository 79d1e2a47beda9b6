from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import uproot

from rs3l_gnn.benchmarks.analysis import write_events
from rs3l_gnn.benchmarks.reliability.load import LOADS, measure_loads
from rs3l_gnn.processors import AnalysisConfig, analyze


def test_small_loads_give_their_numbers() -> None:
    found = measure_loads(("names in a fileset", "variations of a histogram"), fraction=0.05)
    assert found["names in a fileset"]["sizes"] == [500, 5000]
    for load in found.values():
        assert all(seconds > 0 for seconds in load["seconds"])
        assert load["over_linear"] == pytest.approx(load["cpu_seconds"][1] / load["cpu_seconds"][0] / 10)


def _bytes_read() -> int:
    """By this process so far, from wherever."""
    counts = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(counts["rchar"])


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="the system does not count what is read")
def test_a_file_of_20_gb_is_read_where_its_events_lie(tmp_path: Path) -> None:
    """Half of them lie behind a hole, at places that need more than 32 bits."""
    path = write_events(tmp_path / "large.root", 100, seed=1, block=50, hole=20 * 10**9)
    with uproot.open(path) as file:
        pt = file["Events"]["FatJet_pt"]
        places, values = pt.member("fBasketSeek")[:2], pt.array().to_numpy().ravel()
    assert places[0] < 2**32 < 20 * 10**9 < places[1] < path.stat().st_size
    (tmp_path / "fileset.json").write_text(json.dumps({"toys": {"files": {path.name: "Events"}}}))
    document = {"filesets": [tmp_path / "fileset.json"], "paired": False, "run": {"executor": "iterative"}}
    before = _bytes_read()
    analyze(AnalysisConfig.model_validate(document), tmp_path / "out")
    assert _bytes_read() - before < 50 * 10**6
    found = json.loads((tmp_path / "out" / "histograms.json").read_text())["histograms"]["pt"]
    axis, filled = found["axes"][-1], np.asarray(found["storage"]["values"])[0, 0, 0, 1:-1]
    edges = np.linspace(axis["lower"], axis["upper"], axis["bins"] + 1)
    assert filled.tolist() == np.histogram(values[values > 450], edges)[0].tolist()


@pytest.mark.slow
@pytest.mark.parametrize("name", LOADS)
def test_memory_is_bounded_and_time_linear(name: str) -> None:
    """Ten times the size takes ten times the time at most (twice that for caches), and hardly more memory.

    A hole in a file takes no time at all, and a bit for the noise of a second.
    """
    found = measure_loads((name,))[name]
    assert found["over_linear"] < (0.3 if name == "MB of a sparse file" else 2)
    grown = found["peak_mb"][1] - found["peak_mb"][0]
    assert grown < 400, f"{grown:.0f} MB more"
