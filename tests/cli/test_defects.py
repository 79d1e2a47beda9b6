"""Errors that no user made: exit status 3 and a log beside the output."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rs3l_gnn.cli import app

import_module("rs3l_gnn.cli.pair")
import_module("rs3l_gnn.cli.inspect")


def _breaks(*args: object, **kwargs: object) -> None:
    raise ZeroDivisionError("seven\nby nothing")


@pytest.fixture(autouse=True)
def _broken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("rs3l_gnn.data.pair", _breaks)
    monkeypatch.setattr("rs3l_gnn.workflows.inspection.describe", _breaks)
    monkeypatch.chdir(tmp_path)


def test_the_log_stands_beside_the_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["rs3l", "pair", "-i", "x"])
    result = CliRunner().invoke(app, ["pair", "-i", "x", "--output", str(tmp_path / "views.h5")])
    log = tmp_path / "views.h5.defect.log"
    assert result.exit_code == 3
    assert result.stderr.splitlines() == [
        f"rs3l pair: this is a defect, please report it with {log}; ZeroDivisionError: seven by nothing"
    ]
    assert list(tmp_path.iterdir()) == [log]
    text = log.read_text()
    assert text.startswith("rs3l pair -i x\n")
    assert '"torch": ' in text
    assert text.rstrip().endswith("ZeroDivisionError: seven\nby nothing")


def test_a_verb_without_output_leaves_its_log_where_it_runs(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["inspect", "anything"])
    assert result.exit_code == 3
    assert "rs3l inspect: this is a defect, please report it with rs3l-inspect.defect.log; " in result.stderr
    assert (tmp_path / "rs3l-inspect.defect.log").is_file()


def test_a_folder_that_is_not_there_is_not_made_for_a_log(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["pair", "-i", "x", "--output", str(tmp_path / "none" / "views.h5")])
    assert result.exit_code == 3
    assert [path.name for path in tmp_path.iterdir()] == ["views.h5.defect.log"]


def test_debug_shows_the_traceback() -> None:
    result = CliRunner().invoke(app, ["pair", "-i", "x", "--debug"])
    assert result.exit_code == 3
    assert "Traceback (most recent call last)" in result.stderr
    assert "_breaks" in result.stderr
