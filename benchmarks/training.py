"""Speed of whole trainings against bare steps of the encoder, time to the first step, and memory on a large file.

A bare step is the encoder, NT-Xent, its gradient and Adam on batches that lie in memory already. A training adds: the
file, the draw of the views, the loader, Lightning, the check of the loss, the learning rate. Both run in turns on the
same views and with the same threads. The jets are made up, with the multiplicities of simulated ones.
"""

from __future__ import annotations

import json
import logging
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from rs3l_gnn.benchmarks.alone import alone
from rs3l_gnn.benchmarks.encoder import make_jets, matrix_rate, training_flops
from rs3l_gnn.benchmarks.memory import current_mb, peak_mb
from rs3l_gnn.conventions import NOMINAL, ConfigError, JetType, SplitFractions, get_variation
from rs3l_gnn.data import EventBatches, ViewDraw, Views, ViewsSource, ViewsWriter
from rs3l_gnn.models import EdgeConvConfig, make_encoder
from rs3l_gnn.models.threads import thread_count
from rs3l_gnn.training import FinetuneConfig, PretrainConfig, TrainerConfig, finetune, nt_xent, pretrain
from rs3l_gnn.training.runner import training_threads

__all__ = ["large_file", "run_training_benchmark", "write_views_of_made_up_jets"]

_SPLITS = SplitFractions(train=0.8, validation=0.1, test=0.1)
_PAIRS = 100  # in a batch, as published
_BARE_BATCHES = 20
_BLOCK_EVENTS = 10_000
_SMALL = EdgeConvConfig(width=8, layers=1, k=4, hidden=(8,), dim=8)
_log = logging.getLogger("rs3l_gnn")


def run_training_benchmark(
    *, events: int = 5000, rounds: int = 3, threads: int | None = None, large_events: int = 100_000
) -> dict[str, Any]:
    """Measure pre-training and fine-tuning from random weights, and log the rates.

    Args:
        events: hard events with two views each; eight of ten are trained on.
        rounds: turns of bare steps and trainings.
        threads: of both; None is torch's number.
        large_events: hard events of the file for :func:`large_file`; 0 leaves that part out.

    Returns:
        ``events``, ``threads``, ``load_average`` (of the machine, before the start), ``bare_jets_per_second``,
        ``bare_fraction_of_floor`` (of the step's matrix products at the machine's measured rate);
        ``jets_per_second``, ``fraction_of_bare`` (median over the rounds of the ratio of neighbours) and
        ``fraction_with_validation`` (the same for the time that validation and checkpoints take as well) for
        ``pretrain`` and ``finetune``; and ``large_file``.

    Raises:
        ConfigError: too few events for a batch, or no round.
    """
    if events < 4 * _PAIRS or rounds < 1:
        raise ConfigError(f"the benchmark needs {4 * _PAIRS} events and one round", got=(events, rounds))
    threads = thread_count(threads)
    load = os.getloadavg()[0]
    bare: list[float] = []
    of_floor: list[float] = []
    loops: dict[str, list[tuple[float, float]]] = {"pretrain": [], "finetune": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_views_of_made_up_jets(folder / "views.h5", events)
        trainer = TrainerConfig(epochs=2, threads=threads)
        common: dict[str, Any] = {"views": folder / "views.h5", "trainer": trainer, "splits": _SPLITS}
        _bare_rate(folder / "views.h5", threads, batches=1)  # compile
        for number in range(rounds):
            gemm = _matrix_rate(threads)
            bare.append(_bare_rate(folder / "views.h5", threads, batches=_BARE_BATCHES))
            of_floor.append(bare[-1] * training_flops(EdgeConvConfig(), _particles_per_jet(events)) / gemm)
            pretrained = pretrain(PretrainConfig(**common), folder / f"pretrain_{number}")
            finetuned = finetune(FinetuneConfig(**common), folder / f"finetune_{number}")
            for what, result in (("pretrain", pretrained), ("finetune", finetuned)):
                loops[what].append(_rates(result.history))
                _log.info("%s: %.0f jets/s, bare steps %.0f", what, loops[what][-1][0], bare[-1])
    report: dict[str, Any] = {
        "events": events,
        "threads": threads,
        "load_average": load,
        "bare_jets_per_second": statistics.median(bare),
        "bare_fraction_of_floor": statistics.median(of_floor),
    }
    for what, rates in loops.items():
        report[what] = {
            "jets_per_second": statistics.median(rate for rate, _ in rates),
            "fraction_of_bare": statistics.median(rate / b for (rate, _), b in zip(rates, bare, strict=True)),
            "fraction_with_validation": statistics.median(rate / b for (_, rate), b in zip(rates, bare, strict=True)),
        }
    report["large_file"] = large_file(large_events) if large_events else None
    return report


def large_file(events: int, *, folder: Path | None = None, buffer_events: int = 100_000) -> dict[str, Any]:
    """Train one epoch of a small encoder on a large file, each in a fresh process.

    Args:
        events: hard events with two views each.
        folder: where the file goes and stays; a temporary one if None.
        buffer_events: as in the shipped configurations.

    Returns:
        ``views``, ``file_gb``, and for ``pretrain`` and ``finetune``: ``first_step_seconds`` (from the start of the
        process, imports included), ``peak_memory_mb``, ``memory_mb`` (after each tenth of the epoch), ``seconds``.
    """
    with tempfile.TemporaryDirectory() as name:
        place = Path(name) if folder is None else folder
        path = place / "large.h5"
        if not path.exists():
            write_views_of_made_up_jets(path, events)
        report: dict[str, Any] = {"views": 2 * events, "file_gb": path.stat().st_size / 1e9}
        for what in ("pretrain", "finetune"):
            report[what] = alone(_large_training, what, path, Path(name) / what, buffer_events, time.time())
            _log.info("%s on %d views: %s", what, 2 * events, json.dumps(report[what]))
        return report


def write_views_of_made_up_jets(path: Path, events: int) -> None:
    """Write hard events with a nominal and a ``seed`` view each; the jets repeat after 10,000 events."""
    samples, variations = ("qcd", "hbb"), (NOMINAL, get_variation("seed"))
    size = min(events, _BLOCK_EVENTS)
    features, offsets = make_jets(2 * size)
    with ViewsWriter.open(path, samples, variations) as writer:
        for start in range(0, events, size):
            n = min(size, events - start)
            cuts = offsets[: 2 * n + 1]
            event = np.repeat(np.arange(start, start + n), 2)
            is_higgs = event % 2
            ones: NDArray[np.float32] = np.ones(2 * n, np.float32)
            writer.append(
                Views(
                    features=features[: cuts[-1]],
                    offsets=cuts,
                    first=np.arange(0, 2 * n + 1, 2),
                    event=event,
                    sample=is_higgs.astype(np.int16),
                    vartype=np.tile([v.vartype for v in variations], n).astype(np.int16),
                    jettype=np.where(is_higgs, JetType.H_BB, JetType.Q).astype(np.int16),
                    pt=500 * ones,
                    eta=0 * ones,
                    phi=0 * ones,
                    mass=80 * ones,
                    msoftdrop=80 * ones,
                    n2b1=0.3 * ones,
                    weight=ones,
                    samples=samples,
                    variations=variations,
                )
            )


def _matrix_rate(threads: int) -> float:
    """Operations a second of a matrix product with these threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return 1e9 * matrix_rate()
    finally:
        torch.set_num_threads(before)


def _particles_per_jet(events: int) -> float:
    _, offsets = make_jets(2 * min(events, _BLOCK_EVENTS))
    return float(offsets[-1]) / (len(offsets) - 1)


def _bare_rate(path: Path, threads: int, *, batches: int) -> float:
    """Jets a second of bare steps."""
    with ViewsSource([path]) as source:
        events = np.arange(min(source.index.n_events, batches * _PAIRS))
        made = EventBatches(source, events, ViewDraw(weights={"seed": 1.0}), batch_events=_PAIRS, seed=0)
        numpy_batches = [made.batch(0, number) for number in range(len(made))]
    inputs = [(torch.from_numpy(batch.features), torch.from_numpy(batch.offsets)) for batch in numpy_batches]
    with torch.random.fork_rng(devices=[]), training_threads(threads, EdgeConvConfig()):
        torch.manual_seed(0)
        encoder = make_encoder(EdgeConvConfig()).train()
        optimiser = torch.optim.Adam(encoder.parameters(), lr=1e-3)
        start = time.perf_counter()
        for x, offsets in inputs:
            optimiser.zero_grad()
            nt_xent(encoder(x, offsets)).backward()  # type: ignore[no-untyped-call]  # torch
            optimiser.step()
        return 2 * _PAIRS * len(inputs) / (time.perf_counter() - start)


def _rates(history: list[dict[str, float | None]]) -> tuple[float, float]:
    """Jets a second of all epochs, of the training proper and with validation and checkpoints."""
    seconds, validation, jets = 0.0, 0.0, 0.0
    for row in history:
        took, rate, extra = row["seconds"], row["jets_per_second"], row["validation_seconds"]
        if took is None or rate is None or extra is None:
            raise ConfigError("the history lacks its timing")
        seconds, validation, jets = seconds + took, validation + extra, jets + rate * took
    return jets / seconds, jets / (seconds + validation)


def _large_training(what: str, path: Path, output: Path, buffer_events: int, start: float) -> dict[str, Any]:
    from rs3l_gnn.training.module import StepModule

    moments: list[float] = []
    memory: list[float] = []
    honest = StepModule.training_step

    def noting(self: StepModule, batch: Any, batch_idx: int) -> torch.Tensor:
        moments.append(time.time())
        tenth = max(int(self.trainer.num_training_batches) // 10, 1)
        if batch_idx % tenth == tenth - 1:
            memory.append(current_mb())
        return honest(self, batch, batch_idx)

    StepModule.training_step = noting  # type: ignore[method-assign]  # to see the steps, in this process alone
    common: dict[str, Any] = {
        "views": path,
        "trainer": TrainerConfig(epochs=1, buffer_events=buffer_events),
        "splits": _SPLITS,
    }
    if what == "pretrain":
        pretrain(PretrainConfig(encoder=_SMALL, **common), output)
    else:
        finetune(FinetuneConfig(architecture=_SMALL, **common), output)
    return {
        "first_step_seconds": moments[0] - start,
        "peak_memory_mb": peak_mb(),
        "memory_mb": memory,
        "seconds": time.time() - start,
    }
