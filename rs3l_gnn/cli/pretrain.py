"""``rs3l pretrain``."""

from __future__ import annotations

from pathlib import Path

import typer

from rs3l_gnn.cli.app import verb
from rs3l_gnn.cli.options import ConfigFile, FindRate, Force, Output, Overrides, rate_table
from rs3l_gnn.conventions import load_config

__all__ = ["pretrain"]


@verb(config="rs3l_gnn.training.PretrainConfig")
def pretrain(
    config: ConfigFile = None,
    overrides: Overrides = None,
    output: Output = Path("pretraining"),
    force: Force = False,
    find_rate: FindRate = False,
) -> None:
    """Pre-train an encoder on pairs of views of the same hard event."""
    from rs3l_gnn import training

    settings = load_config(training.PretrainConfig, config, overrides or ())
    if find_rate:
        typer.echo(rate_table(training.find_learning_rate(settings)))
        return
    training.pretrain(settings, output, force=force)
    typer.echo(f"wrote {output}")
