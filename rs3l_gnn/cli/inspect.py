"""``rs3l inspect``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rs3l_gnn.cli.app import verb

__all__ = ["inspect"]


@verb()
def inspect(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A file of ours, LHE, PFNano, ..., or shipped weights.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of lines.")] = False,
) -> None:
    """Say what a file is and what it holds; of shipped weights, the name will do."""
    from rs3l_gnn.workflows.inspection import describe, render

    typer.echo(render(describe(path), as_json=as_json))
