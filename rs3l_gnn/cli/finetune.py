"""``rs3l finetune``."""

from __future__ import annotations

from pathlib import Path

import typer

from rs3l_gnn.cli.app import verb
from rs3l_gnn.cli.options import ConfigFile, FindRate, Force, Output, Overrides, rate_table
from rs3l_gnn.conventions import load_config

__all__ = ["finetune"]


@verb(config="rs3l_gnn.training.FinetuneConfig")
def finetune(
    config: ConfigFile = None,
    overrides: Overrides = None,
    output: Output = Path("tagger"),
    force: Force = False,
    find_rate: FindRate = False,
) -> None:
    """Train a tagger on a pre-trained encoder, or the same network from random weights."""
    from rs3l_gnn import training

    settings = load_config(training.FinetuneConfig, config, overrides or ())
    if find_rate:
        typer.echo(rate_table(training.find_learning_rate(settings)))
        return
    training.finetune(settings, output, force=force)
    typer.echo(f"wrote {output}")
