"""Histograms of other tools: UHI JSON without our metadata, and ROOT files with one-dimensional histograms."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import NOMINAL, FitError
from rs3l_gnn.conventions.inputs import reading, require_file
from rs3l_gnn.fits.config.reading import ReadingConfig, fields_of
from rs3l_gnn.fits.histograms.cells import Flow, Key, RunHistogram, fold_flow
from rs3l_gnn.fits.histograms.covariances import related
from rs3l_gnn.fits.yields import Yields

__all__ = ["Wanted", "is_root", "plain_document", "read_root"]


@dataclass(frozen=True)
class Wanted:
    """What a ROOT file is searched for; a name alone does not say where a dataset ends and a variation begins.

    Attributes:
        datasets: all that count.
        channels: all that count; any channel where empty.
    """

    datasets: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()


def is_root(path: Path) -> bool:
    """Whether a file is a ROOT file, by its first bytes; a missing file is none.

    Raises:
        InputFileError: it is a folder, pipe or device.
    """
    require_file(path)
    try:
        with path.open("rb") as file:
            return file.read(4) == b"root"
    except OSError:
        return False


def plain_document(document: Any, names: Sequence[str], layout: ReadingConfig) -> dict[str, Any] | None:
    """Put histograms without metadata into the form of our documents.

    Args:
        document: one histogram (its name does not matter where only one is wanted), or histograms by name.
        names: histograms that are wanted.
        layout: what the names of covariances begin with.

    Returns:
        The document, or None where it is nothing of the kind.
    """
    if not isinstance(document, dict) or "format" in document:
        return None
    if "uhi_schema" in document and len(names) == 1:
        return {"complete": True, "histograms": {names[0]: document}}
    if document and all(isinstance(entry, dict) and "uhi_schema" in entry for entry in document.values()):
        beside = {name: document.get(layout.covariance + name) for name in names}
        paired = {name: entry for name, entry in beside.items() if entry is not None}
        return {"complete": True, "histograms": document, "paired": paired}
    return None


def read_root(
    path: Path, names: Sequence[str], *, layout: ReadingConfig, wanted: Wanted, flow: Flow
) -> dict[str, RunHistogram]:
    """Collect one-dimensional histograms by their names.

    Args:
        path: ROOT file.
        names: histograms that are wanted, for ``{histogram}`` in the names.
        layout: how the names are made.
        wanted: datasets and channels that are wanted.
        flow: what becomes of underflow and overflow.

    Raises:
        InputFileError: the file cannot be read.
        FitError: no histogram has a name of that form, or binnings differ.
    """
    import uproot

    from rs3l_gnn.conventions.expansion import bound_baskets

    bound_baskets()
    found: dict[str, dict[Key, Yields]] = {name: {} for name in names}
    covariances: dict[str, dict[Key, NDArray[np.float64]]] = {name: {} for name in names}
    edges: dict[str, NDArray[np.float64]] = {}
    with reading(path, "cannot be read as a ROOT file"), uproot.open(path) as file:
        kinds = file.classnames(cycle=False)
        objects = [key for key, kind in kinds.items() if kind.startswith("TH1")]
        for key in (key for key, kind in kinds.items() if kind.startswith(("TH1", "TH2"))):
            for name in names:
                place = _place(key.removeprefix(layout.covariance), name, layout, wanted)
                if place is not None and key.startswith(layout.covariance):
                    covariances[name][place] = _folded(file[key], flow)
                    continue
                if place is None or key not in objects:
                    continue
                if place in found[name]:
                    raise FitError(
                        f"{path}, {key}: another histogram is read as the same",
                        got=", ".join(place),
                        hint="let reading.root and reading.nominal tell all of them apart",
                    )
                cell, own = _cell(file[key], f"{path}, {key}", flow)
                if not np.array_equal(edges.setdefault(name, own), own):
                    raise FitError(
                        f"{path}, {key}: another binning than the other histograms",
                        got=f"{len(own) - 1} bins",
                        allowed=f"{len(edges[name]) - 1} bins as in the first",
                    )
                found[name][place] = cell
    for name, cells in found.items():
        if not cells:
            raise FitError(
                f"{path} has no histograms named like {layout.root!r} for {name!r}",
                got=", ".join(objects[:8]) or "no one-dimensional histograms",
                allowed=f"datasets {', '.join(sorted(wanted.datasets))}",
                hint="set reading.root",
            )
    cuts = {
        name: RunHistogram(
            name,
            edges[name],
            tuple(dict.fromkeys(channel for _, channel, _ in cells)),
            tuple(dict.fromkeys(variation for _, _, variation in cells)),
            cells,
        )
        for name, cells in found.items()
    }
    return {name: related(cut, covariances[name], {}, str(path)) for name, cut in cuts.items()}


def _place(key: str, name: str, layout: ReadingConfig, wanted: Wanted) -> Key | None:
    """Dataset, channel and variation of an object, None where its name is of another form."""
    for pattern, nominal in ((layout.root_nominal, True), (layout.root, False)):
        if pattern is None:
            continue
        match = _expression(pattern, name, wanted).fullmatch(key)
        if match is None:
            continue
        fields = match.groupdict()
        variation = layout.nominal if nominal else fields.get("variation", layout.nominal)
        named = NOMINAL.name if variation == layout.nominal else variation
        return fields["dataset"], fields.get("channel", layout.channel), named
    return None


def _expression(pattern: str, name: str, wanted: Wanted) -> re.Pattern[str]:
    parts = {
        "histogram": re.escape(name),
        "dataset": f"(?P<dataset>{_any_of(wanted.datasets)})",
        "channel": f"(?P<channel>{_any_of(wanted.channels)})",
        "variation": "(?P<variation>[^/]+)",
    }
    text = re.escape(pattern)
    for field in fields_of(pattern):
        text = text.replace(re.escape(f"{{{field}}}"), parts[field], 1)
    return re.compile(text)


def _any_of(names: Collection[str]) -> str:
    # Longest first: a name may begin with another.
    return "|".join(map(re.escape, sorted(names, key=len, reverse=True))) or "[^/]+?"


def _cell(histogram: Any, where: str, flow: Flow) -> tuple[Yields, NDArray[np.float64]]:
    values = np.asarray(histogram.values(flow=True), dtype=np.float64)
    # Without stored squares ROOT means counts; weighted contents would get the wrong errors.
    counted = len(histogram.member("fSumw2")) or np.array_equal(values, np.round(values))
    if flow == "error" and (values[0] or values[-1]):
        raise FitError(f"{where} has entries outside its axis", hint="widen its axis")
    variances = np.asarray(histogram.variances(flow=True), dtype=np.float64)
    return (
        Yields(
            fold_flow(values, (0,), (True, True), flow),
            fold_flow(variances, (0,), (True, True), flow) if counted else None,
        ),
        np.asarray(histogram.axis().edges(), dtype=np.float64),
    )


def _folded(histogram: Any, flow: Flow) -> NDArray[np.float64]:
    values = np.asarray(histogram.values(flow=True), dtype=np.float64)
    return fold_flow(values, tuple(range(values.ndim)), (True, True), flow)
