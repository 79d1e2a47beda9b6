"""What whole numbers of 16 bits in the edge layers do to scores: the shipped taggers on simulated jets, both ways."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.benchmarks.page import markdown
from rs3l_gnn.data import PairConfig, Views, pair, read_views
from rs3l_gnn.evaluation.roc import roc_curve
from rs3l_gnn.inference import Discriminant, JetScorer, load_tagger
from rs3l_gnn.models.discriminants import one_score
from rs3l_gnn.simulation import SampleConfig, SimulationConfig, simulate

__all__ = ["TOLERANCE", "benchmark_precision", "compare_scores", "table"]

TOLERANCE = 2e-3
_PROCESSES = ("qcd", "hbb", "wqq")
_PT_HAT_MIN = 405.0
"""GeV, as of the demo: below it few events have jets above 450 GeV in both showers."""
_REPLICAS = 200
_SIGNALS = {"wqq": ("wqq", Discriminant(signal=("V_QQ",), background=("QCD",)))}
_HBB = ("hbb", Discriminant(signal=("H_BB",), background=("QCD",)))
_log = logging.getLogger("rs3l_gnn")


def benchmark_precision(
    networks: Sequence[str], *, events: int = 3000, workers: int = 2, seed: int = 20261130
) -> dict[str, Any]:
    """Simulate jets that no network was trained on, and score them in both precisions.

    Args:
        networks: names of taggers, or their files.
        events: hard events of each of QCD, H→bb and W→qq, with two showers each.
        workers: processes that simulate.
        seed: of the simulation.

    Returns:
        ``jets``, by process; ``networks``, by name what :func:`compare_scores` returns, with ``signal`` and
        ``int16_over_float32``, the ratio of the rates of scoring.
    """
    samples = {one: SampleConfig(process=one, events=events, pt_hat_min=_PT_HAT_MIN) for one in _PROCESSES}
    config = SimulationConfig(
        samples=samples, variations=("nominal", "seed"), shower_weights="none", seed=seed, workers=workers
    )
    with tempfile.TemporaryDirectory() as folder:
        simulate(config, Path(folder) / "jets")
        pair(PairConfig(directories=(Path(folder) / "jets",)), Path(folder) / "jets.h5")
        views = read_views(Path(folder) / "jets.h5")
    counts = {one: int((views.sample == place).sum()) for place, one in enumerate(views.samples)}
    rows = {name: _row(name, views) for name in networks}
    numbers: dict[str, Any] = {"jets": counts, "networks": rows}
    for line in table(numbers).splitlines():
        _log.info(line)
    return numbers


def _row(name: str, views: Views) -> dict[str, Any]:
    process, discriminant = next((found for word, found in _SIGNALS.items() if word in name), _HBB)
    of_signal, of_background = (views.sample == views.samples.index(one) for one in (process, "qcd"))
    chosen = views.select_jets(of_signal | of_background)
    signal = chosen.sample == chosen.samples.index(process)
    exact, fast = load_tagger(name), load_tagger(name, precision="int16")
    scores, seconds = zip(*(_scored(tagger, chosen) for tagger in (exact, fast)), strict=True)
    moved = None
    if len(exact.classes) > 1:
        moved = np.abs(scores[1].astype(np.float64) - scores[0]).max(axis=1)
        scores = tuple(one_score(found, exact.classes, discriminant, tagger=name) for found in scores)
    return {
        "signal": process,
        **compare_scores(scores[0], scores[1], signal, moved=moved),
        "int16_over_float32": seconds[0] / seconds[1],
    }


def _scored(tagger: JetScorer, views: Views) -> tuple[NDArray[np.float32], float]:
    best = np.inf
    scores = tagger.score(views.features, views.offsets)  # compile
    for _ in range(3):
        start = time.perf_counter()
        scores = tagger.score(views.features, views.offsets)
        best = min(best, time.perf_counter() - start)
    return scores, best


def compare_scores(
    exact: NDArray[np.floating],
    fast: NDArray[np.floating],
    signal: NDArray[np.bool_],
    *,
    moved: NDArray[np.floating] | None = None,
) -> dict[str, Any]:
    """How two scores of the same jets differ.

    Args:
        exact, fast: scores [n_jets].
        signal: whether a jet is one [n_jets].
        moved: sizes of the differences, if those of several classes [n_jets].

    Returns:
        ``mean``, ``percentile_99`` and ``largest`` of the differences, ``beyond`` (the share of jets that move by more
        than 2e-3), ``auc`` with ``auc_error``, ``auc_difference`` (fast less exact) with ``auc_difference_error`` from
        200 bootstrap replicas of the same jets, ``passing`` (background jets above the cut that keeps half of the
        signal) and ``passing_difference``.
    """
    moved = np.abs(fast.astype(np.float64) - exact) if moved is None else moved
    cuts = [float(np.median(one[signal])) for one in (exact, fast)]
    passing = [int((one[~signal] > cut).sum()) for one, cut in zip((exact, fast), cuts, strict=True)]
    return {
        "mean": float(moved.mean()),
        "percentile_99": float(np.quantile(moved, 0.99)),
        "largest": float(moved.max()),
        "beyond": float((moved > TOLERANCE).mean()),
        **_auc_difference(exact, fast, signal),
        "passing": passing[0],
        "passing_difference": passing[1] - passing[0],
    }


def _auc_difference(
    exact: NDArray[np.floating], fast: NDArray[np.floating], signal: NDArray[np.bool_]
) -> dict[str, float]:
    """``auc``, ``auc_error``, ``auc_difference`` and ``auc_difference_error``, see :func:`compare_scores`."""
    rng = np.random.default_rng(0)
    whole = [_auc(one, signal) for one in (exact, fast)]
    replicas = []
    places = [np.flatnonzero(signal), np.flatnonzero(~signal)]
    for _ in range(_REPLICAS):
        drawn = np.concatenate([rng.choice(one, len(one)) for one in places])
        replicas.append([_auc(one[drawn], signal[drawn]) for one in (exact, fast)])
    spread = np.array(replicas)
    return {
        "auc": whole[0],
        "auc_error": float(spread[:, 0].std(ddof=1)),
        "auc_difference": whole[1] - whole[0],
        "auc_difference_error": float(np.diff(spread, axis=1).std(ddof=1)),
    }


def _auc(scores: NDArray[np.floating], signal: NDArray[np.bool_]) -> float:
    return roc_curve(scores[signal], scores[~signal]).area


def table(numbers: Mapping[str, Mapping[str, Any]]) -> str:
    """The numbers of :func:`benchmark_precision` in Markdown."""
    lines: list[list[str]] = [
        [
            "Network",
            "Score moves by, mean",
            "99 %",
            "at most",
            "more than 2e-3",
            "AUC",
            "its change",
            "QCD passing",
            "Rate",
        ]
    ]
    for name, row in numbers["networks"].items():
        change = f"{row['auc_difference'] * 1e6:+.1f} ± {row['auc_difference_error'] * 1e6:.1f} e-6"
        lines.append([
            f"`{name}`",
            f"{row['mean']:.1e}",
            f"{row['percentile_99']:.1e}",
            f"{row['largest']:.1e}",
            f"{row['beyond']:.2%}",
            f"{row['auc']:.4f} ± {row['auc_error']:.4f}",
            change,
            f"{row['passing']} ({row['passing_difference']:+d})",
            f"{row['int16_over_float32']:.2f}",
        ])  # fmt: skip
    return markdown(lines)
