"""A first score where nothing is compiled: two processes, one of which may be missing, fail or stay."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import rs3l_gnn
from rs3l_gnn.models.kernels import preparing

PROGRAM = """
import os
import numpy as np
import rs3l_gnn
from rs3l_gnn.models.kernels import dense, edges, elementwise
features = np.random.default_rng(0).normal(size=(90, 15)).astype(np.float32)
print(rs3l_gnn.load_tagger("default-hbb").score(features, np.array([0, 60, 90]), threads=1).tolist())
print(*(sum(one.stats.cache_hits.values()) for one in (edges.edge_forward, dense.dense_forward, elementwise.pool)))
try:
    print(os.waitpid(-1, os.WNOHANG))
except ChildProcessError:
    print("no child is left")
"""


def _first_score(cache: Path, program: str = PROGRAM) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603  # our own program
        [sys.executable, "-c", program],
        env={**os.environ, "NUMBA_CACHE_DIR": str(cache)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _expected() -> list[float]:
    features = np.random.default_rng(0).normal(size=(90, 15)).astype(np.float32)
    scores: list[float] = rs3l_gnn.load_tagger("default-hbb").score(features, np.array([0, 60, 90])).tolist()
    return scores


def _lines(process: subprocess.Popen[str]) -> list[str]:
    out, error = process.communicate()
    assert error == ""
    return out.splitlines()


def test_half_is_compiled_by_another_process(tmp_path: Path) -> None:
    scores, hits, children = _lines(_first_score(tmp_path))
    assert scores == str(_expected())
    helped = len(os.sched_getaffinity(0)) > 1
    assert hits == ("1 1 0" if helped else "0 0 0")
    assert children == "no child is left"
    assert _lines(_first_score(tmp_path)) == [scores, "1 1 1", children]


@pytest.mark.slow
def test_starts_at_the_same_moment(tmp_path: Path) -> None:
    both = [_first_score(tmp_path) for _ in range(2)]
    assert [_lines(one)[0] for one in both] == [str(_expected())] * 2


@pytest.mark.slow
def test_a_process_that_fails_is_not_missed(tmp_path: Path) -> None:
    failing = f"import sys; sys.executable = {str(tmp_path / 'python-of-another-kind')!r}\n"
    other = tmp_path / "python-of-another-kind"
    other.write_text("#!/bin/sh\nexit 3\n", encoding="utf-8")
    other.chmod(0o755)
    assert _lines(_first_score(tmp_path, failing + PROGRAM)) == [str(_expected()), "0 0 0", "no child is left"]


@pytest.fixture
def _nothing_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparing, "never_compiled", lambda _: True)
    monkeypatch.setattr(preparing, "_has_a_core_free", lambda: True)


@pytest.mark.usefixtures("_nothing_compiled")
@pytest.mark.parametrize("stops", [True, False])
def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch, stops: bool) -> None:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
    monkeypatch.setattr(preparing, "_start", lambda _: process)
    monkeypatch.setattr(preparing, "_PATIENCE", 0.1)

    def work() -> None:
        with preparing._other_process("float32"):
            if stops:
                raise KeyboardInterrupt

    if stops:
        with pytest.raises(KeyboardInterrupt):
            work()
    else:
        work()
    assert process.returncode not in {None, 0}  # killed, and no zombie


@pytest.mark.usefixtures("_nothing_compiled")
@pytest.mark.parametrize("executable", ["", None, "/usr/bin/uwsgi", "/no/python3"])
def test_without_an_interpreter_to_start(monkeypatch: pytest.MonkeyPatch, executable: str | None) -> None:
    monkeypatch.setattr(sys, "executable", executable)
    with preparing._other_process("float32"):
        pass
    assert preparing._start("float32") is None


def test_workers_of_a_pool_and_single_cores_start_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    monkeypatch.delitem(sys.modules, "multiprocessing.process", raising=False)
    assert preparing._has_a_core_free()
    for parent, free in ((None, True), ("a process", False)):
        fake: Any = SimpleNamespace(parent_process=lambda parent=parent: parent)
        monkeypatch.setitem(sys.modules, "multiprocessing.process", fake)
        assert preparing._has_a_core_free() is free
    monkeypatch.delitem(sys.modules, "multiprocessing.process")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3})
    assert not preparing._has_a_core_free()
