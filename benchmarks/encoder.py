"""Speed of the encoder against torch_geometric's EdgeConv with edges, in one run, on the same jets and weights."""

from __future__ import annotations

import copy
import itertools
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rs3l_gnn.conventions import FEATURE_NAMES, ConfigError
from rs3l_gnn.conventions.jagged import offsets_of
from rs3l_gnn.models import EdgeConvConfig, Encoder, load_encoder, make_encoder
from rs3l_gnn.models.frozen import FrozenEncoder
from rs3l_gnn.models.geometric import torch_geometric_module
from rs3l_gnn.models.particle_encoder import EdgeConvEncoder
from rs3l_gnn.models.sizes import EdgeConvSizes
from rs3l_gnn.models.threads import thread_count
from rs3l_gnn.training.runner import training_threads

__all__ = [
    "ReferenceEncoder",
    "make_jets",
    "matrix_rate",
    "nt_xent",
    "run_encoder_benchmark",
    "training_flops",
    "useful_flops",
]

_MEAN_MULTIPLICITY, _SPREAD, _LARGEST = 34.0, 13.0, 100


class ReferenceEncoder(nn.Module):
    """The same network as torch_geometric computes it: a brute-force neighbour search and one row for every edge.

    Args:
        encoder: an EdgeConv encoder, whose weights it shares.

    Raises:
        ConfigError: another backbone.
    """

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        if not isinstance(encoder, EdgeConvEncoder):
            raise ConfigError("the reference needs an EdgeConv encoder", got=encoder.config.backbone)
        self.k = encoder.config.k
        self.particle = encoder.particle
        self.convs = nn.ModuleList(
            torch_geometric_module("nn").EdgeConv(nn.Identity(), aggr="max") for _ in encoder.layers
        )
        for conv, layer in zip(self.convs, encoder.layers, strict=True):
            conv.nn = layer.nn  # not through the constructor, which would draw new weights for it
        self.output = encoder.output

    def forward(self, x: Tensor, offsets: Tensor) -> Tensor:
        """Embeddings [n_jets, dim] of particles [n_particles, C] with offsets [n_jets + 1]."""
        counts = offsets.diff()
        jet = torch.repeat_interleave(torch.arange(len(counts)), counts)
        h = self.particle(x)
        for conv in self.convs:
            h = conv(h, self._edges(h.detach(), offsets, jet))
        pooled = h.new_zeros((len(counts), h.shape[1])).index_add(0, jet, h)
        z: Tensor = self.output(pooled)
        return z

    def _edges(self, h: Tensor, offsets: Tensor, jet: Tensor) -> Tensor:
        counts = offsets.diff()
        longest = int(counts.max())
        valid = torch.arange(longest)[None, :] < counts[:, None]
        padded = h.new_zeros((len(counts), longest, h.shape[1]))
        padded[valid] = h
        distance = torch.cdist(padded, padded).masked_fill_(~valid[:, None, :], torch.inf)
        nearest, index = distance.topk(min(self.k, longest), dim=2, largest=False)
        found = torch.isfinite(nearest)[valid]
        source = (index[valid] + offsets[jet][:, None])[found]
        target = torch.arange(len(h))[:, None].expand_as(found)[found]
        return torch.stack([source, target])


def make_jets(n_jets: int, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Particles with the multiplicities and the spread of simulated jets.

    Returns:
        features [n_particles, 15] and offsets [n_jets + 1].
    """
    rng = np.random.default_rng(seed)
    counts = np.clip(rng.normal(_MEAN_MULTIPLICITY, _SPREAD, n_jets).round(), 3, _LARGEST).astype(np.int64)
    offsets = offsets_of(counts)
    n = int(offsets[-1])
    features = rng.normal(size=(n, len(FEATURE_NAMES))).astype(np.float32)
    kind = rng.integers(5, size=n)
    first_flag = FEATURE_NAMES.index("is_photon")
    features[:, first_flag : first_flag + 5] = kind[:, None] == np.arange(5)
    features[:, FEATURE_NAMES.index("charge")] = np.where(kind % 4 == 0, 0, rng.choice([-1, 1], n))
    return features, offsets


def useful_flops(config: EdgeConvConfig, particles_per_jet: float) -> float:
    """Floating-point operations a jet in the matrix products of the factorised network; nothing else counted."""
    width = config.width
    per_particle = len(config.features) * width + width * width + config.layers * 2 * width * width
    sizes = [width, *config.hidden, config.dim]
    per_jet = sum(a * b for a, b in itertools.pairwise(sizes))
    return 2.0 * (per_particle * particles_per_jet + per_jet)


def training_flops(config: EdgeConvConfig, particles_per_jet: float) -> float:
    """As :func:`useful_flops`, of a training step: the products forward, and those of two gradients backward.

    Weights and inputs of a layer get one each; the inputs of the network get none.
    """
    of_inputs = 2.0 * len(config.features) * config.width * particles_per_jet
    return 3.0 * useful_flops(config, particles_per_jet) - of_inputs


def matrix_rate(size: int = 2048, repeats: int = 3, *, dtype: torch.dtype = torch.float32) -> float:
    """Measured rate of a square matrix product with torch's threads, in 1e9 operations a second."""
    a, b = (torch.rand(size, size).to(dtype) for _ in range(2))
    out = torch.empty(size, size, dtype=dtype)
    torch.mm(a, b, out=out)
    best = min(_seconds(lambda: torch.mm(a, b, out=out)) for _ in range(repeats))
    return 2.0 * size**3 / best / 1e9


def nt_xent(z: Tensor, temperature: float = 0.1) -> Tensor:
    """NT-Xent (arXiv:2002.05709, eq. 1) of views [2 n, dim] of which rows 2i and 2i + 1 are a pair."""
    z = nn.functional.normalize(z, dim=1)
    similarity = (z @ z.T / temperature).fill_diagonal_(-torch.inf)
    return nn.functional.cross_entropy(similarity, torch.arange(len(z)) ^ 1)


def run_encoder_benchmark(
    *,
    jets: int = 2000,
    batch: int = 200,
    threads: int | None = None,
    rounds: int = 5,
    model: str | Path | None = None,
    features: NDArray[np.float32] | None = None,
    offsets: NDArray[np.int64] | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Measure embedding and training, ours and the reference's in turn, so that both see the same machine.

    Args:
        jets: how many to embed; ignored where jets are given.
        batch: jets of a reference batch, and views of a training step.
        threads: for both; None is torch's number. In our training step all are the encoder's, as in a training.
        rounds: how often; the rates are those of the median round, each ratio the median of the rounds' ratios.
        model: encoder to take, None for one with random weights.
        features: jets to use instead of made-up ones [n_particles, 15].
        offsets: first particle of each jet [n_jets + 1], with ``features``.
        seed: of the made-up jets and the random weights.

    Returns:
        The keys of ``rs3l benchmark encoder --json``; rates are jets a second, ``gemm_gflops`` 1e9 operations a second.

    Raises:
        ConfigError: fewer than two jets, or an encoder without EdgeConv.
    """
    threads = thread_count(threads)
    encoder = _encoder(model, seed)
    if not isinstance(encoder, EdgeConvEncoder) or tuple(encoder.config.features) != FEATURE_NAMES:
        raise ConfigError("the reference needs an EdgeConv encoder with all features", got=encoder.config.backbone)
    if features is None or offsets is None:
        features, offsets = make_jets(jets, seed)
    n_jets = len(offsets) - 1
    if n_jets < 2 or batch < 2 or rounds < 1:
        raise ConfigError("the benchmark needs two jets, two jets a batch and one round", got=(n_jets, batch, rounds))
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        inference = _inference(encoder, features, offsets, batch, rounds)
        training = _training(encoder, features, offsets, batch - batch % 2, rounds)
        distance = _largest_cosine_distance(encoder, features, offsets, batch)
    finally:
        torch.set_num_threads(before)
    gemm = inference["gemm"]
    flops = useful_flops(encoder.config, float(offsets[-1]) / n_jets)
    return {
        "jets": n_jets,
        "threads": threads,
        "jets_per_second": inference["ours"],
        "reference_jets_per_second": inference["reference"],
        "speedup": inference["ratio"],
        "gemm_gflops": gemm,
        "floor_jets_per_second": gemm * 1e9 / flops,
        "fraction_of_floor": inference["fraction"] * flops / 1e9,
        "max_cosine_distance": distance,
        "train_jets_per_second": training["ours"],
        "reference_train_jets_per_second": training["reference"],
        "train_speedup": training["ratio"],
        "train_fraction_of_floor": training["fraction"] * training_flops(encoder.config, training["particles"]),
        "int16_jets_per_second": inference["int16"],
        "int16_over_float32": inference["int16_ratio"],
        "bf16_matrix_rate_over_float32": inference["bf16"],
    }


def _encoder(model: str | Path | None, seed: int) -> Encoder:
    if model is not None:
        return load_encoder(model)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make_encoder(EdgeConvConfig()).eval()


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _inference(
    encoder: EdgeConvEncoder, features: NDArray[np.float32], offsets: NDArray[np.int64], batch: int, rounds: int
) -> dict[str, float]:
    reference = ReferenceEncoder(encoder)
    n_jets = len(offsets) - 1
    # The reference is slow: a few batches stand for all, ours embeds all jets.
    some = min(n_jets, 2 * batch)

    def slow() -> None:
        with torch.inference_mode():
            for first in range(0, some, batch):
                reference(*_batch(features, offsets, first, min(first + batch, some)))

    whole = _whole_numbers(encoder)
    for one in (encoder, whole):
        one.embed(features, offsets)  # compile
    ours, theirs, fast, gemm, half = [], [], [], [], []
    for _ in range(rounds):
        gemm.append(matrix_rate())
        half.append(matrix_rate(dtype=torch.bfloat16) / gemm[-1])
        ours.append(n_jets / min(_seconds(lambda: encoder.embed(features, offsets)) for _ in range(3)))
        fast.append(n_jets / min(_seconds(lambda: whole.embed(features, offsets)) for _ in range(3)))
        theirs.append(some / _seconds(slow))
    return {
        "ours": statistics.median(ours),
        "int16": statistics.median(fast),
        "int16_ratio": statistics.median(a / b for a, b in zip(fast, ours, strict=True)),
        "reference": statistics.median(theirs),
        "ratio": statistics.median(a / b for a, b in zip(ours, theirs, strict=True)),
        "gemm": statistics.median(gemm),
        "fraction": statistics.median(a / b for a, b in zip(ours, gemm, strict=True)),
        "bf16": statistics.median(half),
    }


def _whole_numbers(encoder: EdgeConvEncoder) -> FrozenEncoder:
    """The same weights with whole numbers of 16 bits in the edge layers."""
    state = {name: value.detach().numpy() for name, value in encoder.state_dict().items()}
    sizes = EdgeConvSizes.of(encoder.config.model_dump())
    if sizes is None:
        raise ConfigError("the benchmark needs an EdgeConv encoder", got=encoder.config.backbone)
    return FrozenEncoder(sizes, state, encoder.domain, "int16")


def _training(
    encoder: EdgeConvEncoder, features: NDArray[np.float32], offsets: NDArray[np.int64], views: int, rounds: int
) -> dict[str, float]:
    views = min(views, (len(offsets) - 1) // 2 * 2)
    x, cuts = _batch(features, offsets, 0, views)
    trained = [copy.deepcopy(encoder).train() for _ in range(2)]
    steps = []
    for network, parameters in ((trained[0], trained[0]), (ReferenceEncoder(trained[1]), trained[1])):
        optimiser = torch.optim.Adam(parameters.parameters(), lr=1e-3)

        def step(network: nn.Module = network, optimiser: torch.optim.Optimizer = optimiser) -> None:
            optimiser.zero_grad()
            nt_xent(network(x, cuts)).backward()  # type: ignore[no-untyped-call]  # torch
            optimiser.step()

        step()
        steps.append(step)
    ours, theirs, gemm = [], [], []
    for _ in range(rounds):
        gemm.append(matrix_rate())
        with training_threads(torch.get_num_threads(), encoder.config):
            ours.append(views / min(_seconds(steps[0]) for _ in range(5)))
        theirs.append(views / _seconds(steps[1]))
    return {
        "ours": statistics.median(ours),
        "reference": statistics.median(theirs),
        "ratio": statistics.median(a / b for a, b in zip(ours, theirs, strict=True)),
        "fraction": statistics.median(a / b for a, b in zip(ours, gemm, strict=True)) / 1e9,
        "particles": float(cuts[-1]) / views,
    }


def _largest_cosine_distance(
    encoder: EdgeConvEncoder, features: NDArray[np.float32], offsets: NDArray[np.int64], batch: int
) -> float:
    exact = ReferenceEncoder(copy.deepcopy(encoder).double())
    some = min(len(offsets) - 1, batch)
    z = encoder.embed(features[: offsets[some]], offsets[: some + 1]).astype(np.float64)
    x, cuts = _batch(features, offsets, 0, some)
    with torch.inference_mode():
        expected = exact(x.double(), cuts).numpy()
    cosine = (z * expected).sum(axis=1) / (np.linalg.norm(z, axis=1) * np.linalg.norm(expected, axis=1))
    return float((1 - cosine).max())


def _batch(features: NDArray[np.float32], offsets: NDArray[np.int64], first: int, last: int) -> tuple[Tensor, Tensor]:
    part = features[offsets[first] : offsets[last]]
    return torch.from_numpy(np.array(part)), torch.from_numpy(offsets[first : last + 1] - offsets[first])
