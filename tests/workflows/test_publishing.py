"""What a hub gets: files, the block of metadata as YAML reads it, and a folder that loads again by its address."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import yaml
from safetensors import safe_open
from typer.testing import CliRunner

from rs3l_gnn.cli import app, load_verbs
from rs3l_gnn.conventions import CheckpointError, ConfigError
from rs3l_gnn.workflows.publishing import publish

METRICS = {
    "tagging": {
        "n2": {"auc": 0.7, "auc_error": 0.01, "rejection": {"50": {"value": 6.0}}},
        "rs3l": {"auc": 0.99612, "auc_error": 0.0004, "rejection": {"50": {"value": 671.0}, "60": {"value": 1.0}}},
    }
}


def test_the_folder(tagger_path: Path, tmp_path: Path) -> None:
    load_verbs()
    (tmp_path / "metrics.json").write_text(json.dumps(METRICS))
    hub = tmp_path / "hub"
    command = ["publish", str(tagger_path), "--name", "group/hbb", "--output", str(hub), "--holder", "Us"]
    done = CliRunner().invoke(app, [*command, "--metrics", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in hub.iterdir()) == [
        "LICENSE",
        "README.md",
        "config.json",
        "metrics.json",
        "tagger.safetensors",
    ]
    weights = (hub / "tagger.safetensors").read_bytes()
    assert weights == tagger_path.read_bytes()
    config = json.loads((hub / "config.json").read_text())
    assert (config["file"], config["sha256"]) == ("tagger.safetensors", hashlib.sha256(weights).hexdigest())
    _, front, card = (hub / "README.md").read_text().split("---\n", 2)
    metadata = yaml.safe_load(front)
    assert metadata["license"] == "bsd-3-clause"
    (result,) = metadata["model-index"][0]["results"]
    assert {entry["name"]: entry["value"] for entry in result["metrics"]} == {"AUC": 0.99612, "1/FPR at 50 %": 671.0}
    with safe_open(tagger_path, "np") as file:
        n = sum(file.get_tensor(name).size for name in file.keys())  # noqa: SIM118  # not a dictionary
    assert f"| Parameters | {n:,} |" in card
    assert "| AUC | 0.9961 ± 0.0004 |" in card
    assert 'JetTagger("hf://group/hbb")' in card
    assert ", Us\n" in (hub / "LICENSE").read_text()


def test_folders_of_trainings_and_shipped_encoders(tagger_path: Path, tmp_path: Path) -> None:
    (tmp_path / "training").mkdir()
    (tmp_path / "training" / "tagger.safetensors").write_bytes(tagger_path.read_bytes())
    publish(tmp_path / "training", tmp_path / "one", repository="a/b")
    assert (tmp_path / "one" / "tagger.safetensors").is_file()
    (tmp_path / "licence.txt").write_text("Do what you like.\n")
    publish("default", tmp_path / "two", repository="a/b", licence=tmp_path / "licence.txt")
    assert (tmp_path / "two" / "encoder.safetensors").is_file()
    assert (tmp_path / "two" / "LICENSE").read_text() == "Do what you like.\n"
    assert "license: other" in (tmp_path / "two" / "README.md").read_text()
    assert 'load_encoder("hf://a/b")' in (tmp_path / "two" / "README.md").read_text()


def test_what_cannot_be_published(tagger_path: Path, tmp_path: Path) -> None:
    (tmp_path / "metrics.json").write_text(json.dumps(METRICS))
    out = tmp_path / "out"
    with pytest.raises(ConfigError, match="owner/name"):
        publish(tagger_path, out, repository="hbb")
    with pytest.raises(ConfigError, match=r"holds no tagger other.*rs3l"):
        publish(tagger_path, out, repository="a/b", metrics=tmp_path / "metrics.json", tagger="other")
    with pytest.raises(CheckpointError, match="neither tagger"):
        publish(tmp_path, out, repository="a/b")
    assert not out.exists()
