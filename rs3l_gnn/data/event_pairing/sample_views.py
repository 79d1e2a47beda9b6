"""Data sets of filesets as samples with their views."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rs3l_gnn.conventions import (
    NOMINAL,
    ConfigError,
    InputFileError,
    InvalidDataError,
    Progress,
    Variation,
    progress,
)
from rs3l_gnn.conventions.variation import refuse_collisions
from rs3l_gnn.data.dataset_variation import variation_of, with_record
from rs3l_gnn.data.event_pairing.config import EventPairConfig
from rs3l_gnn.data.event_pairing.event_files import EventFile
from rs3l_gnn.data.event_pairing.open_trees import OpenTrees
from rs3l_gnn.data.event_pairing.view_index import ViewFiles
from rs3l_gnn.data.event_tables import LAYOUT_KEY
from rs3l_gnn.data.fileset import is_simulation, matches_any, nominal_of, parse_dataset, read_document, sample_name

__all__ = ["SampleViews", "find_samples"]

_log = logging.getLogger("rs3l_gnn")


@dataclass(frozen=True)
class SampleViews:
    """A nominal data set and those that simulate its events again.

    Attributes:
        name: of the sample, which the split depends on.
        views: nominal first.
    """

    name: str
    views: tuple[ViewFiles, ...]

    @property
    def nominal(self) -> ViewFiles:
        """The nominal view."""
        return self.views[0]


def find_samples(
    config: EventPairConfig,
    keep: tuple[str, ...] | None = None,
    trees: OpenTrees | None = None,
    skipped: dict[str, str] | None = None,
) -> list[SampleViews]:
    """Read the filesets, open every file once, and find out what is a view of what.

    Args:
        config: settings.
        keep: variations beside nominal; all if None.
        trees: files that stay open; none does if not given.
        skipped: gets files that cannot be opened, and why; None to refuse them.

    Raises:
        InputFileError: a fileset or file is missing, damaged or without candidates, or nothing has another view.
        ConfigError: metadata that do not fit together.
        UnknownVariationError: a variation in ``keep`` that no data set has, or two with one number.
    """
    raw: dict[str, tuple[dict[str, str], dict[str, Any]]] = {}
    left_out: set[str] = set()
    for path in config.filesets:
        for name, entry in read_document(path).items():
            if config.datasets is not None and not matches_any(name, config.datasets):
                left_out.add(name)
                continue
            if name in raw:
                raise ConfigError(f"data set {name!r} is in {path} and in another fileset")
            raw[name] = parse_dataset(name, path, entry)
    if not raw:
        raise ConfigError("no data set is left", got=", ".join(config.datasets or ()), allowed=sorted(left_out))
    metadata = {name: with_record(name, meta, files) for name, (files, meta) in raw.items()}
    parents = {name: nominal_of(name, meta, metadata, left_out) for name, meta in metadata.items()}
    variations = {name: _checked_variation(name, meta, parents[name]) for name, meta in metadata.items()}
    refuse_collisions(dict.fromkeys(variations.values()))
    present = {variation.name for variation in variations.values()}
    if unknown := [name for name in keep or () if name not in present]:
        raise ConfigError(f"no data set has the variation {unknown[0]!r}", allowed=present)
    wanted = [name for name in raw if parents[name] is None or keep is None or variations[name].name in keep]
    with progress("look at files", sum(len(raw[name][0]) for name in wanted), "files") as bar:
        views = {}
        for name in wanted:
            layout = config.layout or metadata[name].get(LAYOUT_KEY)
            files = tuple(_look(raw[name][0], layout, trees, skipped, bar))
            if skipped and not files:
                raise InputFileError(f"none of the files of {name!r} can be used", got=[*skipped.values()][-1])
            views[name] = ViewFiles(name, variations[name], files, metadata[name])
    samples = [
        SampleViews(
            sample_name(top, metadata[top]),
            (views[top], *_sorted(views[name] for name in wanted if parents[name] == top)),
        )
        for top in wanted
        if parents[top] is None
    ]
    paired = [sample for sample in samples if len(sample.views) > 1]
    for sample in samples:
        if len(sample.views) == 1:
            _log.info("no data set is a view of %r, which is left out", sample.nominal.dataset)
    if not paired:
        raise InputFileError(
            "no data set is a view of another one",
            got=", ".join(raw),
            hint="give the metadata of re-simulated data sets resimulated_of and variation",
        )
    return paired


def _look(
    files: Mapping[str, str],
    layout: str | Mapping[str, Any] | None,
    trees: OpenTrees | None,
    skipped: dict[str, str] | None,
    bar: Progress,
) -> Iterator[EventFile]:
    for path, tree in files.items():
        try:
            yield EventFile.look(path, tree, layout, trees)
        except InputFileError as error:
            if skipped is None:
                raise
            _log.warning("skipped: %s", error)
            skipped[path] = str(error)
        bar.advance()


def _checked_variation(name: str, metadata: Mapping[str, Any], parent: str | None) -> Variation:
    variation = variation_of(name, metadata)
    if not is_simulation(metadata):
        raise ConfigError(f"data set {name!r} says isMC: false; recorded data have no other views")
    if parent is not None and variation == NOMINAL:
        raise ConfigError(f"data set {name!r} re-simulates {parent!r} and does not say its variation")
    if parent is None and variation != NOMINAL:
        raise ConfigError(
            f"data set {name!r} is a variation ({variation.name}) of nothing",
            hint="name the nominal data set in its metadata as resimulated_of",
        )
    return variation


def _sorted(views: Iterable[ViewFiles]) -> tuple[ViewFiles, ...]:
    found: dict[int, ViewFiles] = {}
    for view in views:
        other = found.setdefault(view.variation.vartype, view)
        if other is not view:
            raise InvalidDataError(
                f"data sets {other.dataset!r} and {view.dataset!r} are the same view ({view.variation.name})",
                hint="make one data set of both, or name variations of their own",
            )
    return tuple(found[number] for number in sorted(found))
