"""Batch systems: sections of YAML make job scripts, and workers of job scripts run an analysis."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rs3l_gnn.conventions import ClusterError, ConfigError
from rs3l_gnn.processors import AnalysisConfig, analyze
from rs3l_gnn.processors.config import RunConfig
from rs3l_gnn.running.launcher_registry import LAUNCHERS
from rs3l_gnn.running.launchers.batch import HTCondor, Slurm

pytest.importorskip("dask_jobqueue", reason="needs dask-jobqueue")


@pytest.mark.parametrize(
    ("cluster", "wanted"),
    [
        (
            {"name": "htcondor", "disk": "3GB", "options": {"job_extra_directives": {"+JobFlavour": '"longlunch"'}}},
            [
                "RequestCpus = MY.DaskWorkerCores",
                "RequestMemory = floor(MY.DaskWorkerMemory",
                '+JobFlavour = "longlunch"',
            ],
        ),
        (
            {"name": "slurm", "queue": "short", "memory": "3GB", "walltime": "01:00:00"},
            ["#SBATCH -p short", "#SBATCH --cpus-per-task=1", "#SBATCH --mem=3G", "#SBATCH -t 01:00:00"],
        ),
    ],
)
def test_a_section_of_yaml_makes_a_job_script(cluster: dict[str, Any], wanted: list[str]) -> None:
    launcher: Any = LAUNCHERS.parse(cluster, where="here")
    made = launcher.make_cluster()
    try:
        script, address = made.job_script(), made.scheduler_address
    finally:
        made.close()
    for text in wanted:
        assert text in script
    assert address.startswith("tcp://")
    assert address in script
    assert "distributed.cli.dask_worker" in script
    assert "--nthreads 1" in script


def test_without_the_batch_system_or_with_wrong_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ClusterError, match="there is no sbatch here"), Slurm().open():
        pass
    with pytest.raises(ConfigError, match="HTCondorCluster has no options colour; allowed: .*job_extra_directives"):
        HTCondor(options={"colour": "red"}).make_cluster()


# Dask-jobqueue's stand-in lets go of its processes and their pipes without closing them.
@pytest.mark.filterwarnings("ignore:(subprocess .* is still running|unclosed file):ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.slow
def test_an_analysis_on_workers_of_job_scripts(
    toy_filesets: list[Path], tmp_path: Path, written: Callable[[Path], dict[str, Any]]
) -> None:
    """Dask-jobqueue's stand-in for a batch system runs each job script as a process."""
    from dask_jobqueue.local import LocalCluster

    options: Any = {"cores": 1, "memory": "2GB", "interface": "lo", "local_directory": str(tmp_path)}
    with LocalCluster(**options, scheduler_options={"dashboard_address": "127.0.0.1:0"}) as cluster:
        cluster.scale(jobs=2)
        run = {"executor": "dask", "scheduler": cluster.scheduler_address, "chunksize": 20}
        report = analyze(
            AnalysisConfig(filesets=tuple(toy_filesets), run=RunConfig.model_validate(run)), tmp_path / "out"
        )
    assert report["complete"] is True
    assert report["workers"] >= 1
    analyze(AnalysisConfig(filesets=tuple(toy_filesets)), tmp_path / "here")
    assert written(tmp_path / "out") == written(tmp_path / "here")
