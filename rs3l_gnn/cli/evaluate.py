"""``rs3l evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rs3l_gnn.cli.app import verb
from rs3l_gnn.cli.options import ConfigFile, Force, Output, Overrides
from rs3l_gnn.conventions import load_config

__all__ = ["evaluate"]


@verb(config="rs3l_gnn.evaluation.EvaluateConfig")
def evaluate(
    config: ConfigFile = None,
    overrides: Overrides = None,
    output: Output = Path("evaluation"),
    force: Force = False,
    plan: Annotated[
        bool, typer.Option("--plan", help="Write what a study will tell, from the pilot in the section plan.")
    ] = False,
) -> None:
    """Measure taggers on the test events. ROC, rejection, and how far each variation moves the score."""
    from rs3l_gnn import evaluation
    from rs3l_gnn.cli.evaluate_table import evaluation_table

    settings = load_config(evaluation.EvaluateConfig, config, overrides or ())
    if plan:
        from rs3l_gnn.cli.plan_table import plan_table

        typer.echo(plan_table(evaluation.plan(settings, output, force=force)))
        typer.echo(f"wrote {output}")
        return
    found = evaluation.evaluate(settings, output, force=force)
    typer.echo(evaluation_table(found))
    typer.echo(f"wrote {output}")
