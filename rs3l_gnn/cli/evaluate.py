"""``rs3l evaluate``."""

from __future__ import annotations

from pathlib import Path

import typer

from rs3l_gnn.cli.app import verb
from rs3l_gnn.cli.options import ConfigFile, Force, Output, Overrides
from rs3l_gnn.conventions import load_config

__all__ = ["evaluate"]


@verb(config="rs3l_gnn.evaluation.EvaluateConfig")
def evaluate(
    config: ConfigFile = None, overrides: Overrides = None, output: Output = Path("evaluation"), force: Force = False
) -> None:
    """Measure taggers on the test events. ROC, rejection, and how far each variation moves the score."""
    from rs3l_gnn import evaluation
    from rs3l_gnn.cli.evaluate_table import evaluation_table

    found = evaluation.evaluate(load_config(evaluation.EvaluateConfig, config, overrides or ()), output, force=force)
    typer.echo(evaluation_table(found))
    typer.echo(f"wrote {output}")
