"""The benchmark of peers: what it reports, and the batches that peers get."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import torch

from rs3l_gnn.benchmarks import peers
from rs3l_gnn.benchmarks.encoder import make_jets
from rs3l_gnn.benchmarks.peers import run_peers_benchmark, sorted_batches
from rs3l_gnn.benchmarks.rates import table as rates
from rs3l_gnn.conventions import ConfigError


def test_batches_hold_every_jet_once_the_largest_first() -> None:
    features, offsets = make_jets(10)
    jets = sorted((features[a:b] for a, b in itertools.pairwise(offsets)), key=len, reverse=True)
    found = [jet[mask] for batch in sorted_batches((features, offsets), 4) for jet, mask in zip(*batch, strict=True)]
    assert [len(one) for one in found] == [len(one) for one in jets]
    assert sorted(map(bytes, found)) == sorted(map(bytes, jets))
    widths = [valid.shape[1] for _, valid in sorted_batches((features, offsets), 4, least=40)]
    assert widths == [max(40, len(jets[first])) for first in (0, 4, 8)]


@pytest.fixture
def measured_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "_LEAST_SECONDS", 0.0)


@pytest.mark.usefixtures("measured_at_once")
def test_our_own_rows() -> None:
    before = torch.get_num_threads()
    report = run_peers_benchmark(jets=6, threads=2, rounds=1, batches=(4,), peers=())
    assert torch.get_num_threads() == before
    assert (report["jets"], report["threads"]) == (6, 2)
    assert [(row["network"], row["threads"]) for row in report["rows"]] == [
        ("ours", 2),
        ("ours, ONNX Runtime", 2),
        ("ours", 1),
        ("ours, ONNX Runtime", 1),
    ]
    # Encoder, and a head of eight weights and a bias.
    assert {row["parameters"] for row in report["rows"]} == {128_904 + 9}
    for ours, theirs in zip(report["rows"][::2], report["rows"][1::2], strict=True):
        assert ours["ratio"] == 1
        assert theirs["ratio"] == pytest.approx(ours["jets_per_second"] / theirs["jets_per_second"])
    assert len(rates({"peers": report}).splitlines()) == 2 + 2


@pytest.mark.usefixtures("measured_at_once")
def test_a_peer_that_cannot_be_exported_says_so_in_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("weaver", reason="weaver-core is not installed: pip install -c constraints.txt -e '.[peers]'")

    def refuse(*_: object) -> Path:
        raise RuntimeError("no such operation")

    monkeypatch.setattr(peers, "export_network", refuse)
    rows = run_peers_benchmark(jets=3, threads=1, rounds=1, batches=(2,), peers=["ParticleNet-Lite"])["rows"]
    torch_row, onnx_row = rows[2:]
    assert torch_row["ratio"] == pytest.approx(rows[0]["jets_per_second"] / torch_row["jets_per_second"])
    assert (onnx_row["network"], onnx_row["not_run"]) == (
        "ParticleNet-Lite, ONNX Runtime",
        "RuntimeError: no such operation",
    )


def test_wrong_arguments() -> None:
    with pytest.raises(ConfigError, match="unknown peers ParticleNext"):
        run_peers_benchmark(peers=["ParticleNext"])
    with pytest.raises(ConfigError, match="needs jets"):
        run_peers_benchmark(jets=0)
