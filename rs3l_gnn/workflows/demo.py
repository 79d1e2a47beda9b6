"""The demonstration: a study of one step a verb, from one LHE file for each sample to one fit for each tagger."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rs3l_gnn.configs import config_path
from rs3l_gnn.conventions import ConfigError, dump_config, provenance, refuse_existing, write_json
from rs3l_gnn.conventions.locks import holds_output
from rs3l_gnn.simulation import SimulationConfig
from rs3l_gnn.workflows.steps import VERBS
from rs3l_gnn.workflows.study import StudyConfig, run_study
from rs3l_gnn.workflows.summary import TAGGERS, TRAINED, summarise

__all__ = ["default_config", "run_demo", "tell"]

_WORKERS = 2
"""Steps at once: one training beside another, the evaluation beside analysis and fit."""


def default_config() -> Path:
    """The configuration that comes with the package."""
    return config_path("demo.yaml")


@holds_output
def run_demo(config: StudyConfig, output: Path | str, *, force: bool = False) -> dict[str, Any]:
    """Run every step and write ``summary.json`` last, the sign that the demonstration is complete.

    Args:
        config: a study with one seed, one step for each verb, and two trainings of taggers, ``supervised`` and
            ``rs3l``. LHE files come from outside, and are relative to where the command runs.
        output: folder to make; each step appears whole in it.
        force: replace an existing folder.

    Returns:
        The content of ``summary.json``.

    Raises:
        ConfigError: the study has other steps.
        OutputError: the folder exists and ``force`` is False.
        Rs3lError: whatever a step raises; the finished steps stay, and ``rs3l study`` goes on from there.
    """
    output = Path(output)
    _require_one_of_each(config)
    refuse_existing(output, force=force)
    if output.exists():
        shutil.rmtree(output)
    start = time.monotonic()
    (simulated,) = config.simulate.values()
    here = config.model_copy(update={"simulate": _from_outside(config.simulate)})
    finished = run_study(here, output, workers=_WORKERS)
    (output / "config.yaml").write_text(dump_config(config), encoding="utf-8")
    summary = {
        **summarise(output, finished),
        "seconds_total": time.monotonic() - start,
        "provenance": provenance(config=config, seeds={"simulation": simulated.seed}),
    }
    write_json(output / "summary.json", summary)
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
        for tagger in TAGGERS
    )
    lines.append("Wasserstein distance of the score, nominal to variation:")
    for process in ("qcd", "higgs"):
        for variation in robustness["rs3l"][process]:
            supervised, rs3l = (robustness[tagger][process][variation] for tagger in TRAINED)
            lines.append(f"  {process:<6}{variation:<10} supervised {supervised:.4f}  rs3l {rs3l:.4f}")
    return "\n".join(lines)


def _or_dash(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _require_one_of_each(config: StudyConfig) -> None:
    found = {verb: sorted(getattr(config, verb)) for verb in VERBS}
    wanted = {verb: sorted(TRAINED) if verb == "finetune" else found[verb][:1] or ["main"] for verb in VERBS}
    wrong = [verb for verb in VERBS if found[verb] != wanted[verb]]
    if wrong:
        raise ConfigError(
            f"the demo has one step for each verb and two taggers, and {wrong[0]} is not so",
            got=found[wrong[0]],
            allowed=wanted[wrong[0]],
            hint="rs3l study runs any number of steps",
        )
    if len(config.seeds) != 1:
        raise ConfigError("the demo trains once, with one seed", got=list(config.seeds), hint="use rs3l study")
    (fit,) = config.fit.values()
    compared = [] if fit.comparison is None else sorted(fit.comparison.taggers)
    if compared != sorted(TAGGERS):
        raise ConfigError("the demo compares three taggers in its fit", got=compared, allowed=sorted(TAGGERS))


def _from_outside(simulate: Mapping[str, SimulationConfig]) -> dict[str, SimulationConfig]:
    return {
        step: config.model_copy(
            update={
                "samples": {
                    name: sample.model_copy(update={"lhe": sample.lhe and sample.lhe.absolute()})
                    for name, sample in config.samples.items()
                }
            }
        )
        for step, config in simulate.items()
    }
