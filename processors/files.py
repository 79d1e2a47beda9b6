"""A first look into every file: is it whole, does it hold what the analysis reads, how many events."""

from __future__ import annotations

import json
import lzma
import re
import struct
import zlib
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Any

import awkward as ak
import uproot
from uproot.deserialization import DeserializationError

from rs3l_gnn.conventions import (
    ConfigError,
    InputFileError,
    InvalidDataError,
    JetDomain,
    MissingBranchError,
    MissingDependencyError,
    Rs3lError,
)
from rs3l_gnn.data.formats import CandidateFormat
from rs3l_gnn.data.published import PUBLISHED_BRANCHES
from rs3l_gnn.inference import layout_of
from rs3l_gnn.inference.delphes import CANDIDATES
from rs3l_gnn.inference.puppi import PUPPI_WEIGHT
from rs3l_gnn.inference.tables import stored_radius
from rs3l_gnn.processors.config import N2, ProcessorConfig
from rs3l_gnn.processors.generated import GeneratedEvents, look_into_runs
from rs3l_gnn.processors.weights import correction_branches

__all__ = [
    "FileFailure",
    "FileInfo",
    "is_read_error",
    "look_at_files",
    "needs_candidates",
    "require_same_order",
    "required_branches",
    "without_shower_weights",
]

_XROOTD = ("root://", "xroot://", "roots://")
_READ_ERRORS = (OSError, EOFError, struct.error, zlib.error, lzma.LZMAError, DeserializationError)


@dataclass(frozen=True)
class FileInfo:
    """One readable file.

    Attributes:
        dataset: name of its data set.
        path: path or URL.
        tree: name of the tree.
        events: entries of the tree.
        uuid: ROOT's content id.
        psweight_names: order of the shower weights, where the file says it.
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


@dataclass(frozen=True)
class FileFailure:
    """One file that cannot be used, and the error that says why."""

    dataset: str
    path: str
    error: Rs3lError


def is_read_error(error: BaseException) -> bool:
    """True for what uproot and the decompressors raise for damaged files."""
    # Uproot's ValueErrors about a file's content end with its name; others are mistakes in a program.
    return isinstance(error, _READ_ERRORS) or (isinstance(error, ValueError) and "in file " in str(error))


def required_branches(config: ProcessorConfig, form: CandidateFormat, *, simulation: bool) -> list[str]:
    """Branches that an analysis reads from a file of this format."""
    if form.name in ("delphes", "published"):
        return _of_foreign(config, form)
    jets = ["pt", "eta", "msoftdrop"]
    needed = ["run", "luminosityBlock", "event"]
    if needs_candidates(config):
        jets += ["phi", "mass"]
        weights = (PUPPI_WEIGHT,) if config.puppi else ()
        needed += [f"{form.candidates}_{field}" for field in (*form.candidate_fields, *weights)]
        needed += [f"{form.links}_jetIdx", f"{form.links}_{form.link_candidate}"]
    if N2 in config.taggers.values():
        jets.append("n2b1")
    if config.jet.choice == "anchor":
        jets.append("anchor")
    needed += [f"{form.jets}_{field}" for field in jets]
    if simulation:
        needed += sorted(correction_branches(config.systematics.weights))
        momenta = config.systematics.momenta
        if momenta is not None and momenta.resolution is not None:
            needed += [f"{form.jets}_phi", *([momenta.rho] if isinstance(momenta.rho, str) else [])]
    return needed


def needs_candidates(config: ProcessorConfig) -> bool:
    """True if networks or shifts of candidates are to run; N2 alone stands with the jets."""
    return bool(config.systematics.candidates) or any(model != N2 for model in config.taggers.values())


def _of_foreign(config: ProcessorConfig, form: CandidateFormat) -> list[str]:
    """Branches of layouts that are not named like NanoAOD; the jets of Delphes are checked where they are found."""
    needed = needs_candidates(config)
    if form.name == "published":
        jets = ["jet_pt", "jet_eta", "jet_e", "jet_msd", "jet_n2"]
        return [*jets, *PUBLISHED_BRANCHES] if needed else jets
    candidates = [f"{name}.{field}" for name, fields in CANDIDATES.items() for field in fields]
    return candidates if needed else []


def look_at_files(
    files: Iterable[tuple[str, str, str, bool]],
    config: ProcessorConfig,
    *,
    compare: Callable[[JetDomain, str], None],
    timeout: int,
) -> tuple[list[FileInfo], list[FileFailure]]:
    """Open every file once.

    Args:
        files: data set, path or URL, name of the tree, and True for simulation.
        config: decides which branches are needed.
        compare: called with what is known of the jets and the path; raises if a network cannot take them.
        timeout: seconds for a remote file.

    Returns:
        The good files in their order, and the bad ones.
    """
    look = partial(_look, config=config, compare=compare, timeout=timeout)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(look, files))
    return [x for x in found if isinstance(x, FileInfo)], [x for x in found if isinstance(x, FileFailure)]


def _look(
    file: tuple[str, str, str, bool],
    *,
    config: ProcessorConfig,
    compare: Callable[[JetDomain, str], None],
    timeout: int,
) -> FileInfo | FileFailure:
    dataset, path, tree_name, simulation = file
    try:
        if path.startswith(_XROOTD) and find_spec("fsspec_xrootd") is None:
            raise MissingDependencyError(f"{path} is on an XRootD server", hint="pip install fsspec-xrootd")
        with uproot.open({path: None}, timeout=timeout) as opened:
            _require_whole(path, opened)
            tree = _tree(path, opened, tree_name)
            names: list[str] = tree.keys()
            branches = {name.rpartition("/")[2] for name in names}  # Delphes: Jet/Jet.PT
            form = layout_of({_collection(name) for name in branches}, candidates=needs_candidates(config))
            compare(_domain(opened, branches, form), path)
            missing = [name for name in required_branches(config, form, simulation=simulation) if name not in branches]
            if missing:
                raise MissingBranchError(
                    f"{path} lacks {', '.join(missing)}", got=_similar(missing, sorted(branches)) or "nothing like them"
                )
            events = int(tree.num_entries)
            return FileInfo(
                dataset,
                path,
                tree_name,
                events,
                opened.file.fUUID,
                _ps_names(opened),
                _candidates(tree, names, form) / max(events, 1) if needs_candidates(config) else 0.0,
                look_into_runs(path, opened, events) if simulation else None,
                _shower_weights(tree, branches),
            )
    except Rs3lError as error:
        named = error if path in str(error) else type(error)(f"{path}: {error}")
        return FileFailure(dataset, path, named)
    except (ValueError, *_READ_ERRORS) as error:
        text = " ".join(str(error).split())[:300]
        return FileFailure(dataset, path, InputFileError(f"cannot read {path}: {text or type(error).__name__}"))


def _shower_weights(tree: Any, branches: Collection[str]) -> int | None:
    if "PSWeight" not in branches or tree.num_entries == 0:
        return None
    return int(ak.num(tree["PSWeight"].array(entry_stop=1), axis=1)[0])


def _candidates(tree: Any, names: Iterable[str], form: CandidateFormat) -> float:
    """About how many candidates a file holds, from the size of one column of 32-bit numbers."""
    wanted = {f"{form.candidates}_pt", *(f"{name}.Phi" for name in CANDIDATES)}
    return sum(int(tree[name].uncompressed_bytes) for name in names if name.rpartition("/")[2] in wanted) / 4


def _require_whole(path: str, opened: Any) -> None:
    length = opened.file.source.num_bytes
    if length is not None and length < opened.file.fEND:
        raise InputFileError(
            f"{path} is truncated", got=f"{length} bytes", allowed=f"{opened.file.fEND} bytes, says its header"
        )


def _tree(path: str, opened: Any, name: str) -> Any:
    classes = opened.classnames(cycle=False)
    if name not in classes:
        raise InputFileError(f"{path} has no tree {name!r}", got=", ".join(sorted(classes)) or "an empty file")
    return opened[name]


def _similar(missing: Sequence[str], found: Sequence[str]) -> str:
    """What was found of the same collections, or the collections."""
    prefixes = {_collection(name) for name in missing}
    same = [name for name in found if _collection(name) in prefixes]
    return ", ".join(same or sorted({_collection(name) for name in found}))


def _collection(branch: str) -> str:
    return re.split(r"[_.]", branch)[0]


def _ps_names(opened: Any) -> tuple[str, ...]:
    return tuple(_metadata(opened).get("psweight_names") or ())


def _metadata(opened: Any) -> dict[str, Any]:
    """What a file of rs3l simulate says of itself; empty for others."""
    if "rs3l_metadata" not in opened.keys(cycle=False):
        return {}
    try:
        return dict(json.loads(str(opened["rs3l_metadata"])))
    except (json.JSONDecodeError, TypeError, ValueError) as error:
        raise InvalidDataError("rs3l_metadata is not the JSON document that simulated files hold") from error


def _domain(opened: Any, branches: Iterable[str], form: CandidateFormat) -> JetDomain:
    metadata = _metadata(opened)
    if metadata:
        radius = (metadata.get("jets") or {}).get("radius")
    else:
        radius = stored_radius({_collection(name) for name in branches}, form)
    return JetDomain(radius=radius, formats=(form.name,), missing_features=form.missing_features)


def require_same_order(infos: Iterable[FileInfo]) -> dict[str, tuple[str, ...]]:
    """Order of the shower weights of each data set.

    Raises:
        ConfigError: files of one data set disagree.
    """
    orders: dict[str, tuple[str, ...]] = {}
    for info in infos:
        before = orders.setdefault(info.dataset, info.psweight_names)
        if before != info.psweight_names:
            raise ConfigError(
                f"{info.path} has another order of shower weights than the other files of {info.dataset!r}",
                got=", ".join(info.psweight_names) or "none",
                allowed=", ".join(before) or "none",
            )
    return orders


def without_shower_weights(infos: Iterable[FileInfo]) -> list[str]:
    """Data sets whose PSWeight is the one dummy entry that NanoAOD writes for samples without shower weights.

    Raises:
        ConfigError: some files of a data set have shower weights and others a dummy.
    """
    lengths: dict[str, dict[bool, str]] = {}
    for info in infos:
        if info.shower_weights is not None:
            lengths.setdefault(info.dataset, {})[info.shower_weights <= 1] = info.path
    for dataset, found in lengths.items():
        if len(found) == 2:
            raise ConfigError(
                f"of data set {dataset!r}, {found[False]} has shower weights and {found[True]} has a dummy",
                hint="make two data sets of it, or say shower_weights: false in its metadata",
            )
    return sorted(dataset for dataset, found in lengths.items() if True in found)
