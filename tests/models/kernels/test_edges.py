"""Nearest neighbours and the maximum over them, in compiled loops, against the same in plain numpy."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rs3l_gnn.models.kernels import edges, elementwise

Real = Any
Array = NDArray[Any]
NOWHERE = np.empty((0, 0), np.int32)


def sets_by_loops(x: NDArray[np.floating], cuts: list[int], k: int) -> list[set[int]]:
    """Numbers of the k nearest particles of every particle, in double precision."""
    x = x.astype(np.float64)
    found = []
    for first, last in zip(cuts, cuts[1:]):  # noqa: B905, RUF007  # one shorter by design
        for i in range(first, last):
            distance = ((x[first:last] - x[i]) ** 2).sum(axis=1)
            found.append({int(j) + first for j in np.argsort(distance, kind="stable")[:k]})
    return found


def forward(  # noqa: PLR0917  # as the compiled function takes them
    a: Array, c: Array, x: Array, bias: Array, cuts: NDArray[np.integer], k: int, kind: int, slope: float, where: Array
) -> Array:
    """Output of an edge layer; ``where`` is filled unless it is empty."""
    out = np.empty_like(a)
    none = np.empty((2, 0, x.shape[1], edges.channel_multiple(x.itemsize)), x.dtype)
    # More particles than one part of the work holds: every jet by itself, since the memory holds one part's products.
    calls = [cuts] if len(x) <= 512 else [cuts[jet : jet + 2] for jet in range(len(cuts) - 1)]
    for some in calls:
        part = slice(some[0], some[-1])
        size = edges.memory_size(int(np.diff(some).max(initial=0)), x.shape[1], x.itemsize)
        memory = np.concatenate([a[part].ravel(), c[part].ravel(), np.full(size, np.nan, x.dtype)])
        found, save = where[part], where.size > 0
        edges.edge_forward(
            x[part], none, a, bias, some - some[0], bias, k, kind, x.dtype.type(slope), out[part], found, save, memory
        )
        found += some[0]
    return out


def neighbours_of(x: NDArray[np.floating], cuts: NDArray[np.integer], k: int) -> NDArray[np.bool_]:
    """Which particles each one takes its maximum over [n, n]: with a unit matrix for c, just theirs are 1."""
    n = -(-len(x) // 16) * 16
    a, c = np.zeros((len(x), n), x.dtype), np.eye(len(x), n, dtype=x.dtype)
    out = forward(a, c, x, np.zeros(n, x.dtype), cuts, k, elementwise.LEAKY_RELU, 0, NOWHERE)
    return np.asarray(out[:, : len(x)] == 1)


@pytest.mark.parametrize("real", [np.float32, np.float64])
@pytest.mark.parametrize("k", [1, 3, 24, 40])
@pytest.mark.parametrize("channels", [16, 48])
def test_nearest(real: Real, k: int, channels: int) -> None:
    rng = np.random.default_rng(k)
    cuts = np.cumsum([0, 0, 1, 2, 15, 16, 17, k, k + 1, 31, 64, 65, 100, 150, 0])
    x = rng.normal(size=(cuts[-1], channels)).astype(real)
    # Far from the origin and over many orders of magnitude, as the layers of a trained network are.
    x = (x * 10 ** rng.uniform(-3, 3, size=(len(x), 1)) + 1000).astype(real)
    near = neighbours_of(x, cuts, k)
    y = x.astype(np.float64)
    for i, expected in enumerate(sets_by_loops(x, cuts.tolist(), k)):
        found = set(np.flatnonzero(near[i]).tolist())
        assert len(found) == len(expected)
        # Who differs from the loop may only do so by rounding.
        farthest = max(((y[j] - y[i]) ** 2).sum() for j in expected)
        for j in found - expected:
            assert ((y[j] - y[i]) ** 2).sum() <= farthest * (1 + 8 * np.finfo(real).eps)


@pytest.mark.parametrize("spread", ["equal", "grid", "two", "geometric", "zero-but-one"])
def test_nearest_with_ties_takes_k_and_none_farther(spread: str) -> None:
    rng = np.random.default_rng(0)
    n, k = 70, 24
    x = np.zeros((n, 16), np.float32)
    if spread == "grid":
        x[:, :2] = rng.integers(0, 4, size=(n, 2))
    elif spread == "two":
        x[::2, 0] = 1
    elif spread == "geometric":
        x[:, 0] = 2.0 ** -np.arange(n)
    elif spread == "zero-but-one":
        x[5, 3] = 1e-20
    near = neighbours_of(x, np.array([0, n]), k)
    distance = ((x[:, None].astype(np.float64) - x[None]) ** 2).sum(axis=2)
    for i in range(n):
        assert near[i].sum() == k
        assert distance[i, near[i]].max() == np.sort(distance[i])[k - 1]


def test_distances_that_overflow_stay_within_the_jet() -> None:
    x = np.full((60, 16), 3e19, np.float32) * np.random.default_rng(0).choice([-1, 1], size=(60, 16)).astype(np.float32)
    near = neighbours_of(x, np.array([0, 30, 60]), 8)
    assert (near.sum(axis=1) == 8).all()
    assert not near[:30, 30:].any()
    assert not near[30:, :30].any()


@pytest.mark.parametrize("real", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("kind", "slope"), [(elementwise.ELU, 1.0), (elementwise.ELU, 0.3), (elementwise.LEAKY_RELU, 0.0)]
)
def test_edge_forward_and_winners(real: Real, kind: int, slope: float) -> None:
    rng = np.random.default_rng(1)
    cuts = np.array([0, 5, 5, 40, 41])
    x, a, c = (rng.normal(size=(41, 32)).astype(real) for _ in range(3))
    bias = rng.normal(size=32).astype(real)
    best = np.stack([c[sorted(group)].max(axis=0) for group in sets_by_loops(x, cuts.tolist(), 7)])
    v = a.astype(np.float64) + best + bias
    expected = np.where(v > 0, v, slope * (np.expm1(np.minimum(v, 0)) if kind == elementwise.ELU else v))
    for save in (False, True):
        where = np.empty((41, 32), np.int32) if save else NOWHERE
        out = forward(a, c, x, bias, cuts, 7, kind, slope, where)
        assert np.allclose(out, expected, rtol=0, atol=1e-6 if real is np.float32 else 1e-14)
        if save:
            assert np.array_equal(np.take_along_axis(c, where, axis=0), best)


def by_loops(  # noqa: PLR0917  # as the compiled function takes them
    a: Array, c: Array, x: Array, bias: Array, cuts: NDArray[np.integer], k: int
) -> tuple[Array, Array]:
    """Output of an edge layer without activation, and the largest c of each particle's neighbours, in x's precision.

    Of particles at the same distance those come first whose coordinates are smaller, the first coordinate first.
    """
    best = np.empty_like(c)
    for first, last in itertools.pairwise(cuts):
        if first == last:
            continue
        jet = x[first:last]
        place = np.unique(jet, axis=0, return_inverse=True)[1].reshape(-1)
        for i in range(first, last):
            distance = ((jet - x[i]) ** 2).sum(axis=1)
            near = np.lexsort((place, distance))[:k]
            best[i] = c[first:last][near].max(axis=0)
    return a + (best + bias), best


SIZES = [0, 1, 5, 6, 7, 8, 9, 15, 16, 17, 24, 25, 31, 32, 33, 47, 48, 50, 63, 64, 65, 97, 128, 130, 200]


@pytest.mark.parametrize("real", [np.float32, np.float64])
@pytest.mark.parametrize("sizes", [SIZES, [40, 513, 3, 600]], ids=["small", "large"])
@pytest.mark.parametrize("k", [1, 6, 24, 64])
@pytest.mark.parametrize("spread", [2, 4, 64], ids=["duplicates", "ties", "distinct"])
def test_the_same_bits_as_loops(real: Real, sizes: list[int], k: int, spread: int) -> None:
    """Coordinates are small integers, so that distances are exact in any order of the sums."""
    rng = np.random.default_rng(k + spread)
    cuts = np.cumsum([0, *rng.permutation([*sizes, k, k + 1])])
    x = np.zeros((cuts[-1], 16), real)
    x[:, :4] = rng.integers(spread, size=(len(x), 4))
    # Particles in the same place have the same c, as they have in a network.
    c = (x @ rng.integers(-9, 9, size=(16, 48))).astype(real) / 7
    a, bias = rng.normal(size=c.shape).astype(real), rng.normal(size=48).astype(real)
    expected, best = by_loops(a, c, x, bias, cuts, k)
    where = np.full(c.shape, -1, np.int32)
    assert np.array_equal(forward(a, c, x, bias, cuts, k, elementwise.LEAKY_RELU, 1, NOWHERE), expected)
    assert np.array_equal(forward(a, c, x, bias, cuts, k, elementwise.LEAKY_RELU, 1, where), expected)
    assert np.array_equal(np.take_along_axis(c, where, axis=0), best)


@pytest.mark.parametrize("cuts", [[0], [0, 0, 0]])
def test_no_particles(cuts: list[int]) -> None:
    x = np.empty((0, 32), np.float32)
    assert forward(x, x, x, np.zeros(32, np.float32), np.array(cuts), 4, elementwise.ELU, 1, NOWHERE).shape == (0, 32)


@pytest.mark.parametrize("n", [40, 600])
def test_another_order_of_the_particles_gives_the_same_bits(n: int) -> None:
    rng = np.random.default_rng(3)
    x, a, c = (rng.normal(size=(n, 32)).astype(np.float32) for _ in range(3))
    bias, cuts, order = np.zeros(32, np.float32), np.array([0, n]), rng.permutation(n)
    one = forward(a, c, x, bias, cuts, 24, elementwise.ELU, 1, NOWHERE)
    other = forward(a[order], c[order], x[order], bias, cuts, 24, elementwise.ELU, 1, NOWHERE)
    assert np.array_equal(other, one[order])


def test_distances_that_are_no_numbers_select_nobody_outside_the_jet() -> None:
    x = np.full((60, 16), np.nan, np.float32)
    where = np.full((60, 16), -1, np.int32)
    forward(x, x, x, x[0], np.array([0, 30, 60]), 8, elementwise.ELU, 1, where)
    assert (where[:30] < 30).all()
    assert ((where[30:] >= 30) & (where[30:] < 60)).all()


@pytest.mark.parametrize(("kind", "slope"), [(elementwise.ELU, 0.7), (elementwise.LEAKY_RELU, 0.2)])
def test_edge_backward(kind: int, slope: float) -> None:
    rng = np.random.default_rng(2)
    out, g = rng.uniform(-slope, 1, size=(9, 16)), rng.normal(size=(9, 16))
    where = rng.integers(0, 9, size=(9, 16)).astype(np.int32)
    ga, gc, g_bias = np.empty_like(g), np.empty_like(g), np.ones(16)
    edges.edge_backward(g, out, where, kind, slope, ga, gc, g_bias)
    below = out + slope if kind == elementwise.ELU else slope  # d/dv slope (exp(v) - 1) = out + slope
    expected = g * np.where(out > 0, 1.0, below)
    assert np.allclose(ga, expected, rtol=1e-14)
    assert np.allclose(g_bias, 1 + expected.sum(axis=0), rtol=1e-13)
    handed = np.zeros_like(g)
    for i in range(9):
        for o in range(16):
            handed[where[i, o], o] += expected[i, o]
    assert np.allclose(gc, handed, rtol=1e-13, atol=1e-15)


def test_channels_come_in_multiples_of_a_vector() -> None:
    for itemsize in (4, 8):
        assert edges.channel_multiple(itemsize) * itemsize in (32, 64)  # AVX2, AVX-512
