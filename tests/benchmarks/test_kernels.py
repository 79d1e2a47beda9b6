"""Pieces of the kernels in numba's own loops: the same network, by numpy and by the vector code."""

from __future__ import annotations

import itertools
import logging
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rs3l_gnn.benchmarks import kernels
from rs3l_gnn.benchmarks.encoder import make_jets
from rs3l_gnn.benchmarks.kernels import PIECES, Forward, benchmark_kernels, forward, table
from rs3l_gnn.benchmarks.rates import table as rates
from rs3l_gnn.models.kernels.chunk import edge_memory
from rs3l_gnn.models.kernels.compiled import compiled
from rs3l_gnn.models.kernels.layers import edge_layer, pad_channels


@pytest.fixture(scope="module")
def all_pieces() -> tuple[str, ...]:
    return tuple(name for names in PIECES.values() for name in names)


def test_plain_loops_are_the_layer(all_pieces: tuple[str, ...]) -> None:
    rng = np.random.default_rng(1)
    weight = rng.normal(size=(16, 32)).astype(np.float32)
    bias, k = rng.normal(size=16).astype(np.float32), 4
    features, cuts = make_jets(3)
    x = pad_channels(features, 1)
    out, where = np.empty((len(x), 16), np.float32), np.empty((len(x), 16), np.int32)
    layer = edge_layer(weight, bias, k)
    forward(all_pieces)([layer], x, cuts, [out], [where], work=edge_memory([layer], len(x)))
    own, other = (part.astype(np.float64) for part in np.split(weight, 2, axis=1))
    for first, last in itertools.pairwise(cuts):
        jet = x[first:last].astype(np.float64)
        for i, particle in enumerate(jet):
            near = np.argsort(((jet - particle) ** 2).sum(axis=1), kind="stable")[:k]
            edges = particle @ own.T + (jet[near] - particle) @ other.T + bias
            value = edges.max(axis=0)
            expected = np.where(value > 0, value, np.expm1(np.minimum(value, 0)))
            np.testing.assert_allclose(out[first + i], expected, rtol=1e-5, atol=1e-5)
            assert (where[first + i] == first + near[edges.argmax(axis=0)]).all()


@pytest.mark.parametrize("piece", ["product_rows", "distance_square", "max_rows_where"])
def test_a_piece_takes_the_place_of_the_vector_code(monkeypatch: pytest.MonkeyPatch, piece: str) -> None:
    """With one that does nothing, another layer comes out."""

    @compiled
    def nothing(*_: Any) -> None:
        pass

    features, cuts = make_jets(2)
    x = pad_channels(features, 1)
    layer = edge_layer(np.ones((16, 32), np.float32), np.zeros(16, np.float32), 4)

    def run(*names: str) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        out, where = np.zeros((len(x), 16), np.float32), np.zeros((len(x), 16), np.int32)
        memory = edge_memory([layer], len(x))
        memory[:] = 0
        made: Forward = forward.__wrapped__(names)  # not kept for other tests
        made([layer], x, cuts, [out], [where], work=memory)
        return out, where

    usual = run()
    monkeypatch.setitem(kernels._PLAIN, piece, nothing)
    assert not all(map(np.array_equal, run(piece), usual))


def test_a_name_that_nobody_calls_is_no_piece() -> None:
    with pytest.raises(ValueError, match="make_jets does not call nobody: nothing would be replaced"):
        kernels._copied(make_jets, {"nobody": None})


def test_the_vector_code_gives_the_same_bits(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="rs3l_gnn"):
        numbers = benchmark_kernels(jets=3, repeats=1, rounds=1, pieces=["distances"])
    assert numbers["same_bits"] is True
    assert list(numbers["pieces"]) == ["distances"]
    assert numbers["pieces"]["distances"]["lines"] > 20
    assert numbers["jets_per_second"] > 0
    assert caplog.messages == table(numbers)
    assert len(rates({"kernels": numbers}).splitlines()) == 2 + 1


def test_the_table() -> None:
    pieces = {"distances": {"gain": 1.984, "lines": 44}}
    numbers = {"jets_per_second": 8412.3, "simd_off": 0.125, "same_bits": False, "pieces": pieces}
    assert table(numbers) == [
        "kernels on one thread: 8412 jets/s; simd off: 0.12 of that; not the same bits",
        "  distances                                 1.98 times in 44 lines",
    ]
