"""The numbers of a finished study of one step a verb, read from what the steps left behind."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from rs3l_gnn.data import read_views
from rs3l_gnn.simulation.summary import SUMMARY_FILE
from rs3l_gnn.workflows.steps import Step

__all__ = ["TAGGERS", "TRAINED", "summarise"]

TRAINED = ("supervised", "rs3l")
"""Taggers that are trained; their scores move in the variations."""
TAGGERS = ("n2", *TRAINED)


def summarise(folder: Path, finished: Iterable[tuple[Step, float]]) -> dict[str, Any]:
    """Sections ``simulation``, ``pretraining``, ``tagging``, ``robustness``, ``analysis`` and ``fit``.

    Args:
        folder: of the study.
        finished: its steps with their seconds, one for each verb that is read here.
    """
    steps = {step.verb: (folder / step.output, seconds) for step, seconds in finished}
    (simulated, seconds), (views, _), (pretrained, _) = (steps[verb] for verb in ("simulate", "pair", "pretrain"))
    metrics, analysis, comparison = (
        _read(steps[verb][0] / name)
        for verb, name in (("evaluate", "metrics.json"), ("analyze", "report.json"), ("fit", "comparison.json"))
    )
    return {
        "simulation": {**_simulation(simulated, seconds, views), "multiplicity": multiplicities(views)},
        "pretraining": _pretraining(pretrained),
        "tagging": {
            tagger: {"auc": numbers["auc"], "rejection_at_50": numbers["rejection"]["50"]["value"]}
            for tagger, numbers in metrics["tagging"].items()
        },
        "robustness": {
            tagger: {
                process: {variation: shift["wasserstein"] for variation, shift in shifts.items()}
                for process, shifts in metrics["robustness"][tagger].items()
            }
            for tagger in TRAINED
        },
        "analysis": {key: analysis[key] for key in ("executor", "workers", "chunks", "jets", "jets_per_second")},
        "fit": {
            tagger: {key: result[key] for key in ("mu", "mu_error", "mu_error_shower", "bias")}
            for tagger, result in comparison["taggers"].items()
        },
    }


def multiplicities(path: Path) -> dict[str, dict[str, float]]:
    """Mean number of candidates in the jets of each view, and its difference to nominal in the same events.

    The error of the difference is that of the paired sample: both views have the same hard event.
    """
    views = read_views(path)
    count = np.diff(views.offsets)
    nominal = np.repeat(count[views.first[:-1]], np.diff(views.first))
    out = {}
    for variation in views.variations:
        chosen = views.vartype == variation.vartype
        shift = (count - nominal)[chosen]
        out[variation.name] = {
            "mean": float(count[chosen].mean()),
            "shift": float(shift.mean()),
            "shift_error": float(shift.std() / np.sqrt(len(shift))),
        }
    return out


def _simulation(folder: Path, seconds: float, views: Path) -> dict[str, Any]:
    """Events of all samples and of each; the rate counts all processes and the time from start to end."""
    report = _read(views.with_suffix(".report.json"))
    showers = sum(_read(path)["showers"] for path in sorted(folder.glob(f"*/{SUMMARY_FILE}")))
    return {
        "hard_events": report["hard_events"],
        "matched_jets": report["matched"],
        "match_efficiency": report["match_efficiency"],
        "showers_per_second": showers / seconds,
        "samples": {
            name: {
                "hard_events": sample["hard_events"],
                "matched_jets": sample["matched"],
                "match_efficiency": sample["match_efficiency"],
            }
            for name, sample in report["samples"].items()
        },
    }


def _pretraining(folder: Path) -> dict[str, Any]:
    losses = _column(folder / "history.csv", "loss")
    return {
        "epochs": len(losses),
        "loss_first_epoch": losses[0],
        "loss_last_epoch": losses[-1],
        "jets_per_second": float(np.median(_column(folder / "timing.csv", "jets_per_second"))),
    }


def _column(path: Path, name: str) -> list[float]:
    with path.open(encoding="utf-8", newline="") as stream:
        return [float(row[name]) for row in csv.DictReader(stream)]


def _read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document
