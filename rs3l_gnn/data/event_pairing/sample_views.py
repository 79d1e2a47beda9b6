"""Data sets of filesets as samples with their views."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rs3l_gnn.conventions import (
    NOMINAL,
    ConfigError,
    InputFileError,
    InvalidDataError,
    Variation,
    progress,
)
from rs3l_gnn.conventions.variation import refuse_collisions
from rs3l_gnn.data.dataset_variation import variation_of, with_record
from rs3l_gnn.data.event_pairing.chunk_run import ChunkRun, Failure, FileWork
from rs3l_gnn.data.event_pairing.config import EventPairConfig
from rs3l_gnn.data.event_pairing.event_files import EventFile
from rs3l_gnn.data.event_pairing.open_trees import OpenTrees
from rs3l_gnn.data.event_pairing.view_index import ViewFiles
from rs3l_gnn.data.event_tables import LAYOUT_KEY
from rs3l_gnn.data.fileset import is_simulation, matches_any, nominal_of, parse_dataset, read_document, sample_name

__all__ = ["DataSets", "Look", "SampleViews", "find_samples"]

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


@dataclass(frozen=True)
class DataSets:
    """What filesets say of their data sets, before a file of theirs is looked at.

    Attributes:
        config: settings.
        files: path -> tree, of each data set.
        metadata: of each data set.
        parents: the data set that each simulates again, None for a nominal one.
        variations: what each holds.
        wanted: those that are paired.
    """

    config: EventPairConfig
    files: Mapping[str, Mapping[str, str]]
    metadata: Mapping[str, Mapping[str, Any]]
    parents: Mapping[str, str | None]
    variations: Mapping[str, Variation]
    wanted: tuple[str, ...]

    @classmethod
    def read(cls, config: EventPairConfig, keep: tuple[str, ...] | None = None) -> DataSets:
        """Read the filesets, and find out what is a view of what.

        Args:
            config: settings.
            keep: variations beside nominal; all if None.

        Raises:
            InputFileError: a fileset is missing or damaged, or nothing has another view.
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
        paired = {parents[name] for name in wanted}
        for name in wanted:
            if parents[name] is None and name not in paired:
                _log.info("no data set is a view of %r, which is left out", name)
        if paired == {None}:
            raise InputFileError(
                "no data set is a view of another one",
                got=", ".join(raw),
                hint="give the metadata of re-simulated data sets resimulated_of and variation",
            )
        used = tuple(name for name in wanted if parents[name] is not None or name in paired)
        return cls(config, {name: files for name, (files, _) in raw.items()}, metadata, parents, variations, used)

    def layout(self, name: str) -> Any:
        """Format of a data set's files, its name, or a map of branches; None if it is found from their branches."""
        return self.config.layout or self.metadata[name].get(LAYOUT_KEY)


def find_samples(
    sets: DataSets, run: ChunkRun, skipped: dict[str, str], trees: OpenTrees | None = None
) -> list[SampleViews]:
    """Open every file once, and put the data sets together.

    Args:
        sets: what the filesets say.
        run: who opens the files, and whether those that cannot be opened are left out.
        skipped: gets files that are left out, and why.
        trees: files that stay open; none does if not given.

    Raises:
        InputFileError: a file is missing, damaged or without candidates, or all files of a data set are.
        InvalidDataError: two data sets are the same view.
    """
    looks = [
        Look(path, tree, sets.layout(name), trees or OpenTrees())
        for name in sets.wanted
        for path, tree in sets.files[name].items()
    ]
    owner = [name for name in sets.wanted for _ in sets.files[name]]
    found: dict[str, dict[int, EventFile]] = {name: {} for name in sets.wanted}
    with progress("look at files", len(looks), "files") as bar:
        for number, result in run.results(looks):
            if isinstance(result, Failure):
                _log.warning("skipped: %s", result.error)
                skipped[looks[number].path] = result.error
            else:
                found[owner[number]][number] = result
            bar.advance()
    views = {}
    for name, files in found.items():
        if skipped and not files:
            raise InputFileError(f"none of the files of {name!r} can be used", got=[*skipped.values()][-1])
        in_order = tuple(files[number] for number in sorted(files))
        views[name] = ViewFiles(name, sets.variations[name], in_order, sets.metadata[name])
    return [
        SampleViews(
            sample_name(top, sets.metadata[top]),
            (views[top], *_sorted(views[name] for name in sets.wanted if sets.parents[name] == top)),
        )
        for top in sets.wanted
        if sets.parents[top] is None
    ]


@dataclass(frozen=True)
class Look(FileWork):
    """A look at a file.

    Attributes:
        path: path or URL.
        tree: name of its tree.
        layout: format, its name, or a map of branches; found from the names of the branches if None.
        trees: files that stay open.
    """

    path: str
    tree: str
    layout: Any
    trees: OpenTrees
    entrystart: int = 0
    entrystop: int = 0

    @property
    def filename(self) -> str:
        """The path."""
        return self.path

    def name(self) -> None:
        """None: it is what tells whether the file is another one than before."""

    def result(self) -> EventFile:
        """What the file is; errors as :meth:`EventFile.look`."""
        return EventFile.look(self.path, self.tree, self.layout, self.trees)


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
