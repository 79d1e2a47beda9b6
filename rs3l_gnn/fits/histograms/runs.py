"""Read the histograms of one or more runs, with what the runs say about themselves."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from rs3l_gnn.conventions import NOMINAL, FitError, InputFileError
from rs3l_gnn.conventions.inputs import reading, require_file
from rs3l_gnn.fits.config.reading import ReadingConfig
from rs3l_gnn.fits.histograms.cells import Flow, RunHistogram, cut_histogram
from rs3l_gnn.fits.histograms.covariances import cut_covariances, related
from rs3l_gnn.fits.histograms.document import check_document
from rs3l_gnn.fits.histograms.event_replicas import ReplicaFile
from rs3l_gnn.fits.histograms.plain import Wanted, is_root, plain_document, read_root
from rs3l_gnn.fits.report import Report

__all__ = ["Run", "RunHistogram", "read_runs"]


@dataclass(frozen=True)
class Run:
    """Histograms and metadata of all inputs.

    ``paired`` if the covariance of every variation with nominal is known. ``replica_files`` holds the replicas that lie
    beside the inputs; it is empty unless every input has some.
    """

    histograms: dict[str, RunHistogram]
    datasets: dict[str, dict[str, Any]]
    variations: dict[str, dict[str, Any]]
    models: dict[str, tuple[str, ...]]
    incomplete: tuple[str, ...] = ()
    paired: bool = False
    report: Report = field(default_factory=Report)
    replica_files: tuple[ReplicaFile, ...] = ()


def read_runs(
    paths: Sequence[Path | str],
    names: Sequence[str],
    *,
    flow: Flow = "move",
    layout: ReadingConfig | None = None,
    wanted: Wanted | None = None,
) -> Run:
    """Read the named histograms from every input and join their datasets.

    Args:
        paths: ``histograms.json`` of ``rs3l analyze``; JSON files with one histogram in the UHI format or several by
            name; ROOT files with one-dimensional histograms.
        names: histograms that are needed.
        flow: what becomes of underflow and overflow of the variable.
        layout: names of axes and objects in files of other tools.
        wanted: datasets and channels that ROOT files are searched for.

    Raises:
        InputFileError: a file is missing, not JSON, or not of a known format.
        FitError: a histogram is missing, two inputs differ in binning or share a dataset, or entries were filled
            outside the named categories.
    """
    layout = layout or ReadingConfig()
    report = Report()
    parts: dict[str, list[RunHistogram]] = {name: [] for name in names}
    documents = []
    for path in map(Path, paths):
        if is_root(path):
            for name, cut in read_root(path, names, layout=layout, wanted=wanted or Wanted(), flow=flow).items():
                parts[name].append(cut)
            report.add("plain_input", "kept", str(path), "a ROOT file does not tell whether it is complete")
            continue
        document = _read(path, names, report, layout)
        documents.append((path, document))
        for name in names:
            parts[name].append(_cut(document, name, path, flow=flow, layout=layout, report=report))
    models: dict[str, set[str]] = {}
    about: dict[str, dict[str, Any]] = {}
    variations: dict[str, dict[str, Any]] = {}
    for _, document in documents:
        about.update(document.get("datasets", {}))
        variations.update(document.get("variations", {}))
        for tagger, digests in document.get("models", {}).items():
            models.setdefault(tagger, set()).update(digests)
    histograms = {name: _join(cuts, [Path(path) for path in paths]) for name, cuts in parts.items()}
    relations = {
        cell.relation
        for histogram in histograms.values()
        for (_, _, variation), cell in histogram.cells.items()
        if variation != NOMINAL.name
    }
    replica_files = [ReplicaFile.of(document.get("replicas"), path) for path, document in documents]
    known = [file for file in replica_files if file is not None]
    return Run(
        histograms=histograms,
        datasets=about,
        variations=variations,
        models={tagger: tuple(sorted(digests)) for tagger, digests in models.items()},
        incomplete=tuple(str(path) for path, document in documents if not document.get("complete", False)),
        paired=relations == {"known"},
        report=report,
        replica_files=tuple(known) if len(known) == len(paths) else (),
    )


def _read(path: Path, names: Sequence[str], report: Report, layout: ReadingConfig) -> dict[str, Any]:
    from uhi.io.json import object_hook

    require_file(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputFileError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputFileError(f"{path} is not JSON: {error}", hint="run `rs3l analyze` again") from error
    # The hook makes arrays of lists, which may be ragged.
    with reading(path, "is not JSON", hint="run `rs3l analyze` again"):
        document = json.loads(text, object_hook=object_hook)
    plain = plain_document(document, names, layout)
    if plain is not None:
        report.add("plain_input", "kept", str(path), "plain histograms do not tell whether they are complete")
        return plain
    if not isinstance(document, dict) or document.get("format") != "rs3l-histograms":
        raise InputFileError(
            f"{path} does not hold histograms of this package", allowed="format rs3l-histograms, or UHI histograms"
        )
    if document.get("version") != 1:
        raise InputFileError(f"{path} has an unknown version", got=document.get("version"), allowed="1")
    check_document(document, path)
    return document


def _cut(
    document: dict[str, Any], name: str, path: Path, *, flow: Flow, layout: ReadingConfig, report: Report
) -> RunHistogram:
    found = document.get("histograms", {})
    if name not in found:
        raise FitError(f"{path} has no histogram {name!r}", allowed=list(found))
    cut = cut_histogram(found[name], name, str(path), layout=layout, flow=flow, report=report)
    stored = document.get("paired", {}).get(name)
    covariances = {} if stored is None else cut_covariances(stored, cut, str(path), layout=layout, flow=flow)
    return related(cut, covariances, document.get("variations", {}), str(path))


def _join(parts: Sequence[RunHistogram], paths: Sequence[Path]) -> RunHistogram:
    first = parts[0]
    cells = dict(first.cells)
    for part, path in zip(parts[1:], paths[1:], strict=True):
        if part.edges.shape != first.edges.shape or not np.allclose(part.edges, first.edges, rtol=0, atol=1e-9):
            raise FitError(
                f"histogram {first.name!r} has different binnings in {paths[0]} and {path}",
                got=f"{len(first.edges) - 1} and {len(part.edges) - 1} bins",
                hint="make both runs with the same configuration",
            )
        shared = sorted({key[0] for key in cells} & {key[0] for key in part.cells})
        if shared:
            raise FitError(
                f"datasets appear in two inputs and would count twice: {', '.join(shared)}",
                hint=f"remove them from {path} or from the other input; runs of several years go under years",
            )
        cells.update(part.cells)
    return RunHistogram(
        first.name,
        first.edges,
        tuple(dict.fromkeys(channel for part in parts for channel in part.channels)),
        tuple(dict.fromkeys(variation for part in parts for variation in part.variations)),
        cells,
    )
