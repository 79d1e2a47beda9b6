from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import uproot

from rs3l_gnn.conventions import SimulationError, dump_config
from rs3l_gnn.simulation import SimulationConfig, SimulationSummary, simulate


def _content(directory: Path, variation: str) -> list[object]:
    files = sorted(directory.glob(f"{variation}_*.root"))
    return [entry for path in files for entry in uproot.open(path)["Events"].arrays().to_list()]


# Dask's own threads and sockets are closed after the test; Python may find them before.
@pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::UserWarning:distributed"
)
def test_dask_gives_the_same_jets(small: SimulationSummary, small_config: SimulationConfig, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        processes=False,
        protocol="tcp",
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
    ) as cluster:
        config = small_config.model_copy(
            update={"scheduler": cluster.scheduler_address, "samples": {"qcd": small_config.samples["qcd"]}}
        )
        summary = simulate(config, tmp_path / "out")
    assert summary.samples["qcd"].matched == small.samples["qcd"].matched
    for variation in ("nominal", "seed", "fsrDefDown"):
        assert _content(tmp_path / "out" / "qcd", variation) == _content(small.output / "qcd", variation)


def test_no_scheduler_there(small_config: SimulationConfig, tmp_path: Path) -> None:
    config = small_config.model_copy(update={"scheduler": "what://127.0.0.1:1"})
    with pytest.raises(SimulationError, match="no Dask scheduler answers at what://"):
        simulate(config, tmp_path / "out")


_RUN = """
import sys
from rs3l_gnn.conventions import SimulationError, load_config
from rs3l_gnn.simulation import SimulationConfig, simulate

if __name__ == "__main__":
    try:
        simulate(load_config(SimulationConfig, sys.argv[1]), sys.argv[2])
    except SimulationError as error:
        sys.exit(f"SimulationError: {error}")
"""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the worker under /proc")
def test_a_killed_worker_is_said_and_nothing_is_lost(
    small: SimulationSummary, small_config: SimulationConfig, tmp_path: Path
) -> None:
    config = small_config.model_copy(
        update={
            "workers": 2,
            "chunk_size": 3,
            "samples": {"hbb": small_config.samples["hbb"]},
            "variations": ("nominal",),
        }
    )
    (tmp_path / "config.yaml").write_text(dump_config(config))
    (tmp_path / "run.py").write_text(_RUN)
    run = subprocess.Popen(  # our own interpreter and script
        [sys.executable, "run.py", "config.yaml", "out"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    markers = tmp_path / "out" / "hbb" / "chunks"
    deadline = time.monotonic() + 120
    while not list(markers.glob("[0-9]*.json")) and time.monotonic() < deadline:
        time.sleep(0.01)
    children = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
    workers = [pid for pid in children if "spawn_main" in Path(f"/proc/{pid}/cmdline").read_text()]
    os.kill(int(workers[0]), signal.SIGKILL)
    _, message = run.communicate(timeout=120)
    assert run.returncode == 1
    assert "SimulationError: a worker process was killed; run the same command again" in message
    summary = simulate(config.model_copy(update={"workers": 1}), tmp_path / "out")
    assert summary.showers < 24
    assert _content(tmp_path / "out" / "hbb", "nominal") == _content(small.output / "hbb", "nominal")
