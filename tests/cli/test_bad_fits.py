"""What users get wrong in a fit: exit status 2, the sentence that says it, and nothing written."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from rs3l_gnn.cli import app

import_module("rs3l_gnn.cli.fit")
_TABLE = yaml.safe_load(Path(__file__).with_name("fit_mistakes.yaml").read_text(encoding="utf-8"))
MISTAKES = {(file, changes): sentence for file, lines in _TABLE.items() for changes, sentence in lines.items()}


def _fit(file: str, changes: str) -> list[str]:
    """The arguments; changes that name inputs go before the file."""
    settings = [f"inputs={file}", *filter(None, changes.split(" ; "))]
    return ["fit", "fit.yaml", *(word for setting in settings for word in ("--set", setting)), "--output", "out"]


@pytest.mark.parametrize(("file", "changes"), MISTAKES)
def test_a_mistake_ends_with_its_sentence(
    histogram_folder: Path, monkeypatch: pytest.MonkeyPatch, file: str, changes: str
) -> None:
    monkeypatch.chdir(histogram_folder)
    before = sorted(histogram_folder.rglob("*"))
    result = CliRunner().invoke(app, _fit(file, changes))
    assert result.exit_code == 2, result.stderr
    assert f"rs3l fit: {MISTAKES[file, changes]}" in result.stderr
    assert "Traceback" not in result.stderr
    assert sorted(histogram_folder.rglob("*")) == before


def test_the_good_file_is_fitted(histogram_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a line of the table is wrong by what it says alone."""
    monkeypatch.chdir(histogram_folder)
    arguments = [*_fit("good.json", "")[:-1], str(tmp_path / "out")]
    assert CliRunner().invoke(app, arguments).exit_code == 0


def test_the_table_is_long_and_names_every_broken_file(histogram_folder: Path) -> None:
    assert len(MISTAKES) >= 150
    files = {path.name for path in histogram_folder.glob("*.json")} - {"other_bins.json"}
    assert files == set(_TABLE) - {"gone.json"}
