"""Options that several verbs share, written once."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = [
    "AsJson",
    "Checkpoints",
    "ConfigFile",
    "Executor",
    "FindRate",
    "Force",
    "Output",
    "Overrides",
    "Resume",
    "Retries",
    "Scheduler",
    "SkipBadFiles",
    "Workers",
    "as_overrides",
    "print_json",
    "run_options",
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


def print_json(output: Path | None, document: Mapping[str, Any]) -> None:
    """The end of a verb for machines: where its output is, if it wrote one, and the result; paths as text."""
    where = {} if output is None else {"output": str(output)}
    typer.echo(json.dumps({**where, **document}, indent=2, allow_nan=False, default=os.fspath))


FindRate = Annotated[
    bool, typer.Option("--find-rate", help="Train 100 steps at rising learning rates, show the losses, write nothing.")
]


def as_overrides(options: Mapping[str, Any]) -> list[str]:
    """``key=value`` for every option that was given; one that was not is None."""
    return [f"{key}={value}" for key, value in options.items() if value is not None]


Executor = Annotated[str | None, typer.Option("--executor", help="iterative, futures or dask.")]
Workers = Annotated[int | None, typer.Option("--workers", "-w", help="Processes, for futures and dask.")]
Scheduler = Annotated[
    str | None, typer.Option("--scheduler", help="Address of a Dask scheduler, such as tcp://host:8786.")
]
Retries = Annotated[int | None, typer.Option("--retries", help="Further tries of a chunk that fails.")]
Checkpoints = Annotated[
    Path | None, typer.Option("--checkpoints", help="Keep finished chunks in this folder for --resume.")
]
Resume = Annotated[bool, typer.Option("--resume", help="Use the finished chunks of an earlier run.")]
SkipBadFiles = Annotated[bool, typer.Option("--skip-bad-files", help="Leave unreadable files out and report them.")]


def run_options(
    *,
    executor: str | None,
    workers: int | None,
    scheduler: str | None,
    retries: int | None,
    checkpoints: Path | None,
    resume: bool,
    skip_bad_files: bool,
) -> list[str]:
    """Overrides of the section ``run`` of a verb with chunks."""
    return as_overrides(
        {
            "run.executor": "dask" if scheduler is not None and executor is None else executor,
            "run.workers": workers,
            "run.scheduler": scheduler,
            "run.retries": retries,
            "run.checkpoints": checkpoints,
            "run.resume": resume or None,
            "run.skip_bad_files": skip_bad_files or None,
        }
    )
