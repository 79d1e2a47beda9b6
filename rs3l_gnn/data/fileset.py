"""Filesets in coffea's format: files and metadata of data sets, and which one is the variation of which."""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rs3l_gnn.conventions import ConfigError, InputFileError
from rs3l_gnn.conventions.inputs import require_file
from rs3l_gnn.conventions.yaml_text import parse_yaml

__all__ = [
    "SAMPLE_NAMES",
    "flag",
    "is_simulation",
    "matches_any",
    "nominal_of",
    "parse_dataset",
    "read_document",
    "renamed_samples",
    "require_samples",
    "sample_name",
]

SAMPLE_NAMES = (
    "other names for samples, old: new; events are known by the name of their sample and their number, so that those "
    "of another simulation than a network was trained on need another name"
)
"""What the setting ``sample_names`` of several verbs is."""

_REMOTE = re.compile(r"^[a-z][a-z0-9+.-]*://")
_WORDS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


class _Metadata(BaseModel):
    """What we read of the metadata; others may stand beside it."""

    model_config = ConfigDict(extra="allow")

    sample: str | int | None = None
    process: str | int | None = None
    variation: str | int | None = None
    resimulated_of: str | None = None
    isMC: bool | str | int | None = None  # noqa: N815  # coffea's name
    xsec: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    sumw: Annotated[float, Field(allow_inf_nan=False)] | None = None
    n_hard_events: Annotated[int, Field(ge=0, lt=2**63)] | None = None


def _check(metadata: dict[Any, Any], where: str) -> None:
    if not all(isinstance(key, str) for key in metadata):
        raise InputFileError(f"the metadata of {where} must have texts as keys", got=", ".join(map(repr, metadata)))
    try:
        _Metadata.model_validate(metadata)
    except ValidationError as error:
        first = error.errors()[0]
        raise InputFileError(
            f"the metadata of {where}: {first['loc'][0]}: {first['msg']}", got=repr(first["input"])
        ) from error


def read_document(path: Path) -> dict[str, Any]:
    """Data sets of a fileset in coffea's format, JSON or YAML, each as it stands there.

    Raises:
        InputFileError: missing, not readable, or without data sets.
    """
    require_file(path, what="the fileset")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputFileError(f"cannot read the fileset {path}: {error}") from error
    try:
        document = json.loads(text) if path.suffix == ".json" else parse_yaml(text)
    except (json.JSONDecodeError, RecursionError, ConfigError) as error:
        raise InputFileError(f"{path} is not a fileset: {error}") from error
    if not isinstance(document, dict) or not document:
        raise InputFileError(f"{path} holds no data sets", hint='expected {"name": {"files": {"a.root": "Events"}}}')
    return document


def parse_dataset(name: str, path: Path, entry: Any) -> tuple[dict[str, str], dict[str, Any]]:
    """Files (path or URL -> name of the tree) and metadata of one data set.

    Args:
        name: of the data set.
        path: of the fileset; file names are relative to it, may hold wildcards, and may be URLs.
        entry: of :func:`read_document`.

    Raises:
        InputFileError: no files, one that does not exist, or a wildcard that finds none.
        ConfigError: a file twice.
    """
    where = f"data set {name!r} in {path}"
    section = entry if isinstance(entry, dict) and "files" in entry else {"files": entry}
    files, tree = section["files"], section.get("treename", "Events")
    if isinstance(files, list) and not all(isinstance(file, str) for file in files):
        raise InputFileError(
            f"the files of {where} must be names", allowed='["a.root", ...] or {"a.root": "Events", ...}'
        )
    if isinstance(files, (list, str)):
        files = dict.fromkeys([files] if isinstance(files, str) else files, tree)
    if not isinstance(files, dict) or not files:
        raise InputFileError(f"{where} names no files")
    metadata = section.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise InputFileError(f"the metadata of {where} must be a mapping", got=type(metadata).__name__)
    resolved: dict[str, str] = {}
    for file, spec in files.items():
        tree_of_file = spec.get("object_path", tree) if isinstance(spec, dict) else spec
        for found in _expand(str(file), path.parent, where):
            if found in resolved:
                raise ConfigError(f"{where} names {found} twice")
            resolved[found] = str(tree_of_file)
    _check(metadata, where)
    return resolved, dict(metadata)


def _expand(file: str, folder: Path, where: str) -> list[str]:
    if _REMOTE.match(file):
        return [file]
    path = Path(file)
    anchored = path if path.is_absolute() else folder / path
    if any(letter in file for letter in "*?["):
        base = Path(anchored.anchor) if anchored.is_absolute() else Path()
        found = sorted(str(match.resolve()) for match in base.glob(str(anchored.relative_to(base))))
        if not found:
            raise InputFileError(f"{where}: no file matches {anchored}")
        for match in found:
            require_file(match)
        return found
    require_file(anchored)
    if not anchored.is_file():
        raise InputFileError(f"{where}: {anchored} does not exist", hint="paths are relative to the fileset")
    return [str(anchored.resolve())]


def sample_name(dataset: str, metadata: Mapping[str, Any]) -> str:
    """The sample that a nominal data set belongs to; its own name if its metadata have none."""
    return str(metadata.get("sample") or dataset)


def renamed_samples(metadata: Mapping[str, Mapping[str, Any]], names: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Metadata of all data sets with other names of their samples.

    Args:
        metadata: by data set.
        names: old name of a sample -> new name.

    Raises:
        ConfigError: no data set belongs to such a sample.
    """
    require_samples(names, [sample_name(dataset, meta) for dataset, meta in metadata.items()])
    found = {}
    for dataset, meta in metadata.items():
        name = names.get(sample_name(dataset, meta))
        found[dataset] = dict(meta) if name is None else {**meta, "sample": name}
    return found


def require_samples(names: Mapping[str, str], samples: Iterable[str]) -> None:
    """Refuse new names for samples that are not there, and one name for two.

    Raises:
        ConfigError: says which.
    """
    known = list(dict.fromkeys(samples))
    if unknown := [name for name in names if name not in known]:
        raise ConfigError("sample_names: no such sample", got=unknown[0], allowed=known)
    new = [names.get(name, name) for name in known]
    if twice := [name for name in new if new.count(name) > 1]:
        raise ConfigError("sample_names: two samples would have one name", got=twice[0])


def matches_any(name: str, patterns: Sequence[str]) -> bool:
    """True if one of the patterns fits; ``*`` is a wildcard."""
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def nominal_of(
    name: str, meta: Mapping[str, Any], metadata: Mapping[str, Mapping[str, Any]], left_out: Collection[str]
) -> str | None:
    """The data set whose hard events this one simulates again (``resimulated_of``), None for a nominal one.

    Args:
        name: of the data set.
        meta: its metadata.
        metadata: of all data sets that are left.
        left_out: data sets of the filesets that nobody asked for.

    Raises:
        ConfigError: no such data set, or one that is a re-simulation itself.
    """
    parent = meta.get("resimulated_of")
    if parent is None:
        return None
    if parent == name or parent not in metadata:
        raise ConfigError(
            f"data set {name!r} says that it re-simulates {parent!r}, which is not there",
            allowed=[other for other in metadata if other != name],
            hint="datasets and exclude leave it out" if parent in left_out else "add the fileset that names it",
        )
    if metadata[str(parent)].get("resimulated_of") is not None:
        raise ConfigError(f"data set {name!r} re-simulates {parent!r}, which is a re-simulation itself")
    return str(parent)


def flag(metadata: Mapping[str, Any], name: str, *, default: bool) -> bool:
    """A flag of a data set's metadata; some frameworks write it as a string.

    Raises:
        ConfigError: a string that is neither yes nor no; data taken for simulation would get its weights.
    """
    value = metadata.get(name)
    if not isinstance(value, str):
        return default if value is None else bool(value)
    try:
        return _WORDS[value.strip().lower()]
    except KeyError:
        raise ConfigError(f"the metadata's {name} is neither true nor false", got=repr(value)) from None


def is_simulation(metadata: Mapping[str, Any]) -> bool:
    """False for data, which have no generator weights, no corrections, no variations, and were never trained on."""
    return flag(metadata, "isMC", default=True)
