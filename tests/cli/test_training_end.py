"""What trainings say at their end: which epoch is kept, and its numbers; a scan of the learning rate."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from rs3l_gnn.cli import app, load_verbs
from rs3l_gnn.cli.training_end import rate_table, say_rates, say_training
from rs3l_gnn.data import PairConfig, pair
from rs3l_gnn.training import RateScan, SavedTraining

SMALL = "{width: 16, layers: 1, k: 4, hidden: [8], dim: 4}"


@pytest.fixture(scope="module")
def views(toy_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("views") / "views.h5"
    pair(PairConfig(directories=(toy_directory,)), path)
    load_verbs()
    return path


def _run(verb: str, network: str, views: Path, *words: object) -> str:
    settings = [f"views={views}", f"{network}={SMALL}", "batch_events=16", "trainer.threads=1", "trainer.epochs=3"]
    options = [part for setting in settings for part in ("--set", setting)]
    done = CliRunner().invoke(app, [verb, *options, *map(str, words)])
    assert done.exit_code == 0, done.output
    return done.stdout


def _rows(path: Path) -> list[dict[str, float | None]]:
    with path.open(newline="") as stream:
        return [{key: float(x) if x else None for key, x in row.items()} for row in csv.DictReader(stream)]


@pytest.mark.parametrize(("verb", "network"), [("pretrain", "encoder"), ("finetune", "architecture")])
@pytest.mark.parametrize("keep", ["best", "last"])
def test_the_document_holds_the_numbers_of_the_files(
    views: Path, tmp_path: Path, verb: str, network: str, keep: str
) -> None:
    out = tmp_path / "out"
    name = {"pretrain": "encoder", "finetune": "tagger"}[verb]
    told: dict[str, Any] = json.loads(_run(verb, network, views, "--set", f"trainer.keep={keep}", "-o", out, "--json"))
    assert (told["output"], told["checkpoint"]) == (str(out), str(out / f"{name}.safetensors"))
    history, timing = _rows(out / "history.csv"), _rows(out / "timing.csv")
    assert told["history"] == [{**row, **time} for row, time in zip(history, timing, strict=True)]
    losses = [row["val_loss"] for row in history]
    assert all(loss is not None for loss in losses)
    assert told["kept_epoch"] == (3 if keep == "last" else 1 + int(np.argmin(np.array(losses, dtype=float))))
    assert (out / f"{name}.safetensors").read_bytes() == (out / f"{name}_{keep}.safetensors").read_bytes()


def test_the_line_says_the_kept_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    clock = {"learning_rate": 1e-3, "seconds": 2.0, "validation_seconds": 0.5}
    rows: list[dict[str, float | None]] = [
        {"epoch": 1, "loss": 2.5, "val_loss": 1.23456, "probe_auc": 0.75, "jets_per_second": 90.0, **clock},
        {"epoch": 2, "loss": 1.5, "val_loss": 2.0, "probe_auc": None, "jets_per_second": 120.4, **clock},
    ]
    say_training(SavedTraining(Path("out/encoder.safetensors"), 1, rows), Path("out"), as_json=False)
    assert capsys.readouterr().out.splitlines() == [
        "epoch 1 of 2 is kept: loss 2.5, val_loss 1.235, probe_auc 0.75; 120 jets/s",
        "wrote out",
    ]


def test_the_table_says_rates_losses_and_where_the_loss_falls_fastest() -> None:
    scan = RateScan(np.geomspace(1e-6, 1, 11), np.linspace(3, 1, 11), 0.002)
    assert rate_table(scan).splitlines() == [
        "learning rate  loss",
        "        1e-06  3",
        "        0.001  2",
        "            1  1",
        "the loss falls fastest at 0.002",
    ]
    assert rate_table(RateScan(scan.rates, scan.losses, None)).endswith("falls fastest nowhere")


def test_a_scan_as_a_document_has_null_for_a_loss_that_is_not_finite(capsys: pytest.CaptureFixture[str]) -> None:
    scan = RateScan(np.array([0.1, 0.2, 0.4]), np.array([3.0, np.nan, np.inf]), None)
    say_rates(scan, as_json=True)
    assert json.loads(capsys.readouterr().out) == {
        "rates": [0.1, 0.2, 0.4],
        "losses": [3.0, None, None],
        "suggestion": None,
    }
