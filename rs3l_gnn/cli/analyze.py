"""``rs3l analyze``."""

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
    as_overrides,
    print_json,
    run_options,
)
from rs3l_gnn.conventions import load_config

__all__ = ["analyze"]

_TOLD = ("complete", "events", "jets", "jets_per_second", "files", "chunks", "executor", "workers", "remarks")


@verb(config="rs3l_gnn.processors.AnalysisConfig")
def analyze(
    config: ConfigFile = None,
    *,
    executor: Executor = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
    limit_files: Annotated[int | None, typer.Option("--limit-files", help="Files of each data set.")] = None,
    limit_chunks: Annotated[int | None, typer.Option("--limit-chunks", help="Chunks of each data set.")] = None,
    retries: Retries = None,
    checkpoints: Checkpoints = None,
    resume: Resume = False,
    skip_bad_files: SkipBadFiles = False,
    plots: Annotated[bool, typer.Option("--plots", help="Draw every histogram.")] = False,
    overrides: Overrides = None,
    output: Output = Path("analysis"),
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Run the tagging processor over ROOT files and write histograms with systematic variations."""
    from rs3l_gnn import processors

    options = run_options(
        executor=executor,
        workers=workers,
        scheduler=scheduler,
        retries=retries,
        checkpoints=checkpoints,
        resume=resume,
        skip_bad_files=skip_bad_files,
    )
    options += as_overrides({"run.limit_files": limit_files, "run.limit_chunks": limit_chunks, "plots": plots or None})
    chosen = load_config(processors.AnalysisConfig, config, [*options, *(overrides or ())])
    report = processors.analyze(chosen, output, force=force)
    if as_json:
        print_json(output, {key: report[key] for key in _TOLD})
        return
    state = "" if report["complete"] else ", not all there are"
    typer.echo(
        f"{report['jets']} jets of {report['events']} events in {report['files']} files and {report['chunks']} chunks"
        f"{state}; {report['jets_per_second']:.0f} jets/s on {report['workers']} of {report['executor']}"
    )
    typer.echo(f"wrote {output}")
