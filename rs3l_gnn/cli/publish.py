"""``rs3l publish``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rs3l_gnn.cli.app import verb
from rs3l_gnn.cli.options import Force, Output

__all__ = ["publish"]


@verb()
def publish(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="Output of a training, a checkpoint, or a shipped network by name.")
    ],
    *,
    repository: Annotated[
        str, typer.Option("--name", metavar="OWNER/NAME", help="Of the network on the hub; the card says it.")
    ],
    metrics: Annotated[
        Path | None, typer.Option("--metrics", metavar="FILE", help="metrics.json of rs3l evaluate, or its folder.")
    ] = None,
    tagger: Annotated[
        str | None, typer.Option("--tagger", metavar="NAME", help="Which of the taggers in it. [the only network]")
    ] = None,
    licence: Annotated[
        Path | None, typer.Option("--licence", metavar="FILE", help="Its text. [BSD, three clauses]")
    ] = None,
    holder: Annotated[
        str, typer.Option("--holder", metavar="NAMES", help="Of the copyright.")
    ] = "the authors of the network",
    output: Output = Path("hub"),
    force: Force = False,
) -> None:
    """Make a folder for a model hub: weights, card with metadata, configuration, metrics, licence."""
    from rs3l_gnn.workflows.publishing import publish as run

    run(
        model,
        output,
        repository=repository,
        metrics=metrics,
        tagger=tagger,
        licence=licence,
        holder=holder,
        force=force,
    )
    typer.echo(f"wrote {output}; others load it as hf://{repository} once its files are there")
