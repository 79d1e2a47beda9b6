"""A first look into every file: is it whole, does it hold what the analysis reads, how many events."""

from __future__ import annotations

import lzma
import struct
import zlib
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from typing import Any, NamedTuple
from uuid import UUID

import awkward as ak
from uproot.deserialization import DeserializationError

from rs3l_gnn.conventions import (
    FEATURE_NAMES,
    InputFileError,
    JetDomain,
    MissingBranchError,
    MissingDependencyError,
    Rs3lError,
)
from rs3l_gnn.conventions.expansion import bound_baskets
from rs3l_gnn.conventions.expressions import close_names
from rs3l_gnn.conventions.inputs import require_file
from rs3l_gnn.data import EventFormat, format_of, get_format
from rs3l_gnn.data.described_tree import describe_tree
from rs3l_gnn.data.event_format import collection_of
from rs3l_gnn.data.feature_fields import lacking_features
from rs3l_gnn.data.opening import open_events
from rs3l_gnn.data.plain_columns import read_column
from rs3l_gnn.data.shower_order import PS_WEIGHT, stored_order
from rs3l_gnn.inference import shipped_names
from rs3l_gnn.processors.columns import branch_names, jet_collection, jet_field_of
from rs3l_gnn.processors.config import N2, SCORE, ProcessorConfig
from rs3l_gnn.processors.generated import GeneratedEvents, look_into_runs
from rs3l_gnn.processors.weights import correction_branches

__all__ = [
    "FileFailure",
    "FileInfo",
    "FileToOpen",
    "is_read_error",
    "look_at_files",
    "needs_candidates",
    "required_branches",
]

bound_baskets()

_XROOTD = ("root://", "xroot://", "roots://")
_READ_ERRORS = (OSError, EOFError, struct.error, zlib.error, lzma.LZMAError, DeserializationError)
_UNPACKERS = {"cramjam", "igzip_lib", "isal"}
"""Modules by which uproot unpacks baskets; what they raise has no base class in common."""


class FileToOpen(NamedTuple):
    """One file of a fileset: its data set, path or URL, name of the tree, and what the metadata say."""

    dataset: str
    path: str
    tree: str
    simulation: bool
    layout: Any = None


@dataclass(frozen=True)
class FileInfo:
    """One readable file.

    Attributes:
        dataset: name of its data set.
        path: path or URL.
        tree: name of the tree.
        events: entries of the tree.
        uuid: ROOT's content id.
        psweight_names: order of the shower weights, where the file says it; ``-`` for an entry that it does not name.
        candidates: candidates in an event, on average; 0 where the analysis reads none.
        generated: what a file of simulation says about the events that it was made from.
        shower_weights: entries of PSWeight in the first event, None where there is no such branch, or no event.
    """

    dataset: str
    path: str
    tree: str
    events: int
    uuid: bytes
    psweight_names: tuple[str, ...]
    candidates: float = 0.0
    generated: GeneratedEvents | None = None
    shower_weights: int | None = None

    @property
    def content_id(self) -> str:
        """ROOT's content id, as it is written; for provenance, since the sum of a large file is a second reading."""
        return str(UUID(bytes=self.uuid))


@dataclass(frozen=True)
class FileFailure:
    """One file that cannot be used, and the error that says why."""

    dataset: str
    path: str
    error: Rs3lError


def is_read_error(error: BaseException) -> bool:
    """True for what uproot and the decompressors raise for damaged files."""
    if isinstance(error, _READ_ERRORS) or type(error).__module__.partition(".")[0] in _UNPACKERS:
        return True
    # Uproot's ValueErrors about a file's content end with its name; others are mistakes in a program.
    return isinstance(error, ValueError) and "in file " in str(error)


def required_branches(config: ProcessorConfig, form: EventFormat, *, simulation: bool) -> list[str]:
    """Branches that an analysis reads from a file of this format."""
    momenta = config.systematics.momenta if simulation else None
    smeared = momenta is not None and momenta.resolution is not None
    jets = ["pt", "eta", "msoftdrop"]
    if needs_candidates(config) or smeared:
        jets.append("phi")
    if needs_candidates(config):
        jets.append("mass")
    if N2 in config.taggers.values():
        jets.append("n2b1")
    if config.jet.choice == "anchor":
        jets.append("anchor")
    needed = form.branches(jets, candidates=needs_candidates(config), puppi=config.puppi)
    if simulation:
        needed += sorted(correction_branches(config.systematics.weights))
    if smeared and momenta is not None and isinstance(momenta.rho, str):
        needed.append(momenta.rho)
    return needed


def needs_candidates(config: ProcessorConfig) -> bool:
    """True if networks or shifts of candidates are to run; N2 and stored scores stand with the jets."""
    return bool(config.systematics.candidates or config.networks)


def look_at_files(
    files: Iterable[FileToOpen],
    config: ProcessorConfig,
    *,
    compare: Callable[[JetDomain, str], None],
    features: Sequence[str] = FEATURE_NAMES,
    timeout: int,
) -> tuple[list[FileInfo], list[FileFailure]]:
    """Open every file once.

    Args:
        files: which, with what the fileset says of them.
        config: decides which branches are needed.
        compare: called with what is known of the jets and the path; raises if a network cannot take them.
        features: of the candidates that the networks take; what is known of the jets says which a file lacks.
        timeout: seconds for a remote file.

    Returns:
        The good files in their order, and the bad ones.
    """
    look = partial(_look, config=config, compare=compare, features=features, timeout=timeout)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(look, files))
    return [x for x in found if isinstance(x, FileInfo)], [x for x in found if isinstance(x, FileFailure)]


def _with_lacking(
    domain: JetDomain, form: EventFormat, features: Sequence[str], branches: Collection[str]
) -> JetDomain:
    """The domain with those of ``features`` beyond the paper's that a file with these branches lacks."""
    more = [name for name in features if name not in FEATURE_NAMES]
    lacking = lacking_features(form, more, form.further_fields(branches))
    return replace(domain, missing_features=(*(domain.missing_features or ()), *lacking)) if lacking else domain


def _look(
    file: FileToOpen,
    *,
    config: ProcessorConfig,
    compare: Callable[[JetDomain, str], None],
    features: Sequence[str],
    timeout: int,
) -> FileInfo | FileFailure:
    path = file.path
    try:
        return _info(file, config, compare, features, timeout)
    except Rs3lError as error:
        named = error if path in str(error) else type(error)(f"{path}: {error}")
        return FileFailure(file.dataset, path, named)
    except Exception as error:
        # A damaged description of a tree may hold itself.
        if not (is_read_error(error) or isinstance(error, (ValueError, RecursionError))):
            raise
        text = " ".join(str(error).split())[:300]
        return FileFailure(file.dataset, path, InputFileError(f"cannot read {path}: {text or type(error).__name__}"))


def _info(
    file: FileToOpen,
    config: ProcessorConfig,
    compare: Callable[[JetDomain, str], None],
    features: Sequence[str],
    timeout: int,
) -> FileInfo:
    dataset, path, simulation = file.dataset, file.path, file.simulation
    if path.startswith(_XROOTD) and find_spec("fsspec_xrootd") is None:
        raise MissingDependencyError(f"{path} is on an XRootD server", hint="pip install fsspec-xrootd")
    require_file(path)
    with open_events(path, timeout=timeout) as opened:
        _require_whole(path, opened)
        tree = _tree(path, opened, file.tree)
        names: list[str] = tree.keys()
        branches = {name.rpartition("/")[2] for name in names}  # Delphes: Jet/Jet.PT
        known = {*branches, *map(collection_of, branches)}
        form = format_of(known, candidates=needs_candidates(config)) if file.layout is None else get_format(file.layout)
        metadata = form.metadata(opened)
        domain = form.domain((metadata.get("jets") or {}).get("radius") if metadata else form.radius(known))
        compare(_with_lacking(domain, form, features, branches), path)
        needed = required_branches(config, form, simulation=simulation)
        missing = [name for name in needed if name not in branches]
        if missing:
            raise MissingBranchError(
                f"{path} lacks {', '.join(missing)}", got=_similar(missing, sorted(branches)) or "nothing like them"
            )
        _require_names(path, config, form, known, branches)
        events = int(tree.num_entries)
        for name in needed[:1]:
            _require_events(path, events, tree[name])
        return FileInfo(
            dataset,
            path,
            file.tree,
            events,
            opened.file.fUUID,
            tuple("-" if one is None else one for one in stored_order(tree, branches, metadata.get("psweight_names"))),
            _candidates(tree, names, form) / max(events, 1) if needs_candidates(config) else 0.0,
            look_into_runs(path, opened, events) if simulation else None,
            _shower_weights(tree, branches),
        )


def _require_names(
    path: str, config: ProcessorConfig, form: EventFormat, known: Collection[str], branches: Collection[str]
) -> None:
    """Refuse a file that lacks a branch of an expression, before any event is read; all of them in one message."""
    collection = jet_collection(form, known)
    lacking: dict[str, str] = {}
    stored = {f"taggers.{name}": expression for name, expression in config.stored.items()}
    for where, expression in {**config.expressions, **stored}.items():
        for name in expression.names:
            if name.startswith(SCORE) or any(one in branches for one in branch_names(name)):
                continue
            field = jet_field_of(name, collection)
            if field is None or not set(form.branches([field], candidates=False)) <= set(branches):
                lacking.setdefault(name, f"{where} ({expression.source!r})")
    if lacking:
        close = {name: close_names(name, branches) for name in lacking}
        raise MissingBranchError(
            f"{path} lacks {'; '.join(f'{name} of {where}' for name, where in lacking.items())}",
            got="; ".join(f"{' or '.join(names)} for {name}" for name, names in close.items() if names)
            or "nothing like it",
            hint="a tagger that is no branch is a file or one of " + ", ".join(shipped_names())
            if any(where.startswith("taggers.") for where in lacking.values())
            else None,
        )


def _shower_weights(tree: Any, branches: Collection[str]) -> int | None:
    if PS_WEIGHT not in branches or tree.num_entries == 0:
        return None
    found = read_column(tree[PS_WEIGHT], 0, 1)
    if found is not None and found[0] is not None:
        return int(found[0][1])
    return int(ak.num(tree[PS_WEIGHT].array(entry_stop=1), axis=1)[0])


def _candidates(tree: Any, names: Iterable[str], form: EventFormat) -> float:
    """About how many candidates a file holds, from the size of one column of 32-bit numbers."""
    wanted = form.size_branches()
    return sum(int(tree[name].uncompressed_bytes) for name in names if name.rpartition("/")[2] in wanted) / 4


def _require_whole(path: str, opened: Any) -> None:
    length = opened.file.source.num_bytes
    if length is not None and length < opened.file.fEND:
        raise InputFileError(
            f"{path} is truncated", got=f"{length} bytes", allowed=f"{opened.file.fEND} bytes, says its header"
        )


def _require_events(path: str, events: int, branch: Any) -> None:
    """Refuse a damaged number of events, before it is cut into chunks."""
    entries = int(branch.num_entries)
    if not 0 <= events <= entries:
        raise InputFileError(
            f"{path} is damaged",
            got=f"{events} events, says the tree",
            allowed=f"{entries}, says its branch {branch.name}",
        )


def _tree(path: str, opened: Any, name: str) -> Any:
    classes = opened.classnames(cycle=False)
    if name not in classes:
        raise InputFileError(f"{path} has no tree {name!r}", got=", ".join(sorted(classes)) or "an empty file")
    return describe_tree(opened, name)


def _similar(missing: Sequence[str], found: Sequence[str]) -> str:
    """What was found of the same collections, or the collections."""
    prefixes = set(map(collection_of, missing))
    same = [name for name in found if collection_of(name) in prefixes]
    return ", ".join(same or sorted(set(map(collection_of, found))))
