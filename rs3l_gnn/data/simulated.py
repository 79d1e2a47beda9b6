"""Reader of the ROOT files that ``rs3l simulate`` writes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import (
    FEATURE_NAMES,
    MAX_CANDIDATES,
    NOMINAL,
    InputFileError,
    InvalidDataError,
    JetDomain,
    JetLabel,
    MissingBranchError,
    Variation,
)
from rs3l_gnn.conventions.expansion import bound_baskets
from rs3l_gnn.conventions.inputs import read_json, reading, require_file
from rs3l_gnn.data.event_format import EventFormat
from rs3l_gnn.data.event_tables import read_events
from rs3l_gnn.data.feature_fields import further_fields, require_features
from rs3l_gnn.data.feature_rows import jet_features
from rs3l_gnn.data.format_registry import get_format
from rs3l_gnn.data.formats.simulated import METADATA, SIMULATED
from rs3l_gnn.data.list_fields import counts_of, entry_field, flat, flat_field
from rs3l_gnn.data.opening import open_events
from rs3l_gnn.data.tree_layouts import read_tree
from rs3l_gnn.data.views import JET_COLUMNS

__all__ = ["AnchorJets", "SimulatedFile", "find_simulated"]

bound_baskets()

_TREE, _FORMAT, _FILESET = "Events", "rs3l-simulation", "fileset.json"
_JETS = ("pt", "eta", "phi", "mass", "msoftdrop", "n2b1", "jettype", "anchor")


@dataclass(frozen=True)
class AnchorJets:
    """The anchor jets of one variation: at most one an event.

    Attributes:
        features: particles [n_particles, n_features].
        offsets: first particle of each jet [n_jets + 1].
        columns: values of ``JET_COLUMNS`` that the file knows (all but sample and vartype) [n_jets].
        shower_weights: of the events, relative to their generator weight [n_jets, n_weights]; no column where the file
            has none.
    """

    features: NDArray[np.float32]
    offsets: NDArray[np.int64]
    columns: dict[str, NDArray[Any]]
    shower_weights: NDArray[np.float32]


@dataclass(frozen=True)
class SimulatedFile:
    """One ROOT file, with the light columns that matching needs.

    Attributes:
        path: the file.
        metadata: its ``rs3l_metadata``.
        sample: name of the sample.
        variation: what it holds.
        event: number of each hard event, rising [n_entries].
        hard_hash: fingerprint of its hard partons [n_entries].
        has_anchor: True where the anchor jet passed the selection [n_entries].
        branches: names of all its branches.
    """

    path: Path
    metadata: dict[str, Any]
    sample: str
    variation: Variation
    event: NDArray[np.int64]
    hard_hash: NDArray[np.uint64]
    has_anchor: NDArray[np.bool_]
    branches: frozenset[str] = frozenset()

    @classmethod
    def open(cls, path: Path) -> SimulatedFile:
        """Read the metadata and the light columns.

        Raises:
            InputFileError: missing, truncated, without metadata, or event numbers that do not rise.
            MissingBranchError: needed branches are absent; they are named.
            InvalidDataError: an event with more than one anchor jet.
        """
        arrays, metadata, names = _read(path, ["event", "hardHash", "FatJet_anchor"])
        event = np.asarray(arrays["event"], dtype=np.int64)
        if (np.diff(event) <= 0).any():
            row = int(np.argmax(np.diff(event) <= 0)) + 1
            raise InputFileError(f"{path}: event numbers must rise", got=f"{event[row]} after {event[row - 1]}")
        anchors = np.asarray(ak.sum(arrays["FatJet"]["anchor"], axis=1), dtype=np.int64)
        if (anchors > 1).any():
            row = int(np.argmax(anchors > 1))
            raise InvalidDataError(f"{path}: event {event[row]} has {anchors[row]} anchor jets", allowed="at most 1")
        for name in ("sample", "variation", "n_hard_events"):
            if name not in metadata:
                raise InputFileError(f"{path}: {METADATA} lacks {name!r}", got=", ".join(metadata))
        return cls(
            path=path,
            metadata=metadata,
            sample=str(metadata["sample"]),
            variation=Variation.from_record(metadata["variation"], where=str(path)),
            event=event,
            hard_hash=np.asarray(arrays["hardHash"], dtype=np.uint64),
            has_anchor=anchors == 1,
            branches=names,
        )

    @property
    def shower_weight_names(self) -> tuple[str, ...]:
        """What each entry of PSWeight varies; nothing for other views than nominal."""
        is_nominal = self.variation.vartype == NOMINAL.vartype
        return tuple(self.metadata.get("psweight_names") or ()) if is_nominal else ()

    @property
    def labels(self) -> tuple[JetLabel, ...]:
        """Labels of the user's own that its jets may have."""
        return tuple(JetLabel.from_record(one, where=str(self.path)) for one in self.metadata.get("labels") or ())

    def domain(self, layout: str) -> JetDomain:
        """What kind of jets the file holds, with candidates in this layout; unknown radius and cut in older files."""
        jets = self.metadata.get("jets") or {}
        return replace(get_format(layout).domain(jets.get("radius")), pt_min=jets.get("pt_min"))

    def require_features(self, features: Sequence[str], layout: str) -> None:
        """Refuse features that its candidates cannot give.

        Raises:
            MissingBranchError: names them.
        """
        form = get_format(layout)
        require_features(form, features, form.further_fields(self.branches), where=str(self.path))

    def read(
        self,
        events: NDArray[np.int64],
        *,
        layout: str = "pfnano",
        maximum: int = MAX_CANDIDATES,
        features: Sequence[str] = FEATURE_NAMES,
    ) -> AnchorJets:
        """Anchor jets of the events in ``events`` [n, rising] that this file has, with these features.

        Raises:
            InputFileError: the file is damaged.
            MissingBranchError: needed branches are absent; they are named.
            InvalidDataError: a value of a jet or candidate is not usable; the file is named.
        """
        wanted = np.isin(self.event, events) & self.has_anchor
        rows = np.flatnonzero(wanted)
        start, stop = (int(rows[0]), int(rows[-1]) + 1) if len(rows) else (0, 0)
        form = get_format(layout)
        event_names = ("genWeight", "PSWeight") if self.shower_weight_names else ("genWeight",)
        fields = form.further_fields(self.branches)
        needed = [*form.branches(_JETS, candidates=True), *event_names]
        needed += [fields[field] for field in further_fields(features) if field in fields]
        arrays, _, _ = _read(self.path, needed, form, entry_start=start, entry_stop=stop)
        here = wanted[start:stop]
        jets = form.jets(arrays)
        candidates = form.candidates(arrays)
        links = form.links(arrays, jets, candidates)
        anchor = flat_field(jets, "anchor").astype(bool) & np.repeat(here, counts_of(jets))
        selected = ak.unflatten(anchor, counts_of(jets))
        try:
            particles, offsets = jet_features(
                jets, candidates, links, form, selected=selected, maximum=maximum, features=features
            )
        except InvalidDataError as error:
            raise InvalidDataError(f"{self.path}: {error}") from error
        columns = {name: flat_field(jets, name)[anchor].astype(JET_COLUMNS[name]) for name in _JETS if name != "anchor"}
        columns["event"] = self.event[rows]
        columns["weight"] = entry_field(arrays, "genWeight")[here].astype(np.float32)
        return AnchorJets(particles, offsets, columns, self._shower_weights(arrays, here))

    def _shower_weights(self, arrays: ak.Array, here: NDArray[np.bool_]) -> NDArray[np.float32]:
        n_weights = len(self.shower_weight_names)
        if n_weights == 0:
            return np.zeros((int(here.sum()), 0), np.float32)
        weights = arrays["PSWeight"][here]
        counts = counts_of(weights)
        if (counts != n_weights).any():
            raise InvalidDataError(
                f"{self.path}: PSWeight has another length than its names ({', '.join(self.shower_weight_names)})",
                got=int(counts[counts != n_weights][0]),
                allowed=n_weights,
            )
        return flat(weights).astype(np.float32).reshape(-1, n_weights)


def find_simulated(directories: Iterable[Path | str]) -> list[SimulatedFile]:
    """All simulated files below some directories, in a fixed order.

    Raises:
        InputFileError: a directory is missing or holds none, or lacks files of its ``fileset.json``.
    """
    found = []
    for directory in map(Path, directories):
        if not directory.is_dir():
            raise InputFileError(f"{directory} is not a directory", hint="name an output of rs3l simulate")
        _require_listed(directory)
        # A hidden file is one that another process has not finished.
        paths = sorted(path for path in directory.rglob("*.root") if not path.name.startswith("."))
        if not paths:
            raise InputFileError(f"there are no ROOT files below {directory}")
        found += [SimulatedFile.open(path) for path in paths]
    return found


def _require_listed(directory: Path) -> None:
    """A simulation that was copied in part, or loses files, must not pass for a smaller one."""
    for record in sorted(directory.rglob(_FILESET)):
        document = read_json(record)
        entries = document.values() if isinstance(document, dict) else ()
        lists = [entry.get("files") for entry in entries if isinstance(entry, dict)]
        # A path would lead out of the folder; those are lists of another tool.
        listed = {str(name) for files in lists if isinstance(files, (dict, list)) for name in files}
        names = {name for name in listed if Path(name).name == name and not set("*?[") & set(name)}
        there = {path.name for path in record.parent.iterdir()}
        missing = sorted(names - there)
        if missing:
            raise InputFileError(
                f"{record} names {', '.join(missing[:3])}, which is not there",
                got=f"{len(names) - len(missing)} of {len(names)} files",
                hint="copy the folder again, or take what shall be left out from that list",
            )


def _read(
    path: Path, branches: list[str], form: EventFormat = SIMULATED, **entries: int
) -> tuple[ak.Array, dict[str, Any], frozenset[str]]:
    require_file(path)
    with reading(path, "cannot be read as a ROOT file"), open_events(str(path)) as file:
        tree = _tree(path, file, branches)
        return read_events(tree, form, branches, **entries), _metadata(path, file), frozenset(tree.keys())


def _metadata(path: Path, file: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = json.loads(str(file[METADATA]))
    if metadata.get("format") != _FORMAT or metadata.get("version") != 1:
        raise InputFileError(
            f"{path} has another format", got=f"{metadata.get('format')} {metadata.get('version')}", allowed=_FORMAT
        )
    return metadata


def _tree(path: Path, file: Any, branches: list[str]) -> Any:
    if _TREE not in file or METADATA not in file:
        found = ", ".join(file.keys(cycle=False)) or "no objects"
        raise InputFileError(f"{path} is not a file of rs3l simulate", got=found)
    tree = read_tree(file, _TREE)
    missing = [name for name in branches if name not in tree]
    if missing:
        raise MissingBranchError(f"{path} lacks {', '.join(missing)}", got=", ".join(tree.keys()))
    return tree
