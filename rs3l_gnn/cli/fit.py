"""``rs3l fit``."""

from __future__ import annotations

from pathlib import Path

import typer

from rs3l_gnn.cli.app import verb
from rs3l_gnn.cli.options import AsJson, ConfigFile, Force, Output, Overrides, print_json
from rs3l_gnn.conventions import load_config

__all__ = ["fit"]


@verb(config="rs3l_gnn.fits.FitConfig")
def fit(
    config: ConfigFile = None,
    overrides: Overrides = None,
    output: Output = Path("fit"),
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Turn histograms into templates, workspace and card, and fit the signal strength; or compare taggers by it."""
    from rs3l_gnn import fits
    from rs3l_gnn.fits.summary import summary_document, summary_table

    result = fits.fit_or_compare(load_config(fits.FitConfig, config, overrides or ()), output, force=force)
    if as_json:
        print_json(output, summary_document(result))
        return
    typer.echo(summary_table(result))
    typer.echo(f"wrote {output}")
