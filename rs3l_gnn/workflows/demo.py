"""The demonstration: one LHE file for each sample to one fit for each tagger, every step with the real parts."""

from __future__ import annotations

import contextlib
import logging
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rs3l_gnn.configs import config_path
from rs3l_gnn.conventions import (
    BaseConfig,
    ConfigError,
    dump_config,
    provenance,
    refuse_existing,
    write_json,
)
from rs3l_gnn.data import PairConfig, PairReport, pair, read_views
from rs3l_gnn.evaluation import EvaluateConfig, evaluate
from rs3l_gnn.fits import ComparisonConfig, FitConfig, TaggerResult, compare_taggers
from rs3l_gnn.processors import AnalysisConfig, analyze
from rs3l_gnn.simulation import SimulationConfig, SimulationSummary, simulate
from rs3l_gnn.training import FinetuneConfig, PretrainConfig, SavedTraining, finetune, pretrain

__all__ = ["DemoConfig", "default_config", "run_demo", "tell"]

_log = logging.getLogger(__name__)
_TAGGERS = ("n2", "supervised", "rs3l")


class DemoConfig(BaseConfig):
    """One section for each step.

    Paths of what the demo makes are relative to its output folder; LHE files come from outside, and are relative to
    where the command runs.
    """

    simulate: SimulationConfig
    pair: PairConfig
    pretrain: PretrainConfig
    finetune: dict[str, FinetuneConfig]
    evaluate: EvaluateConfig
    analyze: AnalysisConfig
    fit: FitConfig


def default_config() -> Path:
    """The configuration that comes with the package."""
    return config_path("demo.yaml")


@dataclass(frozen=True)
class _Results:
    """What the steps returned."""

    simulation: SimulationSummary
    pairs: PairReport
    pretraining: SavedTraining
    metrics: Mapping[str, Any]
    analysis: Mapping[str, Any]
    fits: Mapping[str, TaggerResult]


def run_demo(config: DemoConfig, output: Path | str, *, force: bool = False) -> dict[str, Any]:
    """Run every step and write ``summary.json`` last, the sign that the demonstration is complete.

    Args:
        config: one section for each step.
        output: folder to make; each step appears whole in it.
        force: replace an existing folder.

    Returns:
        The content of ``summary.json``.

    Raises:
        OutputError: the folder exists and ``force`` is False.
        Rs3lError: whatever a step raises; the finished steps stay.
    """
    output = Path(output)
    if set(config.finetune) != {"supervised", "rs3l"}:
        raise ConfigError("the demo trains two taggers", got=sorted(config.finetune), allowed=["supervised", "rs3l"])
    refuse_existing(output, force=force)
    if output.exists():
        shutil.rmtree(output)
    output.mkdir(parents=True)
    start = time.monotonic()
    local = config.model_copy(update={"simulate": _from_outside(config.simulate)})
    with contextlib.chdir(output):  # the paths of the configuration, and those that the steps write down, start there
        results = _run(local)
        Path("config.yaml").write_text(dump_config(config), encoding="utf-8")
        summary = {
            **_summarise(results, Path("views.h5")),
            "seconds_total": time.monotonic() - start,
            "provenance": provenance(config=config, seeds={"simulation": config.simulate.seed}),
        }
        write_json("summary.json", summary)
    return summary


def tell(summary: Mapping[str, Any]) -> str:
    """The summary in a few lines for a terminal."""
    tagging, robustness, fit = summary["tagging"], summary["robustness"], summary["fit"]
    simulation = summary["simulation"]
    lines = [
        f"{simulation['matched_jets']} matched hard events, {simulation['showers_per_second']:.0f} showers/s",
        f"whole chain in {summary['seconds_total']:.0f} s",
        f"{'tagger':<12}{'AUC':>8}{'1/FPR(50 %)':>14}{'mu error':>10}{'(shower)':>10}",
    ]
    lines.extend(
        f"{tagger:<12}{tagging[tagger]['auc']:>8.4f}{_or_dash(tagging[tagger]['rejection_at_50']):>14}"
        f"{fit[tagger]['mu_error']:>10.3f}{fit[tagger]['mu_error_shower']:>10.3f}"
        for tagger in _TAGGERS
    )
    lines.append("Wasserstein distance of the score, nominal to variation:")
    for process in ("qcd", "higgs"):
        for variation in robustness["rs3l"][process]:
            supervised, rs3l = (robustness[tagger][process][variation] for tagger in ("supervised", "rs3l"))
            lines.append(f"  {process:<6}{variation:<10} supervised {supervised:.4f}  rs3l {rs3l:.4f}")
    return "\n".join(lines)


def _or_dash(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _from_outside(config: SimulationConfig) -> SimulationConfig:
    samples = {
        name: sample.model_copy(update={"lhe": sample.lhe and sample.lhe.absolute()})
        for name, sample in config.samples.items()
    }
    return config.model_copy(update={"samples": samples})


def _run(config: DemoConfig) -> _Results:
    _log.info("1/6 simulation: the same hard events, showered in every variation")
    simulation = simulate(config.simulate, "simulation")
    _log.info("2/6 pairing: the views of each hard event come together")
    pairs = pair(config.pair, "views.h5")
    _log.info("3/6 pre-training and fine-tuning")
    pretraining = pretrain(config.pretrain, "pretraining")
    for name, step in config.finetune.items():
        finetune(step, Path("taggers") / name)
    _log.info("4/6 evaluation on the test events")
    metrics = evaluate(config.evaluate, "evaluation").document()
    _log.info("5/6 analysis: coffea over the ROOT files, executor %s", config.analyze.run.executor.name)
    analysis = analyze(config.analyze, "analysis")
    _log.info("6/6 fits")
    wanted = ComparisonConfig(
        taggers={tagger: f"score_{tagger}" for tagger in _TAGGERS},
        pseudo_data=(_alternative(config.simulate).axis_name,),
    )
    fits = compare_taggers(config.fit.model_copy(update={"comparison": wanted}), "fit").taggers
    return _Results(simulation, pairs, pretraining, metrics, analysis, fits)


def _alternative(config: SimulationConfig) -> Any:
    """The model variation among those simulated: it has one side only."""
    alternatives = [v for v in config.selected if v.source is not None and not v.two_sided]
    if len(alternatives) != 1:
        raise ConfigError(
            "the demo needs one alternative model among its variations", got=[v.name for v in alternatives]
        )
    return alternatives[0]


def _summarise(results: _Results, views: Path) -> dict[str, Any]:
    history = results.pretraining.history
    return {
        "simulation": {
            "hard_events": results.simulation.hard_events,
            "matched_jets": sum(sample.matched for sample in results.pairs.samples.values()),
            "match_efficiency": results.pairs.match_efficiency,
            "showers_per_second": results.simulation.showers_per_second,
            "samples": {
                name: {
                    "hard_events": sample.hard_events,
                    "matched_jets": sample.matched,
                    "match_efficiency": sample.match_efficiency,
                }
                for name, sample in results.pairs.samples.items()
            },
            "multiplicity": multiplicities(views),
        },
        "pretraining": {
            "epochs": len(history),
            "loss_first_epoch": history[0]["loss"],
            "loss_last_epoch": history[-1]["loss"],
            "jets_per_second": _rate(results.pretraining),
        },
        **_performance(results.metrics),
        "analysis": {
            "executor": results.analysis["executor"],
            "workers": results.analysis["workers"],
            "chunks": results.analysis["chunks"],
            "jets": results.analysis["jets"],
            "jets_per_second": results.analysis["jets_per_second"],
        },
        "fit": {
            tagger: {
                "mu": result.mu,
                "mu_error": result.mu_error,
                "mu_error_shower": result.mu_error_shower,
                "bias": result.bias,
            }
            for tagger, result in results.fits.items()
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


def _rate(training: SavedTraining) -> float:
    rates = [row["jets_per_second"] for row in training.history if row["jets_per_second"]]
    return float(np.median(np.array(rates, dtype=float)))


def _performance(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The sections ``tagging`` and ``robustness`` of the summary."""
    tagging = {
        tagger: {"auc": numbers["auc"], "rejection_at_50": numbers["rejection"]["50"]["value"]}
        for tagger, numbers in metrics["tagging"].items()
    }
    robustness = {
        tagger: {
            process: {variation: shift["wasserstein"] for variation, shift in shifts.items()}
            for process, shifts in metrics["robustness"][tagger].items()
        }
        for tagger in ("supervised", "rs3l")
    }
    return {"tagging": tagging, "robustness": robustness}
