"""What the two trainings say at their end."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from rs3l_gnn.cli.options import print_json

if TYPE_CHECKING:
    from rs3l_gnn.training import RateScan, SavedTraining

__all__ = ["rate_table", "say_rates", "say_training"]

_OF_THE_CLOCK = ("epoch", "learning_rate", "seconds", "validation_seconds", "jets_per_second")


def say_training(saved: SavedTraining, output: Path, *, as_json: bool) -> None:
    """Print which epoch is kept and how good it is; or checkpoint, kept epoch and all rows as one document."""
    if as_json:
        found = {"checkpoint": saved.checkpoint, "kept_epoch": saved.kept_epoch, "history": saved.history}
        print_json(output, found)
        return
    if not saved.history:  # a finished tagger was tilted
        typer.echo(f"wrote {output}")
        return
    kept = saved.history[saved.kept_epoch - 1]
    numbers = ", ".join(f"{key} {x:.4g}" for key, x in kept.items() if key not in _OF_THE_CLOCK and x is not None)
    rate = saved.history[-1]["jets_per_second"]
    typer.echo(f"epoch {saved.kept_epoch} of {len(saved.history)} is kept: {numbers}; {rate:.0f} jets/s")
    typer.echo(f"wrote {output}")


def say_rates(scan: RateScan, *, as_json: bool) -> None:
    """Print a scan of the learning rate: a table, or one document where a loss that is not finite is null."""
    if not as_json:
        typer.echo(rate_table(scan))
        return
    losses = [loss if math.isfinite(loss) else None for loss in scan.losses.tolist()]
    print_json(None, {"rates": scan.rates.tolist(), "losses": losses, "suggestion": scan.suggestion})


def rate_table(scan: RateScan) -> str:
    """Every fifth rate of a scan with its loss, and the suggestion."""
    lines = ["learning rate  loss"]
    lines += [f"{rate:13.3g}  {loss:.4g}" for rate, loss in zip(scan.rates[::5], scan.losses[::5], strict=True)]
    found = "nowhere" if scan.suggestion is None else f"at {scan.suggestion:.3g}"
    return "\n".join([*lines, f"the loss falls fastest {found}"])
