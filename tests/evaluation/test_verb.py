"""``rs3l evaluate`` ends with its table."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rs3l_gnn.cli import app
from rs3l_gnn.conventions import dump_config
from rs3l_gnn.evaluation import EvaluateConfig

import_module("rs3l_gnn.cli.evaluate")


def test_the_table_has_the_numbers_of_the_file(config: EvaluateConfig, tmp_path: Path) -> None:
    few = EvaluateConfig(views=config.views, bootstrap=10, efficiencies=(0.5,), variations=())
    (tmp_path / "evaluate.yaml").write_text(dump_config(few))
    output = tmp_path / "out"
    result = CliRunner().invoke(app, ["evaluate", str(tmp_path / "evaluate.yaml"), "--output", str(output), "--quiet"])
    assert result.exit_code == 0, result.stderr
    written = json.loads((output / "metrics.json").read_text())["tagging"]["n2"]
    head, row, *rest = result.stdout.splitlines()
    assert head.split("  ")[0] == "tagger"
    name, area, *_ = (part.strip() for part in row.split("  ") if part)
    assert name == "n2"
    assert float(area.split(" ± ")[0]) == pytest.approx(written["auc"], abs=written["auc_error"] / 10)
    assert rest[-1] == f"wrote {output}"
