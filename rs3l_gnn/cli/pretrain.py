"""``rs3l pretrain``."""

from __future__ import annotations

from pathlib import Path

from rs3l_gnn.cli.app import verb
from rs3l_gnn.cli.options import AsJson, ConfigFile, FindRate, Force, Output, Overrides
from rs3l_gnn.cli.training_end import say_rates, say_training
from rs3l_gnn.conventions import load_config

__all__ = ["pretrain"]


@verb(config="rs3l_gnn.training.PretrainConfig")
def pretrain(
    config: ConfigFile = None,
    *,
    overrides: Overrides = None,
    output: Output = Path("pretraining"),
    force: Force = False,
    find_rate: FindRate = False,
    as_json: AsJson = False,
) -> None:
    """Pre-train an encoder on pairs of views of the same hard event."""
    from rs3l_gnn import training

    settings = load_config(training.PretrainConfig, config, overrides or ())
    if find_rate:
        say_rates(training.find_learning_rate(settings), as_json=as_json)
        return
    say_training(training.pretrain(settings, output, force=force), output, as_json=as_json)
