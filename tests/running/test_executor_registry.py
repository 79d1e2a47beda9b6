"""Executors and launchers: what YAML may say, and those that another package brings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import uproot
import yaml

from rs3l_gnn.conventions import ConfigError, dump_config, parse_config
from rs3l_gnn.processors.config import RunConfig

LOCAL = {"name": "dask", "cluster": {"name": "local", "workers": 2, "memory_limit": "1.5GB"}}
LAUNCHER = """
from rs3l_gnn.running.launcher import Launcher

class Threads(Launcher):
    name: Literal["threads"] = "threads"
    number: int = 1
    @contextmanager
    def open(self):
        import distributed
        options = dict(threads_per_worker=1, dashboard_address=None)
        with distributed.Client(processes=False, n_workers=self.number, **options) as client:
            yield client
"""
POINTS = "[rs3l_gnn.executors]\nbackwards = my_cluster:Backwards\n[rs3l_gnn.launchers]\nthreads = my_cluster:Threads\n"
CHILD = """
import json
from rs3l_gnn.conventions import load_config
from rs3l_gnn.processors import AnalysisConfig, analyze
out = {}
for name in ("backwards", "threads"):
    analyze(load_config(AnalysisConfig, f"{name}.yaml"), name)
try:
    load_config(AnalysisConfig, "threads.yaml", ["run.executor=sideways"])
except Exception as error:
    print(json.dumps(str(error)))
"""


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ({}, {"name": "iterative"}),
        ({"workers": 4, "memory_limit": "3GB", "scheduler": None}, {"name": "iterative"}),
        ({"executor": "futures", "workers": 3, "memory_limit": "3GB"}, {"name": "futures", "workers": 3}),
        ({"executor": "dask", "workers": 2}, LOCAL),
        ({"executor": {"name": "dask", "workers": 2}}, LOCAL),
        ({"executor": LOCAL | {"cluster": {"workers": 5}}, "workers": 2}, LOCAL),  # what stands beside wins
        (
            {"executor": "dask", "scheduler": "tcp://a:1", "worker_timeout": 7, "workers": 1, "memory_limit": "2GB"},
            {
                "name": "dask",
                "cluster": {
                    "name": "scheduler",
                    "address": "tcp://a:1",
                    "connect_timeout": 60,
                    "worker_timeout": 7,
                },
            },
        ),
    ],
)
def test_short_and_long_forms(written: dict[str, Any], meant: dict[str, Any]) -> None:
    config = RunConfig.model_validate(written)
    assert config.executor.model_dump() == meant
    assert RunConfig.model_validate(yaml.safe_load(dump_config(config))) == config


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ({"executor": "slurm"}, "no executor that is known; allowed: dask, futures, iterative"),
        ({"executor": 3}, "no executor that is known"),
        (
            {"executor": {"name": "dask", "cluster": {"name": "x"}}},
            "no launcher that is known; allowed: htcondor, slurm, local, scheduler",
        ),
        (
            {"executor": {"name": "dask", "cluster": {"name": "slurm", "job": 3}}},
            "unknown key 'run.executor.cluster.job' .did you mean 'jobs'",
        ),
        ({"executor": {"name": "dask", "cluster": {"name": "slurm"}}, "workers": 2}, "'run.executor.cluster.workers'"),
        ({"executor": "futures", "workers": 0}, "run.executor.workers"),
        ({"executor": "futures", "scheduler": "tcp://a:1"}, "goes with the executor dask, got futures"),
    ],
)
def test_mistakes_are_refused(run: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_config(RunConfig, run, where="here") if "run." not in message else _whole(run)


def _whole(run: dict[str, Any]) -> None:
    from rs3l_gnn.processors import AnalysisConfig

    parse_config(AnalysisConfig, {"filesets": "a", "run": run}, where="here")


def test_an_executor_and_a_launcher_of_another_package(
    toy_filesets: list[Path], tmp_path: Path, code_of: Callable[[str, str], list[str]]
) -> None:
    executor = code_of("docs/extending.md", "python")[2]
    metadata = tmp_path / "site" / "my_cluster-1.0.dist-info"
    metadata.mkdir(parents=True)
    (tmp_path / "site" / "my_cluster.py").write_text(f"{executor}\n{LAUNCHER}")
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: my-cluster\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(POINTS)
    document = {"filesets": [str(path) for path in toy_filesets[:1]], "datasets": "*nominal"}
    runs: dict[str, Any] = {
        "backwards": {"executor": "backwards", "workers": 3, "chunksize": 25},
        "threads": {"executor": {"name": "dask", "cluster": {"name": "threads", "number": 2}}},
    }
    for name, run in runs.items():
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump({**document, "run": run}))
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    done = subprocess.run(  # noqa: S603  # our own interpreter and code
        [sys.executable, "-c", CHILD], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    refused = json.loads(done.stdout.splitlines()[-1])
    assert "allowed: dask, futures, iterative, backwards" in refused
    reports = {name: json.loads((tmp_path / name / "report.json").read_text()) for name in runs}
    assert {name: report["executor"] for name, report in reports.items()} == {
        "backwards": "backwards",
        "threads": "dask",
    }
    assert {name: report["workers"] for name, report in reports.items()} == {"backwards": 3, "threads": 2}
    (source,) = toy_filesets[0].parent.glob("nominal*.root")
    with uproot.open(source) as file:
        events = int(file["Events"].num_entries)
    assert all(report["events"] == events for report in reports.values())
    chunks = {name: report["chunks"] for name, report in reports.items()}
    assert chunks == {"backwards": -(-events // 25), "threads": 1}
