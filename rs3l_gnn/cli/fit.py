"""``rs3l fit``."""

from __future__ import annotations

from pathlib import Path

import typer

from rs3l_gnn.cli.app import verb
from rs3l_gnn.cli.options import ConfigFile, Force, Output, Overrides
from rs3l_gnn.conventions import load_config

__all__ = ["fit"]


@verb(config="rs3l_gnn.fits.FitConfig")
def fit(
    config: ConfigFile = None, overrides: Overrides = None, output: Output = Path("fit"), force: Force = False
) -> None:
    """Turn histograms into templates, workspace and card, and fit the signal strength; or compare taggers by it."""
    from rs3l_gnn import fits

    fits.fit_or_compare(load_config(fits.FitConfig, config, overrides or ()), output, force=force)
    typer.echo(f"wrote {output}")
