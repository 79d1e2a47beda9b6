"""Starts of fresh processes: what is counted, against the network here."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import rs3l_gnn
from rs3l_gnn.benchmarks.start import start_of


@pytest.mark.slow
def test_a_process_with_a_cache_of_its_own_compiles_its_kernels(tmp_path: Path) -> None:
    found = start_of("light", Path(sys.executable), jets=20, cache=tmp_path / "empty")
    compiled = [path.name for path in (tmp_path / "empty").rglob("*.nbc")]
    assert any(name.startswith("edges.edge_forward-") for name in compiled)
    assert found["first_score_seconds"] > found["import_seconds"]


@pytest.mark.parametrize("way", ["light", pytest.param("torch", marks=pytest.mark.slow)])
def test_the_score_of_the_fresh_process_is_ours(way: str) -> None:
    found = start_of(way, Path(sys.executable), jets=20)
    rng = np.random.default_rng(0)
    offsets = np.concatenate([[0], np.cumsum(rng.integers(10, 60, 20))])
    features = rng.normal(size=(offsets[-1], 15)).astype(np.float32)
    assert found["score"] == float(rs3l_gnn.load_tagger("default-hbb").score(features[: offsets[1]], offsets[:2])[0])
    assert 0 < found["import_seconds"] < found["first_score_seconds"]
    assert found["jets_per_cpu_second"] > 0
    assert 10 < found["peak_mb"] < 10_000
