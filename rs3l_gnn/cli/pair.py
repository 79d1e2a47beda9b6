"""``rs3l pair``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rs3l_gnn.cli.app import verb
from rs3l_gnn.cli.options import (
    AsJson,
    Checkpoints,
    ConfigFile,
    Executor,
    Force,
    Output,
    Overrides,
    Resume,
    Retries,
    Scheduler,
    SkipBadFiles,
    Workers,
    print_json,
    run_options,
)
from rs3l_gnn.conventions import load_config

__all__ = ["pair"]


@verb(config="rs3l_gnn.data.PairConfig")
def pair(
    config: ConfigFile = None,
    *,
    inputs: Annotated[
        list[Path] | None, typer.Option("--input", "-i", help="Output of rs3l simulate; may be repeated.")
    ] = None,
    executor: Executor = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
    retries: Retries = None,
    checkpoints: Checkpoints = None,
    resume: Resume = False,
    skip_bad_files: SkipBadFiles = False,
    overrides: Overrides = None,
    output: Output = Path("views.h5"),
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Bring the views of each hard event together in one ragged HDF5 file for training."""
    from rs3l_gnn.data import PairConfig
    from rs3l_gnn.data import pair as run

    options = [f"directories=[{', '.join(map(str, inputs))}]"] if inputs else []
    options += run_options(
        executor=executor,
        workers=workers,
        scheduler=scheduler,
        retries=retries,
        checkpoints=checkpoints,
        resume=resume,
        skip_bad_files=skip_bad_files,
    )
    report = run(load_config(PairConfig, config, [*options, *(overrides or ())]), output, force=force)
    if as_json:
        print_json(output, report.document())
        return
    for name, result in report.samples.items():
        kinds = ", ".join(f"{count} {label}" for label, count in result.labels.items())
        typer.echo(
            f"{name}: {result.matched} of {result.hard_events} hard events matched "
            f"(efficiency {result.match_efficiency:.3f}, in every view {result.complete_efficiency:.3f})"
            + (f": {kinds}" if kinds else "")
        )
    if report.skipped_files:
        typer.echo(f"left out {len(report.skipped_files)} files that cannot be read, see the report")
    typer.echo(f"wrote {output}")
