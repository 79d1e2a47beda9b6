"""``rs3l finetune``."""

from __future__ import annotations

from pathlib import Path

import typer

from rs3l_gnn.cli.app import verb
from rs3l_gnn.cli.options import ConfigFile, Force, Output, Overrides
from rs3l_gnn.conventions import load_config

__all__ = ["finetune"]


@verb(config="rs3l_gnn.training.FinetuneConfig")
def finetune(
    config: ConfigFile = None, overrides: Overrides = None, output: Output = Path("tagger"), force: Force = False
) -> None:
    """Train a tagger on a pre-trained encoder, or the same network from random weights."""
    from rs3l_gnn import training

    training.finetune(load_config(training.FinetuneConfig, config, overrides or ()), output, force=force)
    typer.echo(f"wrote {output}")
