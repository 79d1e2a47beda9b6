"""``--find-rate`` of both trainings: a table and a suggestion, and nothing is written."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from rs3l_gnn.cli import app, load_verbs
from rs3l_gnn.data import PairConfig, pair

SMALL = "{width: 16, layers: 1, k: 4, hidden: [8], dim: 4}"


@pytest.mark.parametrize(("verb", "network"), [("pretrain", "encoder"), ("finetune", "architecture")])
def test_nothing_is_written(
    toy_directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str, network: str
) -> None:
    pair(PairConfig(directories=(toy_directory,)), tmp_path / "views.h5")
    monkeypatch.chdir(tmp_path)
    load_verbs()
    options = [f"views={tmp_path / 'views.h5'}", f"{network}={SMALL}", "batch_events=16", "trainer.threads=1"]
    arguments = [verb, "--find-rate", *(part for option in options for part in ("--set", option))]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "learning rate  loss" in result.output
    assert "the loss falls fastest" in result.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["views.h5", "views.report.json"]
