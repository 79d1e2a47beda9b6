"""Options that several verbs share, written once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["ConfigFile", "Force", "Output", "Overrides", "as_overrides"]

ConfigFile = Annotated[
    Path | None, typer.Argument(metavar="CONFIG.yaml", help="Configuration; without it the defaults hold.")
]
Output = Annotated[Path, typer.Option("--output", "-o", help="Where the output goes; it appears whole or not at all.")]
Force = Annotated[bool, typer.Option("--force", "-f", help="Replace an output that exists.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", "-s", metavar="KEY=VALUE", help="Override one value, e.g. --set trainer.epochs=5."),
]


def as_overrides(options: Mapping[str, Any]) -> list[str]:
    """``key=value`` for every option that was given; one that was not is None."""
    return [f"{key}={value}" for key, value in options.items() if value is not None]
