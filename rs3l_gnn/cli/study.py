"""``rs3l study``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rs3l_gnn.cli.app import verb
from rs3l_gnn.cli.options import ConfigFile, Force, Output, Overrides
from rs3l_gnn.conventions import load_config

__all__ = ["study"]


@verb(config="rs3l_gnn.workflows.study.StudyConfig")
def study(
    config: ConfigFile = None,
    *,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="PATTERN", help="Steps to run, e.g. --only 'finetune/hbb-*'; may be repeated."),
    ] = None,
    workers: Annotated[
        int,
        typer.Option(
            "--workers", "-w", min=1, help="Steps at once, above all trainings and evaluations; they share the cores."
        ),
    ] = 1,
    show: Annotated[
        bool, typer.Option("--list", help="List the steps and whether they are done; run nothing.")
    ] = False,
    overrides: Overrides = None,
    output: Output = Path("study-output"),
    force: Force = False,
) -> None:
    """Run the study: simulations, trainings with several seeds, reports and fits; it goes on where it stopped."""
    from rs3l_gnn.workflows.study import StudyConfig, default_config, run_study, state_of, steps_of

    chosen = load_config(StudyConfig, config or default_config(), overrides or ())
    if show:
        for step in steps_of(chosen):
            typer.echo(f"{state_of(step, output):<8} {step.key}")
        return
    finished = run_study(chosen, output, only=only or (), workers=workers, force=force)
    typer.echo(f"{len(finished)} steps in {sum(seconds for _, seconds in finished):.0f} s; wrote {output}")
