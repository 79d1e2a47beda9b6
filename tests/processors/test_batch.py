"""The batch systems of the page: its lines make job scripts, and their workers run an analysis."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rs3l_gnn.processors import AnalysisConfig, analyze
from rs3l_gnn.processors.config import RunConfig

PAGE = Path(__file__).parents[2] / "docs" / "processors.md"


def _lines(of: str) -> str:
    """The page's code block that makes the cluster, without the lines that submit jobs and run the analysis."""
    blocks = [block for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL) if of in block]
    assert len(blocks) == 1
    return str(blocks[0]).partition("cluster.scale")[0]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("HTCondorCluster", ["RequestCpus = MY.DaskWorkerCores", "RequestMemory = floor(MY.DaskWorkerMemory"]),
        ("SLURMCluster", ["#SBATCH -p short", "#SBATCH --cpus-per-task=1", "#SBATCH --mem=2G", "#SBATCH -t 02:00:00"]),
    ],
)
def test_the_documented_lines_make_a_job_script(name: str, wanted: list[str]) -> None:
    pytest.importorskip("dask_jobqueue", reason="needs dask-jobqueue")
    scope: dict[str, Any] = {}
    exec(compile(_lines(name), str(PAGE), "exec"), scope)  # noqa: S102 - our own page
    cluster = scope["cluster"]
    try:
        script = cluster.job_script()
        address = cluster.scheduler_address
    finally:
        cluster.close()
    for text in wanted:
        assert text in script
    assert address.startswith("tcp://")
    assert address in script
    assert "distributed.cli.dask_worker" in script
    assert "--nthreads 1" in script


# Dask-jobqueue's stand-in lets go of its processes and their pipes without closing them.
@pytest.mark.filterwarnings("ignore:(subprocess .* is still running|unclosed file):ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.slow
def test_an_analysis_on_workers_of_job_scripts(
    toy_filesets: list[Path], tmp_path: Path, written: Callable[[Path], dict[str, Any]]
) -> None:
    """Dask-jobqueue's stand-in for a batch system runs each job script as a process."""
    pytest.importorskip("dask_jobqueue", reason="needs dask-jobqueue")
    from dask_jobqueue.local import LocalCluster

    options: Any = {"cores": 1, "memory": "2GB", "interface": "lo", "local_directory": str(tmp_path)}
    with LocalCluster(**options, scheduler_options={"dashboard_address": "127.0.0.1:0"}) as cluster:
        cluster.scale(jobs=2)
        run = {"executor": "dask", "scheduler": cluster.scheduler_address, "chunksize": 20}
        report = analyze(AnalysisConfig(filesets=tuple(toy_filesets), run=RunConfig(**run)), tmp_path / "out")
    assert report["complete"] is True
    assert report["workers"] >= 1
    analyze(AnalysisConfig(filesets=tuple(toy_filesets)), tmp_path / "here")
    assert written(tmp_path / "out") == written(tmp_path / "here")
