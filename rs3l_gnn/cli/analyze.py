"""``rs3l analyze``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rs3l_gnn.cli.app import verb
from rs3l_gnn.cli.options import AsJson, ConfigFile, Force, Output, Overrides, as_overrides, print_json
from rs3l_gnn.conventions import load_config

__all__ = ["analyze"]

_TOLD = ("complete", "events", "jets", "jets_per_second", "files", "chunks", "executor", "workers", "remarks")


@verb(config="rs3l_gnn.processors.AnalysisConfig")
def analyze(
    config: ConfigFile = None,
    *,
    executor: Annotated[str | None, typer.Option("--executor", help="iterative, futures or dask.")] = None,
    workers: Annotated[int | None, typer.Option("--workers", "-w", help="Processes, for futures and dask.")] = None,
    scheduler: Annotated[
        str | None, typer.Option("--scheduler", help="Address of a Dask scheduler, such as tcp://host:8786.")
    ] = None,
    limit_files: Annotated[int | None, typer.Option("--limit-files", help="Files of each data set.")] = None,
    limit_chunks: Annotated[int | None, typer.Option("--limit-chunks", help="Chunks of each data set.")] = None,
    retries: Annotated[int | None, typer.Option("--retries", help="Further tries of a chunk that fails.")] = None,
    checkpoints: Annotated[
        Path | None, typer.Option("--checkpoints", help="Keep finished chunks in this folder for --resume.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Use the finished chunks of an earlier run.")] = False,
    skip_bad_files: Annotated[
        bool, typer.Option("--skip-bad-files", help="Leave unreadable files out and report them.")
    ] = False,
    plots: Annotated[bool, typer.Option("--plots", help="Draw every histogram.")] = False,
    overrides: Overrides = None,
    output: Output = Path("analysis"),
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Run the tagging processor over ROOT files and write histograms with systematic variations."""
    from rs3l_gnn import processors

    if scheduler is not None and executor is None:
        executor = "dask"
    options = as_overrides(
        {
            "run.executor": executor,
            "run.workers": workers,
            "run.scheduler": scheduler,
            "run.limit_files": limit_files,
            "run.limit_chunks": limit_chunks,
            "run.retries": retries,
            "run.checkpoints": checkpoints,
            "run.resume": resume or None,
            "run.skip_bad_files": skip_bad_files or None,
            "plots": plots or None,
        }
    )
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
