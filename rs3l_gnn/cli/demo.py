"""``rs3l demo``."""

from __future__ import annotations

from pathlib import Path

import typer

from rs3l_gnn.cli.app import verb
from rs3l_gnn.cli.options import ConfigFile, Force, Output, Overrides
from rs3l_gnn.conventions import load_config

__all__ = ["demo"]


@verb(config="rs3l_gnn.workflows.study.StudyConfig")
def demo(
    config: ConfigFile = None, overrides: Overrides = None, output: Output = Path("demo-output"), force: Force = False
) -> None:
    """Run the whole chain, from hard events to a fit, and write summary.json and the plots."""
    from rs3l_gnn.workflows.demo import default_config, run_demo, tell
    from rs3l_gnn.workflows.study import StudyConfig

    summary = run_demo(load_config(StudyConfig, config or default_config(), overrides or ()), output, force=force)
    typer.echo(tell(summary))
    typer.echo(f"wrote {output}")
