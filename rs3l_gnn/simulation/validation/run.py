"""``rs3l plot``: all figures and tables of a simulation."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from rs3l_gnn.conventions import InputFileError, PlotStyle, atomic_directory, refuse_existing
from rs3l_gnn.conventions.locks import hold
from rs3l_gnn.conventions.plotting import Figures, draw_into
from rs3l_gnn.conventions.wording import plus_minus, readable_variation, sigmas
from rs3l_gnn.simulation.validation.comparison import MeanShift, mean_shift
from rs3l_gnn.simulation.validation.figures import draw_balance, draw_shapes, draw_shifts, draw_weights
from rs3l_gnn.simulation.validation.jets import VARIABLES, AnchorJets, read_anchor_jets
from rs3l_gnn.simulation.validation.tables import write_csv, write_tex

__all__ = ["PlotReport", "plot_simulation"]

_LINES = 4  # variations in one figure
_HEADER = ("sample", "variation", "variable", "events", "nominal", "shift", "error", "significance")

# Weights of the nominal view and the variations that shower with the same scales; factors stand at the scale itself.
_SAME_SCALES = {
    "fsr:muRfac=2.0": "fsrDefUp",
    "fsr:muRfac=0.5": "fsrDefDown",
    "isr:muRfac=2.0": "isrDefUp",
    "isr:muRfac=0.5": "isrDefDown",
}


@dataclass(frozen=True)
class PlotReport:
    """What was drawn.

    Attributes:
        folder: where it lies.
        figures, tables: names of the files.
        shifts: changes of the means, by sample, variation and variable.
    """

    folder: Path
    figures: tuple[str, ...]
    tables: tuple[str, ...]
    shifts: dict[tuple[str, str, str], MeanShift]


def plot_simulation(
    output: Path | str,
    folder: Path | str,
    *,
    style: PlotStyle = PlotStyle(),  # noqa: B008  # frozen
    force: bool = False,
) -> PlotReport:
    """Draw every variable by variation, means, pT of views, and shower weights beside showers; write the tables.

    Args:
        output: output directory of a simulation, or one of its samples; samples without a nominal view are left out.
        folder: is made.
        style: what stands above the figures.
        force: replace the folder.

    Raises:
        InputFileError: ``output`` holds no finished sample with a nominal view.
        OutputError: the folder exists and ``force`` is False, or it cannot be written.
    """
    output, folder = Path(output), Path(folder)
    refuse_existing(folder, force=force)
    samples = _samples(output)
    shifts = {
        (sample, name, variable.name): mean_shift(views["nominal"], views[name], variable.name)
        for sample, views in samples.items()
        for name in _others(views)
        for variable in VARIABLES
    }
    with hold(folder), atomic_directory(folder, force=force) as partial:
        with draw_into(partial, style) as figures:
            for sample, views in samples.items():
                _draw_sample(figures, sample, views)
            if shifts:
                for variable in VARIABLES:
                    figures.save(draw_shifts(samples, variable), f"means_{variable.name}")
        tables = _write_tables(partial, shifts)
    return PlotReport(folder, tuple(figures.files), tables, shifts)


def _samples(output: Path) -> dict[str, dict[str, AnchorJets]]:
    summaries = sorted([*output.glob("simulation.json"), *output.glob("*/simulation.json")])
    found = {path.parent: json.loads(path.read_text(encoding="utf-8")) for path in summaries}
    samples = {
        path.resolve().name: {one["name"]: read_anchor_jets(path, one["name"]) for one in summary["variations"]}
        for path, summary in found.items()
        if "nominal" in summary["matched"]
    }
    if not samples:
        raise InputFileError(
            f"{output} holds no finished simulation with a nominal view",
            hint="give the output of rs3l simulate, or one of its samples",
        )
    return samples


def _draw_sample(figures: Figures, sample: str, views: Mapping[str, AnchorJets]) -> None:
    for variable in VARIABLES:
        for number, names in enumerate(_groups(views)):
            suffix = f"_{number + 1}" if number else ""
            figures.save(draw_shapes(views, names, variable, sample), f"{sample}_{variable.name}{suffix}")
    for number, names in enumerate(_groups(views)):
        figures.save(draw_balance(views, names, sample), f"{sample}_balance" + (f"_{number + 1}" if number else ""))
    weights = views["nominal"].shower_weights
    pairs = {weight: name for weight, name in _SAME_SCALES.items() if weight in weights and name in views}
    for variable in VARIABLES if pairs else ():
        figures.save(draw_weights(views, pairs, variable, sample), f"{sample}_{variable.name}_weights")


def _groups(views: Mapping[str, AnchorJets]) -> Iterator[tuple[str, ...]]:
    """Variations for one figure each; a figure without any for a simulation that has none."""
    names = _others(views)
    for first in range(0, max(len(names), 1), _LINES):
        yield tuple(names[first : first + _LINES])


def _others(views: Mapping[str, AnchorJets]) -> list[str]:
    return [name for name in views if name != "nominal"]


def _write_tables(folder: Path, shifts: Mapping[tuple[str, str, str], MeanShift]) -> tuple[str, ...]:
    if not shifts:
        return ()
    rows = [
        (*key, one.events, one.nominal, one.shift, one.error, "" if one.significance is None else one.significance)
        for key, one in shifts.items()
    ]
    write_csv(folder / "means.csv", _HEADER, rows)
    labels = {variable.name: variable for variable in VARIABLES}
    texts = [
        (
            sample,
            readable_variation(name),
            variable.replace("_", " ") + (f" [{labels[variable].unit}]" if labels[variable].unit else ""),
            str(one.events),
            f"{one.nominal:.3g}",
            plus_minus(one.shift, one.error),
            sigmas(one.significance),
        )
        for (sample, name, variable), one in shifts.items()
    ]
    header = ("sample", "variation", "mean of", "events", "nominal", "change", "significance")
    write_tex(folder / "means.tex", header, texts, numbers=4)
    return ("means.csv", "means.tex")
