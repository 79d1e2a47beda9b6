"""A run that is disturbed anywhere, and run again, gives the arrays of an undisturbed one and leaves nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from rs3l_gnn.benchmarks.reliability.faults import FAULTS, Reference, lost
from rs3l_gnn.benchmarks.reliability.jobs import VERBS, Job, make_jobs

TRIES = int(os.environ.get("FAULT_TRIES", "10"))
"""Moments of each fault in the slow matrix."""
QUICK = (("pair", "SIGKILL"), ("analyze", "SIGTERM"), ("pair", "small files"), ("pair", "two runs"))


@pytest.fixture(scope="session")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Job]:
    return make_jobs(tmp_path_factory.mktemp("jobs"))


@pytest.fixture(scope="session")
def reference(jobs: dict[str, Job], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Reference]:
    known: dict[str, Reference] = {}

    def of(verb: str) -> Reference:
        if verb not in known:
            known[verb] = Reference.make(jobs[verb], tmp_path_factory.mktemp(f"undisturbed-{verb}"))
        return known[verb]

    return of


@pytest.mark.parametrize(("verb", "fault"), QUICK)
def test_a_few_faults(
    verb: str, fault: str, jobs: dict[str, Job], reference: Callable[[str], Reference], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    assert lost(FAULTS[fault], jobs[verb], reference(verb), folder, seed=1) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("verb", "fault"), [(verb, name) for verb in VERBS for name, fault in FAULTS.items() if fault.concerns(verb)]
)
def test_the_matrix(
    verb: str, fault: str, jobs: dict[str, Job], reference: Callable[[str], Reference], tmp_path: Path
) -> None:
    for seed in range(TRIES):
        folder = tmp_path / f"run-{seed}"
        folder.mkdir()
        assert (seed, lost(FAULTS[fault], jobs[verb], reference(verb), folder, seed)) == (seed, [])
