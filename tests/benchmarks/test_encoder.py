"""The encoder's benchmark: what it reports, and that its reference is the same network."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rs3l_gnn.benchmarks.encoder import make_jets, nt_xent, run_encoder_benchmark, training_flops, useful_flops
from rs3l_gnn.benchmarks.rates import table as rates
from rs3l_gnn.conventions import ConfigError
from rs3l_gnn.models import EdgeConvConfig

KEYS = (
    "jets",
    "threads",
    "jets_per_second",
    "reference_jets_per_second",
    "speedup",
    "gemm_gflops",
    "floor_jets_per_second",
    "fraction_of_floor",
    "max_cosine_distance",
    "train_jets_per_second",
    "reference_train_jets_per_second",
    "train_speedup",
    "train_fraction_of_floor",
    "int16_jets_per_second",
    "int16_over_float32",
    "bf16_matrix_rate_over_float32",
)


def test_report() -> None:
    before = torch.get_num_threads()
    report = run_encoder_benchmark(jets=24, batch=12, threads=1, rounds=1)
    assert torch.get_num_threads() == before
    assert tuple(report) == KEYS
    assert report["jets"] == 24
    assert report["threads"] == 1
    assert report["max_cosine_distance"] < 1e-6
    assert all(np.isfinite(value) and value > 0 for key, value in report.items() if key != "max_cosine_distance")
    assert report["speedup"] == pytest.approx(report["jets_per_second"] / report["reference_jets_per_second"])
    assert report["fraction_of_floor"] == pytest.approx(report["jets_per_second"] / report["floor_jets_per_second"])
    assert len(rates({"encoder": report}).splitlines()) == 2 + 6


def test_useful_operations_by_hand() -> None:
    per_particle = 15 * 128 + 128 * 128 + 3 * 2 * 128 * 128
    assert useful_flops(EdgeConvConfig(), 30.0) == 2 * (30 * per_particle + 128 * 64 + 64 * 32 + 32 * 32 + 32 * 8)


def test_operations_of_a_training_step_by_hand() -> None:
    config = EdgeConvConfig()
    layers = [(15, 128), (128, 128), *[(128, 128)] * 6]  # of a particle; an EdgeConv layer has two
    of_particle = sum(a * b for a, b in layers)
    of_jet = 128 * 64 + 64 * 32 + 32 * 32 + 32 * 8
    # Forward and the gradient of the weights; the gradient of the inputs not for the first layer.
    expected = 2 * (3 * (30 * of_particle + of_jet) - 30 * 15 * 128)
    assert training_flops(config, 30.0) == expected


def test_nt_xent_by_loops() -> None:
    z = torch.randn(6, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    n = z / z.norm(dim=1, keepdim=True)
    terms = []
    for i in range(6):
        others = [torch.exp(n[i] @ n[j] / 0.1) for j in range(6) if j != i]
        terms.append(-torch.log(torch.exp(n[i] @ n[i ^ 1] / 0.1) / sum(others)))
    assert float(nt_xent(z)) == pytest.approx(float(sum(terms) / 6), rel=1e-12)


def test_jets_are_seeded() -> None:
    features, offsets = make_jets(50, seed=3)
    again, _ = make_jets(50, seed=3)
    assert np.array_equal(features, again)
    assert 25 < np.diff(offsets).mean() < 45


def test_too_few_jets() -> None:
    with pytest.raises(ConfigError, match="two jets"):
        run_encoder_benchmark(jets=1)
