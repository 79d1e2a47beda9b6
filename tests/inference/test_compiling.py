"""Kernels compiled ahead: a later process with the same folder compiles nothing, and without a folder it is said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rs3l_gnn.conventions import ConfigError
from rs3l_gnn.inference import compile_kernels
from rs3l_gnn.models.kernels import edges

AHEAD = "from rs3l_gnn.inference import compile_kernels; print(compile_kernels(gradients=True))"
LATER = """
import json
import numpy as np, torch
from numba.core.event import install_recorder
import rs3l_gnn
from rs3l_gnn.models import load_tagger
rng = np.random.default_rng(0)
x, offsets = rng.normal(size=(90, 15)).astype(np.float32), np.array([0, 30, 30, 90])
with install_recorder("numba:compile") as recorder:
    scores = [rs3l_gnn.load_tagger(name).score(x, offsets).tolist() for name in ("default-hbb", "default-multi")]
    load_tagger("default-hbb")(torch.from_numpy(x), torch.from_numpy(offsets)).sum().backward()
print(json.dumps([len(recorder.buffer), scores]))
"""


def _run(program: str, cache: Path) -> str:
    variables = {**os.environ, "NUMBA_CACHE_DIR": str(cache), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "ignore", "-c", program]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=variables)  # noqa: S603  # our own
    return done.stdout.splitlines()[-1]


@pytest.mark.slow
def test_a_later_process_compiles_nothing(tmp_path: Path) -> None:
    folder = Path(_run(AHEAD, tmp_path / "ahead"))
    assert folder.is_relative_to(tmp_path / "ahead")
    assert [path.name for path in folder.glob("edges.edge_forward-*.nbc")] != []
    compiled, scores = json.loads(_run(LATER, tmp_path / "ahead"))
    assert compiled == 0
    compiled, again = json.loads(_run(LATER, tmp_path / "empty"))
    assert compiled > 0
    assert scores == again


def test_the_folder_is_where_numba_keeps_the_layers() -> None:
    folder = compile_kernels()
    assert folder == Path(edges.edge_forward.stats.cache_path)
    assert [path.name for path in folder.glob("edges.edge_forward-*.nbc")] != []


def test_no_folder_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    class Nowhere:
        cache_path = None

    monkeypatch.setattr(edges.edge_forward, "_cache", Nowhere())
    with pytest.raises(ConfigError, match="cannot be kept.*NUMBA_CACHE_DIR"):
        compile_kernels()
