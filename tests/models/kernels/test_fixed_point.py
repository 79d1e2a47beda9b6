"""Whole numbers of 16 bits in edge layers, against exact arithmetic and against single precision."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rs3l_gnn.models.kernels import Layer, Stack, elementwise
from rs3l_gnn.models.kernels.fixed_point import LONGEST, WholeNumbers, fixed_weight, padded_width
from rs3l_gnn.models.kernels.layers import dense_layer, edge_layer

LARGEST = 2**31


def whole_of(x: NDArray[np.float32], cuts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Whole numbers [n, C] of particles, without the padding, and the factors of their jets [n_jets]."""
    pairs, factors = WholeNumbers(len(x), len(cuts) - 1, x.shape[1]).of(x, cuts)
    numbers = pairs.view(np.int16).reshape(len(x), -1)
    assert (numbers[:, x.shape[1] :] == 0).all()
    return numbers[:, : x.shape[1]].astype(np.int64), factors.astype(np.float64)


def weights_of(weight: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Whole numbers [O, C] of a weight and the factors of its rows [O]."""
    panels, factors = fixed_weight(weight)
    rows = panels.transpose(0, 2, 1).reshape(len(weight), -1)
    return np.ascontiguousarray(rows).view(np.int16)[:, : weight.shape[1]].astype(np.int64), factors.astype(np.float64)


@pytest.mark.parametrize("scale", [1e-28, 1.0, 1e6, 1e15, 1e25])
@pytest.mark.parametrize("channels", [16, 48, 128])
def test_particles_are_rounded_by_jet(scale: float, channels: int) -> None:
    rng = np.random.default_rng(channels)
    cuts = np.cumsum([0, 3, 0, 1, 40])
    x = (rng.normal(size=(44, channels)) * scale).astype(np.float32)
    x[3] *= 1e3  # the one particle of its jet
    x[4:, 5] *= 300  # one channel is nearly all of it
    whole, factors = whole_of(x, cuts)
    for jet, (first, last) in enumerate(itertools.pairwise(cuts)):
        if first == last:
            assert factors[jet] == 0
            continue
        exact = x[first:last].astype(np.float64)
        length, peak = np.sqrt((exact**2).sum(axis=1)).max(), np.abs(exact).max()
        bound = length if 1e-15 < length < 1.84e19 else peak * channels**0.5  # squares in single precision
        assert factors[jet] == pytest.approx(max(bound / LONGEST, peak / 32700), rel=1e-6)
        assert np.abs(whole[first:last] - exact / factors[jet]).max() < 0.503
        assert np.abs(whole[first:last]).max() < 2**15


def test_particles_at_the_origin_stay_there() -> None:
    x = np.zeros((7, 32), np.float32)
    x[5:] = 1e-36  # one over their factor would be infinite
    whole, factors = whole_of(x, np.array([0, 5, 7]))
    assert not whole.any()
    assert not factors.any()


@pytest.mark.parametrize("channels", [16, 128, 4096])
def test_no_sum_is_too_large(channels: int) -> None:
    """The longest product that there is: particles and weights in the same direction, all rounded up."""
    rng = np.random.default_rng(0)
    direction = np.full(channels, 1.0) if channels > 16 else np.array([1.0, *[1e-3] * 15])
    sign = rng.choice([-1, 1], channels)
    x = np.stack([direction * sign, -direction * sign]).astype(np.float32)
    weight = np.repeat((direction * sign)[None], 16, axis=0).astype(np.float32)
    whole, _ = whole_of(x, np.array([0, 2]))
    rows, _ = weights_of(weight)
    assert np.abs(whole @ rows.T).max() < LARGEST
    assert (whole**2).sum(axis=1).max() < LARGEST
    distance = ((whole[0] - whole[1]) ** 2).sum()
    assert distance // 2 < 2 * LARGEST
    # They use what there is.
    assert max(np.abs(whole).max() / 2**15, (whole**2).sum(axis=1).max() / LARGEST) > 0.99


def by_loops(layer: Layer, x: NDArray[np.float32], cuts: NDArray[np.int64]) -> NDArray[np.float64]:
    """An edge layer on the particles' whole numbers, all sums in exact arithmetic.

    Of distances that single precision cannot tell apart those come first whose pairs of numbers are smaller.
    """
    whole, of_jets = whole_of(x, cuts)
    pairs = np.zeros((len(x), padded_width(x.shape[1])), np.int16)
    pairs[:, : x.shape[1]] = whole
    place = np.unique(pairs.view(np.int32), axis=0, return_inverse=True)[1].reshape(-1)
    (a_rows, a_factors), (c_rows, c_factors) = map(weights_of, np.split(layer.weight, 2))
    out = np.zeros((len(x), len(layer.bias)))
    for jet, (first, last) in enumerate(itertools.pairwise(cuts)):
        here = whole[first:last]
        c, half = here @ c_rows.T, ((here**2).sum(axis=1) + 1) // 2
        for i in range(len(here)):
            distance = (half + half[i] - here @ here[i]).astype(np.float32)
            best = c[np.lexsort((place[first:last], distance))[: layer.k]].max(axis=0)
            v = (here[i] @ a_rows.T * a_factors + best * c_factors) * of_jets[jet] + layer.bias
            out[first + i] = np.where(v > 0, v, np.expm1(np.minimum(v, 0)))
    return out


@pytest.mark.parametrize("channels", [16, 48, 128])
@pytest.mark.parametrize("k", [1, 24, 40])
@pytest.mark.parametrize("spread", ["distinct", "grid", "equal"])
@pytest.mark.parametrize(
    "sizes", [[0, 1, 5, 24, 25, 31, 32, 33, 47, 48, 64, 100], [513, 2, 600]], ids=["small", "large"]
)
def test_an_edge_layer_by_loops(channels: int, k: int, spread: str, sizes: list[int]) -> None:
    rng = np.random.default_rng(channels)
    cuts = np.cumsum([0, *sizes]).astype(np.int64)
    # Not negative, so that the first layer, of no weights but ones, leaves them as they are.
    x = np.full((cuts[-1], channels), 0.5, np.float32)
    if spread == "distinct":
        x = np.abs(rng.normal(size=x.shape)).astype(np.float32)
    elif spread == "grid":
        x[:, :3] = rng.integers(3, size=(len(x), 3))
    weight, bias = rng.normal(size=(channels, 2 * channels)) / 8, rng.normal(size=channels)
    layer = edge_layer(weight.astype(np.float32), bias.astype(np.float32), k)
    unit = dense_layer(np.eye(channels, dtype=np.float32), np.zeros(channels, np.float32), pad_inputs=True)
    expected = by_loops(layer, x, cuts)
    found = particles_of([unit, layer], x, cuts)
    assert np.allclose(found, expected, rtol=0, atol=2e-6 * np.abs(expected).max())


def particles_of(layers: list[Layer], x: NDArray[np.float32], cuts: NDArray[np.int64]) -> NDArray[np.float32]:
    """What the last layer gives."""
    stack = Stack(layers, fixed_point=True)
    memory = stack.memory(len(x), len(cuts) - 1)
    stack.chunk(x, cuts, memory)
    return memory.outputs[-1]


def test_other_activations() -> None:
    rng = np.random.default_rng(5)
    cuts = np.array([0, 40, 41])
    x = np.abs(rng.normal(size=(41, 32))).astype(np.float32)
    weight, bias = rng.normal(size=(32, 64)).astype(np.float32), np.zeros(32, np.float32)
    unit = dense_layer(np.eye(32, dtype=np.float32), bias, pad_inputs=True)
    slopes = (1.0, 0.25, 0.0)
    found = [
        particles_of([unit, edge_layer(weight, bias, 8, kind=elementwise.LEAKY_RELU, slope=slope)], x, cuts).copy()
        for slope in slopes
    ]
    for slope, one in zip(slopes, found, strict=True):
        assert np.allclose(one, np.where(found[0] > 0, found[0], slope * found[0]), rtol=1e-6)


PROGRAM = """
import hashlib, sys
import numpy as np
import rs3l_gnn
rng = np.random.default_rng(0)
cuts = np.cumsum([0, *rng.integers(1, 100, size=40)])
features = rng.normal(size=(cuts[-1], 15)).astype(np.float32)
z = rs3l_gnn.load_encoder("default", precision="int16").embed(features, cuts, threads=1)
print(hashlib.sha256(z.tobytes()).hexdigest())
"""


@pytest.mark.slow
def test_shorter_vectors_give_the_same_bits(tmp_path: Path) -> None:
    """Code for a processor with AVX2 alone, and with AVX-512 but without its instruction for pairs of whole numbers."""
    if subprocess.run(["grep", "-q", "avx512f", "/proc/cpuinfo"], check=False).returncode:  # noqa: S607  # a Linux
        pytest.skip("needs AVX-512")
    found = set()
    for name in ("haswell", "skylake-avx512", ""):
        env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / name)} | ({"NUMBA_CPU_NAME": name} if name else {})
        done = subprocess.run([sys.executable, "-c", PROGRAM], env=env, check=True, capture_output=True, text=True)  # noqa: S603  # our own program
        found.add(done.stdout)
    assert len(found) == 1
