"""``rs3l analyze``."""

from __future__ import annotations

from pathlib import Path

import typer

from rs3l_gnn.cli.app import verb
from rs3l_gnn.cli.options import ConfigFile, Force, Output, Overrides
from rs3l_gnn.conventions import load_config

__all__ = ["analyze"]


@verb
def analyze(
    config: ConfigFile = None, overrides: Overrides = None, output: Output = Path("analysis"), force: Force = False
) -> None:
    """Run the tagging processor over ROOT files and write histograms with systematic variations."""
    from rs3l_gnn import processors

    processors.analyze(load_config(processors.AnalysisConfig, config, overrides or ()), output, force=force)
    typer.echo(f"wrote {output}")
