"""``rs3l finetune``."""

from __future__ import annotations

from pathlib import Path

from rs3l_gnn.cli.app import verb
from rs3l_gnn.cli.options import AsJson, ConfigFile, FindRate, Force, Output, Overrides
from rs3l_gnn.cli.training_end import say_rates, say_training
from rs3l_gnn.conventions import load_config

__all__ = ["finetune"]


@verb(config="rs3l_gnn.training.FinetuneConfig")
def finetune(
    config: ConfigFile = None,
    *,
    overrides: Overrides = None,
    output: Output = Path("tagger"),
    force: Force = False,
    find_rate: FindRate = False,
    as_json: AsJson = False,
) -> None:
    """Train a tagger on a pre-trained encoder, or the same network from random weights."""
    from rs3l_gnn import training

    settings = load_config(training.FinetuneConfig, config, overrides or ())
    if find_rate:
        say_rates(training.find_learning_rate(settings), as_json=as_json)
        return
    say_training(training.finetune(settings, output, force=force), output, as_json=as_json)
