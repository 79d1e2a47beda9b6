"""From a pilot's metrics.json to a folder with a plan, and what is refused."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from rs3l_gnn.cli import app
from rs3l_gnn.conventions import ConfigError, InputFileError, dump_config, write_json
from rs3l_gnn.evaluation import EvaluateConfig, plan
from rs3l_gnn.evaluation.responses.measure import measure_responses

from .conftest import Toy

import_module("rs3l_gnn.cli.evaluate")


@pytest.fixture(scope="module")
def pilot(toy: Toy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    meter = toy({"sup": (0.05, 0.06), "new": (0.01, 0.02)}, np.random.default_rng(1), n_background=400)
    path = tmp_path_factory.mktemp("pilot") / "metrics.json"
    results = measure_responses(meter, meter.task(None, None))
    write_json(path, {"format": "rs3l-metrics", "version": 3, **results.document()})
    return path


def config(pilot: Path, **changes: Any) -> EvaluateConfig:
    return EvaluateConfig.model_validate({"plan": {"pilot": pilot, **changes}})


def test_a_folder_with_numbers_and_pictures(pilot: Path, tmp_path: Path) -> None:
    found = plan(config(pilot, events=[100, 10_000], response=0.08), tmp_path / "plan")
    document = json.loads((tmp_path / "plan" / "plan.json").read_text())
    assert (document["format"], document["reference"]) == ("rs3l-plan", "sup")
    assert {(row.which, row.efficiency, row.tagger) for row in found.rows} == {
        (which, efficiency, "new") for which in ("qcd", "higgs") for efficiency in ("50", "80")
    }
    row = document["rows"][0]
    assert (row["assumed"], row["difference"]) == (0.08, 0.04)
    assert row["pilot_events"] == (400 if row["which"] == "qcd" else 600)
    few, many = (point for point in row["points"] if point["trainings"] == 3)
    assert (few["events"], many["events"]) == (100, 10_000)
    assert few["error_difference"] > many["error_difference"]
    assert few["significance"] < many["significance"]
    assert document["plots"] == [f"plots/plan_{w}_new.{s}" for w in ("qcd", "higgs") for s in ("png", "pdf")]
    assert all((tmp_path / "plan" / name).stat().st_size > 1_000 for name in document["plots"])
    assert {path.name for path in (tmp_path / "plan").iterdir()} == {
        "plan.json",
        "provenance.json",
        "config.yaml",
        "plots",
    }


def test_the_verb_ends_with_a_table(pilot: Path, tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(dump_config(config(pilot, trainings=[1, 4])))
    command = ["evaluate", str(tmp_path / "plan.yaml"), "--plan", "--output", str(tmp_path / "out")]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    head = result.stdout.splitlines()[0].split("  ")
    assert [word.strip() for word in head if word][-2:] == ["events, 1 trainings", "events, 4 trainings"]
    assert "higgs" in result.stdout
    assert "0.5 times the response of sup is expected to differ from it by 3 sigma" in result.stdout


def test_what_is_refused(pilot: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nothing is planned"):
        plan(EvaluateConfig(), tmp_path / "out")
    for text, sentence in (
        ("{", "cannot be read as JSON"),
        ("[]", "is not the metrics.json of an evaluation"),
        ('{"format": "rs3l-metrics", "version": 2}', "is of version 2"),
        ('{"format": "rs3l-metrics", "version": 3}', "has no responses"),
        ('{"format": "rs3l-metrics", "version": 3, "responses": {"a": {}, "b": {"c": 1}}}', "are damaged"),
    ):
        (tmp_path / "broken.json").write_text(text)
        with pytest.raises(InputFileError, match=sentence):
            plan(config(tmp_path / "broken.json"), tmp_path / "out")
    with pytest.raises(InputFileError, match="has no tagger 'old'"):
        plan(config(pilot).model_copy(update={"reference": "old"}), tmp_path / "out")
    assert not (tmp_path / "out").exists()
