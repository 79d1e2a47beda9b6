"""``rs3l benchmark``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from rs3l_gnn.cli.app import verb
from rs3l_gnn.cli.options import Force
from rs3l_gnn.conventions import ConfigError, refuse_existing, write_json
from rs3l_gnn.conventions.inputs import read_json

__all__ = ["benchmark"]


def _encoder() -> dict[str, Any]:
    from rs3l_gnn.benchmarks.encoder import run_encoder_benchmark

    return run_encoder_benchmark()


def _peers() -> dict[str, Any]:
    from rs3l_gnn.benchmarks.peers import run_peers_benchmark

    return run_peers_benchmark()


def _kernels() -> dict[str, Any]:
    from rs3l_gnn.benchmarks.kernels import benchmark_kernels

    return benchmark_kernels()


def _simulation() -> dict[str, Any]:
    from rs3l_gnn.benchmarks.simulation import benchmark_simulation

    return benchmark_simulation()


def _pairing() -> dict[str, Any]:
    from rs3l_gnn.benchmarks.pairing import benchmark_pairing

    return benchmark_pairing()


def _labels() -> dict[str, Any]:
    from rs3l_gnn.benchmarks.history_labels import measure_history_labels

    return measure_history_labels()


def _training() -> dict[str, Any]:
    from rs3l_gnn.benchmarks.training import run_training_benchmark

    return run_training_benchmark()


def _analysis() -> dict[str, Any]:
    from rs3l_gnn.benchmarks.analysis import run_analysis_benchmark

    return run_analysis_benchmark()


def _fits() -> dict[str, Any]:
    from rs3l_gnn.benchmarks.fits import measure_writers

    return measure_writers()


def _damaged(only: tuple[str, ...], tries: int | None) -> dict[str, Any]:
    from rs3l_gnn.benchmarks.reliability.counts import count_damaged
    from rs3l_gnn.benchmarks.reliability.kinds import KINDS

    return count_damaged(2_000 if tries is None else tries, only=_known(only, KINDS))


def _faults(only: tuple[str, ...], tries: int | None) -> dict[str, Any]:
    from rs3l_gnn.benchmarks.reliability.counts import count_faults
    from rs3l_gnn.benchmarks.reliability.jobs import VERBS

    return count_faults(_known(only, VERBS), tries=tries or 1)


def _load(only: tuple[str, ...], tries: int | None) -> dict[str, Any]:
    from rs3l_gnn.benchmarks.reliability.load import LOADS, measure_loads

    _without(tries, "load")
    return measure_loads(_known(only, LOADS))


def _precision(only: tuple[str, ...], tries: int | None) -> dict[str, Any]:
    from rs3l_gnn.benchmarks.precision import benchmark_precision
    from rs3l_gnn.inference import shipped_networks

    _without(tries, "precision")
    taggers = [network.name for network in shipped_networks() if network.kind == "tagger"]
    return benchmark_precision(_known(only, taggers))


def _all(only: tuple[str, ...], tries: int | None) -> dict[str, Any]:
    from rs3l_gnn.benchmarks.rates import RATES, measure_all

    _without(tries, "all")
    return measure_all({name: _BENCHMARKS[name] for name in _known(only, RATES)})


def _without(tries: int | None, name: str) -> None:
    if tries is not None:
        raise ConfigError(f"benchmark {name}: no tries", hint="damaged and faults have them")


def _table(name: str, numbers: dict[str, Any]) -> str:
    if name == "all":
        from rs3l_gnn.benchmarks.rates import table as rates

        return rates(numbers)
    if name == "precision":
        from rs3l_gnn.benchmarks.precision import table as precision

        return precision(numbers)
    from rs3l_gnn.benchmarks.reliability.tables import table as counts

    return counts(name, numbers)


def _read(files: Iterable[Path]) -> dict[str, Any]:
    from rs3l_gnn.benchmarks.page import joined

    return joined(read_json(file) for file in files)


def _known(only: tuple[str, ...], names: Iterable[str]) -> tuple[str, ...]:
    """The names that were chosen, all without a choice."""
    unknown = sorted(set(only) - set(names))
    if unknown:
        raise ConfigError(f"--only: unknown {', '.join(unknown)}", allowed=list(names))
    return only or tuple(names)


def _install() -> dict[str, Any]:
    from rs3l_gnn.benchmarks.install import measure_install

    return measure_install()


def _start() -> dict[str, Any]:
    from rs3l_gnn.benchmarks.start import measure_start

    return measure_start()


_BENCHMARKS: dict[str, Callable[[], dict[str, Any]]] = {
    "encoder": _encoder,
    "kernels": _kernels,
    "peers": _peers,
    "simulation": _simulation,
    "training": _training,
    "pairing": _pairing,
    "labels": _labels,
    "analysis": _analysis,
    "fits": _fits,
    "install": _install,
    "start": _start,
}
_PARTS: dict[str, Callable[[tuple[str, ...], int | None], dict[str, Any]]] = {
    "all": _all,
    "damaged": _damaged,
    "faults": _faults,
    "load": _load,
    "precision": _precision,
}
"""Those with parts, whose tables stand in ``docs/performance.md``, ``docs/reliability.md`` and ``docs/encoder.md``."""
_NAMES = (*_BENCHMARKS, *_PARTS)


@verb()
def benchmark(
    name: Annotated[str, typer.Argument(metavar="NAME", help=f"What to measure: {', '.join(_NAMES)}.")],
    *,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only", help="A speed, kind of file, verb, load or network; of all, damaged, faults, load and precision."
        ),
    ] = None,
    tries: Annotated[
        int | None, typer.Option("--tries", min=1, help="Damaged files in all, or moments of each fault of each verb.")
    ] = None,
    page: Annotated[
        Path | None,
        typer.Option("--page", help="Put the table of those that have parts into this page, between its marks."),
    ] = None,
    read: Annotated[
        list[Path] | None,
        typer.Option("--read", help="Take the numbers of earlier runs (--json) instead; may be given for each part."),
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the numbers to this file.")] = None,
    force: Force = False,
) -> None:
    """Measure speed against a named reference in the same run, or count what wrong files, faults and loads do."""
    if name not in _NAMES:
        raise ConfigError(f"unknown benchmark {name!r}", allowed=list(_NAMES))
    if name not in _PARTS and (only or tries or page or read):
        raise ConfigError(f"benchmark {name}: no parts, tries or table", hint=f"these have them: {', '.join(_PARTS)}")
    if json_file is not None:
        refuse_existing(json_file, force=force)
    if read:
        numbers = _read(read)
    elif name in _PARTS:
        numbers = _PARTS[name](tuple(only or ()), tries)
    else:
        numbers = _BENCHMARKS[name]()
    if json_file is not None:
        write_json(json_file, numbers, force=force)
    if page is not None:
        from rs3l_gnn.benchmarks.page import put_table

        put_table(page, name, _table(name, numbers))
    typer.echo(json.dumps(numbers, indent=2))
