"""``rs3l export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rs3l_gnn.cli.app import verb
from rs3l_gnn.cli.options import Force, Output

__all__ = ["export"]


@verb()
def export(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Shipped weights by name, or a checkpoint.")],
    *,
    formats: Annotated[
        list[str] | None, typer.Option("--format", help="onnx, torchscript or torch; may be repeated. [all]")
    ] = None,
    triton: Annotated[
        Path | None,
        typer.Option("--triton", metavar="DIR", help="Write a model of this repository for a Triton server instead."),
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="Of the model in the repository. [that of MODEL]")] = None,
    output: Output = Path("exported"),
    force: Force = False,
) -> None:
    """Write an encoder or tagger for other programs, and compare every file with the model."""
    if triton is not None:
        from rs3l_gnn.models.triton.repository import write_repository

        typer.echo(f"wrote {write_repository(model, triton, name=name, force=force)}")
        return
    from rs3l_gnn.models.export import FORMATS, Format
    from rs3l_gnn.models.export import export as run

    wanted: list[Format] = list(formats or FORMATS)  # type: ignore[arg-type] # export checks the names
    document = run(model, output, formats=wanted, force=force)
    for path, file in document["files"].items():
        typer.echo(f"{path}: {file}")
    typer.echo(f"wrote {output}")
