"""``rs3l inspect``."""

from __future__ import annotations

from typing import Annotated

import typer

from rs3l_gnn.cli.app import verb

__all__ = ["inspect"]


@verb()
def inspect(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="A file of ours, LHE, PFNano, ..., or weights by name or address.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of lines.")] = False,
) -> None:
    """Say what a file is and what it holds; of shipped weights, the name will do, and of published ones the address."""
    from rs3l_gnn.workflows.inspection import describe, render

    typer.echo(render(describe(file), as_json=as_json))
