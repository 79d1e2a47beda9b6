"""Options that several verbs share, written once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rs3l_gnn.training import RateScan

__all__ = [
    "AsJson",
    "ConfigFile",
    "FindRate",
    "Force",
    "Output",
    "Overrides",
    "as_overrides",
    "print_json",
    "rate_table",
]

ConfigFile = Annotated[
    Path | None, typer.Argument(metavar="CONFIG.yaml", help="Configuration; without it the defaults hold.")
]
Output = Annotated[Path, typer.Option("--output", "-o", help="Where the output goes; it appears whole or not at all.")]
Force = Annotated[bool, typer.Option("--force", "-f", help="Replace an output that exists.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", "-s", metavar="KEY=VALUE", help="Override one value, e.g. --set trainer.epochs=5."),
]

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as one JSON document instead of lines.")]


def print_json(output: Path, document: Mapping[str, Any]) -> None:
    """The end of a verb for machines: where its output is, and the result."""
    typer.echo(json.dumps({"output": str(output), **document}, indent=2, allow_nan=False))


FindRate = Annotated[
    bool, typer.Option("--find-rate", help="Train 100 steps at rising learning rates, show the losses, write nothing.")
]


def rate_table(scan: RateScan) -> str:
    """Every fifth rate of a scan with its loss, and the suggestion."""
    lines = ["learning rate  loss"]
    lines += [f"{rate:13.3g}  {loss:.4g}" for rate, loss in zip(scan.rates[::5], scan.losses[::5], strict=True)]
    found = "nowhere" if scan.suggestion is None else f"at {scan.suggestion:.3g}"
    return "\n".join([*lines, f"the loss falls fastest {found}"])


def as_overrides(options: Mapping[str, Any]) -> list[str]:
    """``key=value`` for every option that was given; one that was not is None."""
    return [f"{key}={value}" for key, value in options.items() if value is not None]
