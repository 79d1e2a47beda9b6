"""Speed of our tagger against ParticleNet and ParT of weaver-core, in one run, on the same jets, features and threads.

The peers get what suits them: jets by falling number of particles, so that batches hold little padding; each batch as
long as its longest jet; evaluation mode without gradients; and the batch size, among a few, at which they are fastest.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from rs3l_gnn.benchmarks.encoder import make_jets
from rs3l_gnn.benchmarks.weaver_networks import NETWORKS, WeaverNetwork, export_network, make_network
from rs3l_gnn.conventions import ConfigError
from rs3l_gnn.conventions.jagged import offsets_of
from rs3l_gnn.models import EdgeConvConfig, Head, HeadConfig, Tagger, make_encoder
from rs3l_gnn.models.export import export
from rs3l_gnn.models.onnx_graph import onnx_session
from rs3l_gnn.models.padded import padded_batch
from rs3l_gnn.models.threads import thread_count

__all__ = ["run_peers_benchmark", "sorted_batches"]

_LEAST_SECONDS = 0.2
_TOLERANCE = 1e-4
_TRIAL = 256

Call = Callable[[], NDArray[np.floating]]
Inputs = Mapping[str, NDArray[Any]]
Jets = tuple[NDArray[np.float32], NDArray[np.int64]]
Padded = tuple[NDArray[np.float32], NDArray[np.bool_]]
Run = Callable[[Inputs], NDArray[np.floating]]


@dataclass(frozen=True)
class _Setting:
    """What is the same for all: jets, batch sizes to choose from, seed of the weights, and a folder for exports."""

    given: Jets
    batches: Sequence[int]
    seed: int
    folder: Path


@dataclass(frozen=True)
class _Way:
    """One way to score all jets, at its best batch size; ``missing`` says why there is none."""

    call: Call | None = None
    batch: int | None = None
    missing: str | None = None


def run_peers_benchmark(
    *,
    jets: int = 500,
    threads: int | None = None,
    rounds: int = 3,
    batches: Sequence[int] = (8, 32, 128),
    peers: Sequence[str] = tuple(NETWORKS),
    seed: int = 0,
) -> dict[str, Any]:
    """Measure all in turn, as often as there are rounds.

    Args:
        jets: how many, the same for all.
        threads: for all; None is torch's number. Our kernels and our ONNX export are measured on one thread, too.
        rounds: rates are medians over them, ratios medians of each round's.
        batches: sizes to choose from.
        peers: of :data:`rs3l_gnn.benchmarks.weaver_networks.NETWORKS`.
        seed: of the jets and the weights.

    Returns:
        ``jets``, ``threads`` and ``rows``; a row has ``network``, ``parameters``, ``threads``, and ``jets_per_second``,
        ``batch`` and ``ratio`` (our kernels on as many threads over it), or ``not_run``, the reason.

    Raises:
        ConfigError: no jets, rounds or batches, or an unknown peer.
        MissingDependencyError: weaver-core, onnx or onnxruntime is not installed.
    """
    if jets < 1 or rounds < 1 or not batches or min(batches) < 1:
        raise ConfigError("the benchmark needs jets, rounds and batches", got=(jets, rounds, tuple(batches)))
    if unknown := sorted(set(peers) - set(NETWORKS)):
        raise ConfigError(f"unknown peers {', '.join(unknown)}", allowed=list(NETWORKS))
    threads = thread_count(threads)
    tagger = _tagger(seed)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with tempfile.TemporaryDirectory() as folder:
            setting = _Setting(make_jets(jets, seed), batches, seed, Path(folder))
            ways = {(name, threads): way for name, way in _own(tagger, setting, threads).items()}
            if threads > 1:
                ways |= {(name, 1): way for name, way in _own(tagger, setting, 1).items()}
            sizes = dict.fromkeys(("ours", "ours, ONNX Runtime"), _parameters(tagger))
            for name in peers:
                network = make_network(NETWORKS[name], exported=True, seed=seed)
                found = _peer(NETWORKS[name], network, setting, threads)
                ways |= {(f"{name}, {engine}", threads): way for engine, way in found.items()}
                sizes |= dict.fromkeys((f"{name}, {engine}" for engine in found), _parameters(network))
            rates = _measure(ways, jets, rounds)
    finally:
        torch.set_num_threads(before)
    rows = [
        {"network": name, "parameters": sizes[name], "threads": count, **_row(way, rates, name, count)}
        for (name, count), way in ways.items()
    ]
    return {"jets": jets, "threads": threads, "rows": rows}


def sorted_batches(given: Jets, size: int, *, least: int = 1) -> Iterator[Padded]:
    """Padded batches of jets, the largest jets first.

    Args:
        given: features [n_particles, C] and offsets [n_jets + 1].
        size: jets of a batch.
        least: places of a batch at least.

    Yields:
        Features [jets, n, C] and ``valid`` [jets, n], n that of the longest jet.
    """
    features, offsets = given
    order = np.argsort(-np.diff(offsets), kind="stable")
    for first in range(0, len(order), size):
        some = [features[offsets[jet] : offsets[jet + 1]] for jet in order[first : first + size]]
        padded, valid = padded_batch(np.concatenate(some), offsets_of(np.array([len(jet) for jet in some])))
        more = ((0, 0), (0, max(least - valid.shape[1], 0)))
        yield np.pad(padded, (*more, (0, 0))), np.pad(valid, more)


def _tagger(seed: int) -> Tagger:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = make_encoder(EdgeConvConfig())
        return Tagger(encoder, Head(HeadConfig(), encoder.config.dim)).eval()


def _parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _own(tagger: Tagger, setting: _Setting, threads: int) -> dict[str, _Way]:
    folder = setting.folder / "ours"
    if not folder.exists():
        export(tagger, folder, formats=["onnx"])
    run = _session(folder / "model.onnx", threads)
    chosen, inputs = _fastest(run, lambda padded, valid: {"features": padded, "valid": valid}, setting)
    return {
        "ours": _Way(lambda: tagger.score(*setting.given, threads=threads)),
        "ours, ONNX Runtime": _Way(lambda: _all(run, inputs), chosen),
    }


def _peer(network: WeaverNetwork, exported: nn.Module, setting: _Setting, threads: int) -> dict[str, _Way]:
    # weaver gathers neighbours in two ways, and its transformer makes pairs in two: torch takes the faster one here.
    modules = (exported, make_network(network, exported=False, seed=setting.seed))
    least, ways = network.neighbours + 1, []
    for module in modules:
        run = _forward(module)
        chosen, inputs = _fastest(run, network.arrays, setting, least)
        ways.append(_Way(lambda run=run, inputs=inputs: _all(run, inputs), chosen))  # type: ignore[misc]  # bound now
    quickest = min(ways, key=lambda way: _seconds(way.call) if way.call else np.inf)
    return {"PyTorch": quickest, "ONNX Runtime": _exported(network, exported, setting, threads)}


def _exported(network: WeaverNetwork, module: nn.Module, setting: _Setting, threads: int) -> _Way:
    """The network in ONNX Runtime, or why not: the exporter and the runtime raise errors of many kinds."""
    least, path = network.neighbours + 1, setting.folder / "peer.onnx"
    try:
        export_network(network, module, path)
        run = _session(path, threads)
        chosen, inputs = _fastest(run, network.arrays, setting, least)
        difference = max(float(np.abs(run(one) - _forward(module)(one)).max()) for one in inputs[:2])
    except Exception as error:  # noqa: BLE001  # see above
        return _Way(missing=f"{type(error).__name__}: {' '.join(str(error).split())[:200]}")
    if not difference < _TOLERANCE:
        return _Way(missing=f"its export gives other scores, by up to {difference:.2g}")
    return _Way(lambda: _all(run, inputs), chosen)


def _session(path: Path, threads: int) -> Run:
    session = onnx_session(path, threads=threads)
    used = [one.name for one in session.get_inputs()]

    def run(inputs: Inputs) -> NDArray[np.floating]:
        scores: NDArray[np.floating] = session.run(None, {name: inputs[name] for name in used})[0]
        return scores

    return run


def _forward(module: nn.Module) -> Run:
    def run(inputs: Inputs) -> NDArray[np.floating]:
        with torch.no_grad():
            scores: NDArray[np.floating] = module(*map(torch.from_numpy, inputs.values())).numpy()
        return scores

    return run


def _fastest(
    run: Run, arrays: Callable[[NDArray[np.float32], NDArray[np.bool_]], Inputs], setting: _Setting, least: int = 1
) -> tuple[int, list[Inputs]]:
    """The batch size with the best rate on some of the jets, and the inputs of all jets at that size."""
    features, offsets = setting.given
    some = offsets[: _TRIAL + 1]
    seconds = {}
    for size in setting.batches:
        inputs = [arrays(*batch) for batch in sorted_batches((features[: some[-1]], some), size, least=least)]
        run(inputs[0])
        seconds[size] = _seconds(lambda inputs=inputs: _all(run, inputs))  # type: ignore[misc]  # bound now
    chosen = min(seconds, key=seconds.__getitem__)
    return chosen, [arrays(*batch) for batch in sorted_batches(setting.given, chosen, least=least)]


def _all(run: Run, inputs: Sequence[Inputs]) -> NDArray[np.floating]:
    return np.concatenate([run(one) for one in inputs])


def _seconds(call: Call) -> float:
    """Of a call; a short one is repeated."""
    start, calls = time.perf_counter(), 0
    while not calls or time.perf_counter() - start < _LEAST_SECONDS:
        call()
        calls += 1
    return (time.perf_counter() - start) / calls


def _measure(ways: Mapping[tuple[str, int], _Way], jets: int, rounds: int) -> dict[tuple[str, int], list[float]]:
    calls = {key: way.call for key, way in ways.items() if way.call is not None}
    for call in calls.values():
        call()
    rates: dict[tuple[str, int], list[float]] = {key: [] for key in calls}
    for _ in range(rounds):
        for key, call in calls.items():
            rates[key].append(jets / _seconds(call))
    return rates


def _row(way: _Way, rates: Mapping[tuple[str, int], list[float]], name: str, threads: int) -> dict[str, Any]:
    if way.call is None:
        return {"not_run": way.missing}
    theirs = rates[name, threads]
    return {
        "jets_per_second": statistics.median(theirs),
        "batch": way.batch,
        "ratio": statistics.median(a / b for a, b in zip(rates["ours", threads], theirs, strict=True)),
    }
