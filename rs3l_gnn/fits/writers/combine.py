"""Templates as a datacard for CMS Combine, beside the ROOT file with its shapes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rs3l_gnn.conventions import atomic_file
from rs3l_gnn.fits.templates.model import ChannelTemplates, SampleTemplates, Templates

__all__ = ["combine_card", "write_card"]

_Column = tuple[ChannelTemplates, SampleTemplates]


def combine_card(templates: Templates, *, shapes: str = "shapes.root") -> str:
    """Write the model as a datacard.

    A nuisance that changes a shape anywhere is a ``shape`` line; one that only changes rates is ``lnN`` with the
    factors down/up, asymmetric where they are. Free normalisations are ``rateParam``, statistical errors of the
    simulation ``autoMCStats``. Groups are written for every nuisance.

    Args:
        templates: the model.
        shapes: path of the ROOT file as Combine will open it.
    """
    columns: list[_Column] = []
    for channel in templates.channels:
        ordered = sorted(channel.samples, key=lambda sample: templates.sample_names.index(sample.name))
        columns += [(channel, sample) for sample in ordered]
    numbers = _process_numbers(templates)
    lines = [
        f"imax {len(templates.channels)}  number of channels",
        f"jmax {len(templates.sample_names) - 1}  number of processes minus one",
        "kmax *  number of nuisances",
        "-" * 80,
        f"shapes * * {shapes} $CHANNEL/$PROCESS $CHANNEL/$PROCESS_$SYSTEMATIC",
        "-" * 80,
    ]
    lines += _table(
        [
            ["bin", *(channel.name for channel in templates.channels)],
            ["observation", *(_number(channel.data.sum()) for channel in templates.channels)],
        ]
    )
    lines.append("-" * 80)
    rows = [
        ["bin", "", *(channel.name for channel, _ in columns)],
        ["process", "", *(sample.name for _, sample in columns)],
        ["process", "", *(str(numbers[sample.name]) for _, sample in columns)],
        ["rate", "", *(_number(sample.values.sum()) for _, sample in columns)],
    ]
    rows += _nuisance_rows(templates, columns)
    table = _table(rows)
    lines += [*table[:4], "-" * 80, *table[4:]]
    for rate in templates.free_rates:
        lines.append(f"{rate.name} rateParam * {rate.sample} 1 [{rate.bounds[0]:g},{rate.bounds[1]:g}]")
    lines += [f"{group} group = {' '.join(names)}" for group, names in templates.groups.items()]
    lines += [
        f"{channel.name} autoMCStats {templates.mc_stat_threshold:g}"
        for channel in templates.channels
        if any(sample.mc_stat for sample in channel.samples)
    ]
    return "\n".join(lines) + "\n"


def write_card(path: Path, templates: Templates, *, force: bool = False) -> None:
    """Write the datacard to a file that lies beside ``shapes.root``."""
    text = combine_card(templates)
    with atomic_file(path, force=force) as partial:
        partial.write_text(text, encoding="utf-8")


def _process_numbers(templates: Templates) -> dict[str, int]:
    # Combine takes processes with a number of at most 0 as signal.
    background = [name for name in templates.sample_names if name not in templates.signal]
    numbers = {name: -position for position, name in enumerate(templates.signal)}
    return numbers | {name: position for position, name in enumerate(background, start=1)}


def _nuisance_rows(templates: Templates, columns: Sequence[_Column]) -> list[list[str]]:
    shapes: set[str] = set()
    factors: list[dict[str, tuple[float, float]]] = []
    for _, sample in columns:
        shapes |= {shift.nuisance for shift in sample.shifts if sample.has_shape(shift)}
        acting = {rate.nuisance: (rate.up, rate.down) for rate in sample.rates}
        factors.append(acting | {shift.nuisance: sample.rate(shift) for shift in sample.shifts})
    rows = []
    for nuisance in templates.nuisances:
        write = _shape_entry if nuisance.name in shapes else _rate_entry
        kind = "shape" if nuisance.name in shapes else "lnN"
        rows.append([nuisance.name, kind, *(write(acting.get(nuisance.name)) for acting in factors)])
    return rows


def _shape_entry(factors: tuple[float, float] | None) -> str:
    return "-" if factors is None else "1"


def _rate_entry(factors: tuple[float, float] | None) -> str:
    if factors is None:
        return "-"
    up, down = factors
    # One number means down = 1 / up.
    return _number(up) if abs(down * up - 1) < 1e-12 else f"{_number(down)}/{_number(up)}"


def _number(value: float) -> str:
    return f"{value:.12g}"


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [" ".join(entry.ljust(width) for entry, width in zip(row, widths, strict=True)).rstrip() for row in rows]
