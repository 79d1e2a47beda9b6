"""What the hand-written vector code of the kernels buys: the same network with pieces of it in numba's own loops.

The loops here say what :mod:`rs3l_gnn.models.kernels.distances`, ``nearest``, ``maxima`` and ``tiles`` say, in the way
in which numba likes them: the innermost loop runs over numbers that lie side by side. LLVM then makes vectors of them
by itself, as far as it can.
"""

from __future__ import annotations

import inspect
import logging
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import FunctionType
from typing import Any

import numba
import numpy as np
from numba.core.dispatcher import Dispatcher
from numpy.typing import NDArray

from rs3l_gnn.benchmarks.encoder import make_jets
from rs3l_gnn.models.kernels import chunk, dense, distances, edges, maxima, nearest, simd, tiles
from rs3l_gnn.models.kernels.compiled import OPTIONS, compiled
from rs3l_gnn.models.kernels.layers import Layer, dense_layer, edge_layer, pad_channels
from rs3l_gnn.models.kernels.memory import aligned
from rs3l_gnn.models.kernels.nearest import BLOCK
from rs3l_gnn.models.kernels.parts import Part
from rs3l_gnn.models.kernels.simd import VECTOR_BYTES

__all__ = ["PIECES", "Forward", "benchmark_kernels", "forward", "table"]

_log = logging.getLogger("rs3l_gnn")

_WIDTH, _K, _EDGE_LAYERS = 128, 24, 3  # of the published network

# Compiled code takes arrays by position.
# ruff: noqa: PLR0917


@compiled
def _product_rows(x: Any, panels: Any, out: Any) -> None:
    for i in range(x.shape[0]):
        for o in range(out.shape[1]):
            out[i, o] = 0
        for p in range(panels.shape[0]):
            first = p * panels.shape[2]
            for c in range(panels.shape[1]):
                for lane in range(panels.shape[2]):
                    out[i, first + lane] += x[i, c] * panels[p, c, lane]


@compiled
def _transpose_square(source: Any, start: int, step: int, n_rows: int, target: Any, at: int) -> None:
    lanes = VECTOR_BYTES // source.itemsize
    given, result = source.reshape(source.size), target.reshape(target.size)
    for c in range(lanes):
        for r in range(lanes):
            result[at + c * lanes + r] = given[start + min(r, n_rows - 1) * step + c]


@compiled
def _distance_square(panels: Any, row: int, column: int, n_rows: int, table: Any, at: int) -> None:
    lanes = panels.shape[2]
    for r in range(n_rows):
        j = row * lanes + r
        for lane in range(lanes):
            table[at, j, lane] = 0
        for c in range(panels.shape[1]):
            value = panels[row, c, r]
            for lane in range(lanes):
                step = value - panels[column, c, lane]
                table[at, j, lane] += step * step


@compiled
def _exchange_rows(order: Any, low: int, high: int, step: int, count: int) -> None:
    for i in range(count):
        for lane in range(order.shape[1]):
            a, b = order[low + step * i, lane], order[high + i, lane]
            order[low + step * i, lane], order[high + i, lane] = min(a, b), max(a, b)


@compiled
def _sort_block(table: Any, at: int, row: int, order: Any) -> None:
    for i in range(BLOCK):
        for lane in range(order.shape[1]):
            order[row + i, lane] = table[at, row + i, lane]
    for turn in range(BLOCK):
        for i in range(turn % 2, BLOCK - 1, 2):
            _exchange_rows(order, row + i, row + i + 1, 1, 1)


@compiled
def _exchange_block(order: Any, row: int) -> None:
    stride = BLOCK // 2
    while stride:
        for i in range(0, BLOCK, 2 * stride):
            _exchange_rows(order, row + i, row + i + stride, 1, stride)
        stride //= 2


@compiled
def _max_rows(table: Any, first: int, bits: Any, words: int, lane: int, out: Any, row: int) -> None:
    for c in range(out.shape[1]):
        out[row, c] = -np.inf
    for j in range(64 * words):
        if bits[j // 64, lane] >> (j % 64) & 1:
            for c in range(out.shape[1]):
                out[row, c] = max(out[row, c], table[first + j, c])


@compiled
def _max_rows_where(table: Any, first: int, bits: Any, words: int, lane: int, out: Any, row: int, where: Any) -> None:
    for c in range(out.shape[1]):
        out[row, c], where[row, c] = -np.inf, row
    for j in range(64 * words):
        if bits[j // 64, lane] >> (j % 64) & 1:
            for c in range(out.shape[1]):
                larger = table[first + j, c] > out[row, c]
                out[row, c] = table[first + j, c] if larger else out[row, c]
                where[row, c] = first + j if larger else where[row, c]


@compiled
def _long_vectors() -> None:
    """LLVM chooses the length of vectors."""


PIECES: dict[str, tuple[str, ...]] = {
    "matrix product": ("product_rows",),
    "distances": ("distance_square",),
    "particles by lanes, and squares mirrored": ("transpose_square",),
    "k-th distance by a sorting network": ("sort_block", "exchange_rows", "exchange_block"),
    "maximum over neighbours": ("max_rows",),
    "maximum and its place, for gradients": ("max_rows_where",),
    "long vectors in numba's loops": ("long_vectors",),
}
"""Hand-written functions by what they do."""

_PLAIN = {
    "product_rows": _product_rows,
    "transpose_square": _transpose_square,
    "distance_square": _distance_square,
    "sort_block": _sort_block,
    "exchange_rows": _exchange_rows,
    "exchange_block": _exchange_block,
    "max_rows": _max_rows,
    "max_rows_where": _max_rows_where,
    "long_vectors": _long_vectors,
}
_ROOMS = (distances, maxima, nearest, simd, tiles)
_VECTOR = {name: next(getattr(room, name) for room in _ROOMS if name in room.__all__) for name in _PLAIN}

Forward = Callable[..., None]
"""As :func:`rs3l_gnn.models.kernels.chunk.forward_chunk`."""


@lru_cache
def forward(plain: tuple[str, ...]) -> Forward:
    """The layers of a chunk with these functions in numba's own loops, compiled at its first call."""
    names = {name: _PLAIN[name] for name in plain}
    others = {
        "dense_forward": _rebuilt(dense.dense_forward, names),
        "edge_forward": _rebuilt(edges.edge_forward, names),
    }
    work: Forward = _copied(chunk.forward_chunk, others)
    return work


def benchmark_kernels(
    *, jets: int = 14, repeats: int = 30, rounds: int = 5, pieces: Sequence[str] = tuple(PIECES)
) -> dict[str, Any]:
    """Measure on one thread, by processor time, and log the table.

    Args:
        jets: of the chunk, which goes through the layers again and again.
        repeats: of one measurement.
        rounds: turns of all measurements; the ratios are medians over them.
        pieces: of :data:`PIECES`, to take out one by one.

    Returns:
        ``jets_per_second`` of the vector code, ``simd_off`` (the share of that rate that is left with every piece in
        numba's own loops), ``same_bits`` (whether all of them give the same numbers), and ``pieces``: for each
        ``gain``, the time without it over the time with it, and its ``lines``.
    """
    network = _Network(jets)
    everything = tuple(_PLAIN)
    chosen = {piece: PIECES[piece] for piece in pieces}
    keeping = {names: "max_rows_where" in names for names in ((), everything, *chosen.values())}
    # Training keeps the places of the maxima, which takes longer by itself: a piece that does so has its own whole.
    runs = {(names, keep): network.run(forward(names), keep=keep) for names, keep in keeping.items()}
    runs |= {((), keep): network.run(chunk.forward_chunk, keep=keep) for keep in (False, True)}
    runs[everything, False] = network.run(forward(everything))
    found = [one() for one in runs.values()]
    seconds: dict[tuple[tuple[str, ...], bool], list[float]] = {key: [] for key in runs}
    for _ in range(rounds):
        for key, one in runs.items():
            start = time.process_time()
            for _ in range(repeats):
                one()
            seconds[key].append(time.process_time() - start)

    def gain(names: tuple[str, ...], *, keep: bool) -> float:
        pairs = zip(seconds[names, keep], seconds[(), keep], strict=True)
        return statistics.median(without / with_ for without, with_ in pairs)

    numbers = {
        "jets_per_second": jets * repeats / statistics.median(seconds[(), False]),
        "simd_off": 1 / gain(everything, keep=False),
        "same_bits": all(np.array_equal(one, found[0]) for one in found),
        "pieces": {
            piece: {
                "gain": gain(names, keep=keeping[names]),
                "lines": sum(len(inspect.getsourcelines(_VECTOR[name].__wrapped__)[0]) for name in names),
            }
            for piece, names in chosen.items()
        },
    }
    for line in table(numbers):
        _log.info(line)
    return numbers


def table(numbers: Mapping[str, Any]) -> list[str]:
    """The numbers of :func:`benchmark_kernels` as lines for a reader."""
    width = max(map(len, PIECES))
    return [
        f"kernels on one thread: {numbers['jets_per_second']:.0f} jets/s; simd off: {numbers['simd_off']:.2f} of that"
        + ("" if numbers["same_bits"] else "; not the same bits"),
        *(
            f"  {piece:<{width}}  {one['gain']:.2f} times in {one['lines']} lines"
            for piece, one in numbers["pieces"].items()
        ),
    ]


class _Network:
    """The published network's layers on particles, with random weights, and one chunk for it."""

    def __init__(self, jets: int) -> None:
        rng = np.random.default_rng(0)

        def weights(n_out: int, n_in: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
            bound = n_in**-0.5
            return tuple(  # type: ignore[return-value]  # two
                rng.uniform(-bound, bound, shape).astype(np.float32) for shape in ((n_out, n_in), n_out)
            )

        features, self._cuts = make_jets(jets)
        self._x = pad_channels(features, 1)
        self._layers: list[Layer] = [
            dense_layer(*weights(_WIDTH, features.shape[1]), pad_inputs=True),
            dense_layer(*weights(_WIDTH, _WIDTH), pad_inputs=True),
            *(edge_layer(*weights(_WIDTH, 2 * _WIDTH), _K) for _ in range(_EDGE_LAYERS)),
        ]

    def run(self, work: Forward, *, keep: bool = False) -> Callable[[], NDArray[np.float32]]:
        """A call of all layers, which gives the last one's output; with ``keep`` as training wants it."""
        n = len(self._x)
        outputs = [
            aligned(n * len(layer.bias), np.dtype(np.float32)).reshape(n, len(layer.bias)) for layer in self._layers
        ]
        winners = [np.empty((n, len(layer.bias)), np.int32) if keep and layer.k else None for layer in self._layers]
        memory = chunk.edge_memory(self._layers, n)

        def call() -> NDArray[np.float32]:
            work(self._layers, self._x, self._cuts, outputs, winners, work=memory)
            return outputs[-1]

        return call


def _rebuilt(function: Any, names: Mapping[str, Any]) -> Any:
    """A compiled function with other functions under these names, in it and in those that it calls."""
    python = function.py_func
    inside = {}
    for name in python.__code__.co_names:
        value = python.__globals__.get(name)
        if name in names:
            inside[name] = names[name]
            continue
        own = getattr(value, "part", None)
        callee = own.dispatcher if isinstance(own, Part) else value
        if isinstance(callee, Dispatcher) and (again := _rebuilt(callee, names)) is not callee:
            inside[name] = again
    # Not kept on disk, where it could not be told from the original.
    return numba.njit(**OPTIONS)(_copied(python, inside)) if inside else function


def _copied(function: Any, names: Mapping[str, Any]) -> Any:
    missing = set(names) - set(function.__code__.co_names)
    if missing:
        raise ValueError(f"{function.__name__} does not call {', '.join(sorted(missing))}: nothing would be replaced")
    copy = FunctionType(function.__code__, {**function.__globals__, **names}, function.__name__)
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy
