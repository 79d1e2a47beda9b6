"""``rs3l evaluate``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from rs3l_gnn.cli.app import verb
from rs3l_gnn.cli.options import AsJson, ConfigFile, Force, Output, Overrides, print_json
from rs3l_gnn.conventions import load_config

__all__ = ["evaluate"]


@verb(config="rs3l_gnn.evaluation.EvaluateConfig")
def evaluate(
    config: ConfigFile = None,
    *,
    overrides: Overrides = None,
    output: Output = Path("evaluation"),
    force: Force = False,
    plan: Annotated[
        bool, typer.Option("--plan", help="Write what a study will tell, from the pilot in the section plan.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Measure taggers on the test events. ROC, rejection, and how far each variation moves the score."""
    from rs3l_gnn import evaluation
    from rs3l_gnn.cli.evaluate_table import evaluation_table

    settings = load_config(evaluation.EvaluateConfig, config, overrides or ())
    if plan:
        from rs3l_gnn.cli.plan_table import plan_table

        planned = evaluation.plan(settings, output, force=force)
        if as_json:
            print_json(output, json.loads((output / "plan.json").read_text(encoding="utf-8")))
            return
        typer.echo(plan_table(planned))
        typer.echo(f"wrote {output}")
        return
    found = evaluation.evaluate(settings, output, force=force)
    if as_json:
        document = json.loads((output / "metrics.json").read_text(encoding="utf-8"))
        print_json(output, {key: document[key] for key in ("tagging", "gains", "remarks") if key in document})
        return
    typer.echo(evaluation_table(found))
    typer.echo(f"wrote {output}")
