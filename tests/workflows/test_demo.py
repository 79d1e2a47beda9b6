"""What the demo asks of its study; its run is in ``tests/test_chain.py``."""

from __future__ import annotations

from pathlib import Path

import pytest

from rs3l_gnn.conventions import ConfigError, OutputError, load_config
from rs3l_gnn.workflows.demo import default_config, run_demo, tell
from rs3l_gnn.workflows.study import StudyConfig, steps_of


def _changed(**update: object) -> StudyConfig:
    return load_config(StudyConfig, default_config()).model_copy(update=update)


def test_the_demo_is_a_study_of_one_step_for_each_verb() -> None:
    assert [step.key for step in steps_of(_changed())] == [
        "simulate/main",
        "pair/main",
        "pretrain/rs3l-1",
        "finetune/rs3l-1",
        "finetune/supervised-1",
        "evaluate/main",
        "analyze/main",
        "fit/main",
    ]


def test_another_study_is_refused_before_anything_is_removed(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    two = {name: _changed().pair["main"] for name in ("main", "more")}
    for config, message in (
        (_changed(pair=two), "one step for each verb and two taggers, and pair is not so; got .*main.*more"),
        (_changed(finetune={}), "and finetune is not so"),
        (_changed(seeds=(1, 2)), "trains once, with one seed; got .1, 2"),
    ):
        with pytest.raises(ConfigError, match=message):
            run_demo(config, tmp_path / "demo", force=True)
    fit = _changed().fit["main"]
    with pytest.raises(ConfigError, match="compares three taggers in its fit"):
        run_demo(_changed(fit={"main": fit.model_copy(update={"comparison": None})}), tmp_path / "demo", force=True)
    assert (tmp_path / "demo").is_dir()


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="--force"):
        run_demo(_changed(), tmp_path)


def test_the_summary_in_lines() -> None:
    shifts = {process: {"seed": 0.0125} for process in ("qcd", "higgs")}
    text = tell(
        {
            "simulation": {"matched_jets": 1234, "showers_per_second": 98.6},
            "seconds_total": 61.7,
            "tagging": {
                "n2": {"auc": 0.74107, "rejection_at_50": 5.4694},
                "supervised": {"auc": 0.97673, "rejection_at_50": 178.66},
                "rs3l": {"auc": 0.97613, "rejection_at_50": None},
            },
            "fit": {name: {"mu_error": 0.5126, "mu_error_shower": 0.0312} for name in ("n2", "supervised", "rs3l")},
            "robustness": {"supervised": shifts, "rs3l": shifts},
        }
    )
    assert text.splitlines() == [
        "1234 matched hard events, 99 showers/s",
        "whole chain in 62 s",
        "tagger           AUC   1/FPR(50 %)  mu error  (shower)",
        "n2            0.7411           5.5     0.513     0.031",
        "supervised    0.9767         178.7     0.513     0.031",
        "rs3l          0.9761             -     0.513     0.031",
        "Wasserstein distance of the score, nominal to variation:",
        "  qcd   seed       supervised 0.0125  rs3l 0.0125",
        "  higgs seed       supervised 0.0125  rs3l 0.0125",
    ]
