"""``rs3l benchmark``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from rs3l_gnn.cli.app import verb
from rs3l_gnn.cli.options import Force
from rs3l_gnn.conventions import ConfigError, refuse_existing, write_json

__all__ = ["benchmark"]


def _encoder() -> dict[str, Any]:
    from rs3l_gnn.benchmarks.encoder import run_encoder_benchmark

    return run_encoder_benchmark()


def _simulation() -> dict[str, Any]:
    from rs3l_gnn.benchmarks.simulation import benchmark_simulation

    return benchmark_simulation()


def _pairing() -> dict[str, Any]:
    from rs3l_gnn.benchmarks.pairing import benchmark_pairing

    return benchmark_pairing()


def _training() -> dict[str, Any]:
    from rs3l_gnn.benchmarks.training import run_training_benchmark

    return run_training_benchmark()


def _analysis() -> dict[str, Any]:
    from rs3l_gnn.benchmarks.analysis import run_analysis_benchmark

    return run_analysis_benchmark()


def _fits() -> dict[str, Any]:
    from rs3l_gnn.benchmarks.fits import measure_writers

    return measure_writers()


def _damaged() -> dict[str, Any]:
    from rs3l_gnn.benchmarks.reliability.counts import count_damaged

    return count_damaged()


def _faults() -> dict[str, Any]:
    from rs3l_gnn.benchmarks.reliability.counts import count_faults

    return count_faults()


def _load() -> dict[str, Any]:
    from rs3l_gnn.benchmarks.reliability.load import measure_loads

    return measure_loads()


def _install() -> dict[str, Any]:
    from rs3l_gnn.benchmarks.install import measure_install

    return measure_install()


def _start() -> dict[str, Any]:
    from rs3l_gnn.benchmarks.start import measure_start

    return measure_start()


_BENCHMARKS: dict[str, Callable[[], dict[str, Any]]] = {
    "encoder": _encoder,
    "simulation": _simulation,
    "training": _training,
    "pairing": _pairing,
    "analysis": _analysis,
    "fits": _fits,
    "damaged": _damaged,
    "faults": _faults,
    "load": _load,
    "install": _install,
    "start": _start,
}


@verb()
def benchmark(
    name: Annotated[str, typer.Argument(metavar="NAME", help=f"What to measure: {', '.join(_BENCHMARKS)}.")],
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the numbers to this file.")] = None,
    force: Force = False,
) -> None:
    """Measure speed against a named reference in the same run, or count what wrong files, faults and loads do."""
    if name not in _BENCHMARKS:
        raise ConfigError(f"unknown benchmark {name!r}", allowed=list(_BENCHMARKS))
    if json_file is not None:
        refuse_existing(json_file, force=force)
    numbers = _BENCHMARKS[name]()
    if json_file is not None:
        write_json(json_file, numbers, force=force)
    typer.echo(json.dumps(numbers, indent=2))
