"""``rs3l analyze`` on a real Slurm: a worker is killed, jobs end at their wall time, and no bit changes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from rs3l_gnn.processors import AnalysisConfig, analyze

SLOW_FILES = """
import time
import uproot

quick = uproot.open

def slow(*arguments, **options):
    time.sleep(2)
    return quick(*arguments, **options)

uproot.open = slow
"""
"""Workers wait for the file of each chunk, so that the work outlasts the shortest wall time of Slurm, a minute."""


@pytest.mark.slow
def test_a_killed_worker_and_jobs_at_their_wall_time(
    loopback_slurm: Any,
    toy_filesets: list[Path],
    tmp_path: Path,
    command: str,
    written: Callable[[Path], dict[str, Any]],
) -> None:
    pytest.importorskip("dask_jobqueue", reason="needs dask-jobqueue")
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(SLOW_FILES)
    cluster = {
        "name": "slurm",
        "jobs": 2,
        "queue": "short",
        "walltime": "00:01:00",
        "options": {
            "interface": "lo",
            "local_directory": str(tmp_path),
            "log_directory": str(tmp_path / "logs"),
            "job_script_prologue": [f"export PYTHONPATH={tmp_path / 'site'}"],
        },
    }
    run = {"executor": {"name": "dask", "cluster": cluster}, "chunksize": 4}  # 120 chunks
    (tmp_path / "analyze.yaml").write_text(
        yaml.safe_dump({"filesets": [str(path) for path in toy_filesets], "run": run})
    )
    words = [command, "analyze", "analyze.yaml", "--output", "out", "--json"]
    process = subprocess.Popen(  # noqa: S603  # our own command
        words,
        cwd=tmp_path,
        env=loopback_slurm.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        _kill_one_worker(loopback_slurm, process)
        told, log = process.communicate(timeout=1200)
    finally:
        process.kill()
    states = loopback_slurm.job_states()
    assert process.returncode == 0, log
    assert "TIMEOUT" in states, (states, log)
    assert len(states) > 2, states  # others were submitted in their place
    assert json.loads(told)["complete"] is True
    analyze(AnalysisConfig(filesets=tuple(toy_filesets)), tmp_path / "here")
    assert written(tmp_path / "out") == written(tmp_path / "here")


def _kill_one_worker(slurm: Any, process: subprocess.Popen[str]) -> None:
    """Kill a worker some seconds after it came up."""
    while process.poll() is None:
        workers = slurm.workers()
        if workers:
            time.sleep(15)
            os.kill(workers[0], signal.SIGKILL)
            return
        time.sleep(0.5)
    raise RuntimeError(f"the run ended without a worker: {process.communicate()[1]}")
