"""``rs3l fetch``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rs3l_gnn.cli.app import verb
from rs3l_gnn.cli.options import ConfigFile, Force, Output, Overrides
from rs3l_gnn.conventions import load_config

__all__ = ["fetch"]


@verb()
def fetch(
    config: ConfigFile = None,
    *,
    files: Annotated[
        list[str] | None, typer.Option("--file", help="Name or pattern of files; may be repeated. [all]")
    ] = None,
    listing: Annotated[bool, typer.Option("--list", "-l", help="Show the files and fetch nothing.")] = False,
    url: Annotated[str | None, typer.Option("--url", help="Address of the archive's interface.")] = None,
    overrides: Overrides = None,
    output: Output = Path("public"),
    force: Force = False,
) -> None:
    """Fetch the public data set (Zenodo 10633815), or another record. Goes on where it stopped, checks every file."""
    from rs3l_gnn.data import FetchConfig, list_record
    from rs3l_gnn.data import fetch as run

    options = [f"files={list(files)}"] if files else []
    options += [f"url={url}"] if url is not None else []
    settings = load_config(FetchConfig, config, [*options, *(overrides or ())])
    if listing:
        for file in list_record(settings):
            typer.echo(f"{file.size / 1e6:10.1f} MB  {file.name}")
        return
    report = run(settings, output, force=force)
    typer.echo(
        f"{len(report.files)} files, {len(report.kept)} of them there before, {report.received / 1e6:.1f} MB received"
    )
    typer.echo(f"wrote {output}")
