"""The format of a file, found from its content rather than from its name, and events of generators."""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rs3l_gnn.conventions import InputFileError
from rs3l_gnn.conventions.inputs import require_file
from rs3l_gnn.conventions.packed import is_packed, open_lines, open_packed
from rs3l_gnn.workflows.inspection.arrays import describe_hdf5, describe_root
from rs3l_gnn.workflows.inspection.documents import describe_json
from rs3l_gnn.workflows.inspection.networks import (
    describe_checkpoint,
    describe_onnx,
    looks_like_onnx,
    named_weights,
)
from rs3l_gnn.workflows.inspection.texts import describe_text

__all__ = ["describe", "render"]

Description = dict[str, Any]
_HEAD = 512
"""Bytes that tell the kind of a file."""


@dataclass(frozen=True)
class FileKind:
    """One kind of file.

    Attributes:
        begins: tells its files by their first bytes, unpacked, and their path.
        describe: what such a file holds; its key ``kind`` names the kind.
    """

    begins: Callable[[bytes, Path], bool]
    describe: Callable[[Path], Description]


def describe(path: Path | str) -> Description:
    """Describe one file, or weights by name or address; the key ``kind`` names the format.

    Raises:
        InputFileError: the file is missing, empty, truncated, or of no known format.
        ConfigError, DownloadError: of an address, see :func:`rs3l_gnn.models.hub.fetch_network`.
    """
    path = named_weights(path)
    if path.is_dir():
        raise InputFileError(f"{path} is a directory", hint="name one file in it")
    require_file(path)
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
    except OSError as error:
        raise InputFileError(f"cannot read {path}: {error.strerror}") from error
    if not head:
        raise InputFileError(f"{path} is empty")
    if is_packed(head):
        with open_packed(path) as unpacked:
            head = unpacked.read(_HEAD)
    kind = next(kind for kind in _KINDS if kind.begins(head, path))
    return {"file": path.name, "bytes": path.stat().st_size, **kind.describe(path)}


def render(description: Description, *, as_json: bool = False) -> str:
    """Text for a terminal, or one JSON document."""
    if as_json:
        return json.dumps(description, indent=2, default=str)
    return "\n".join(_lines(description, ""))


def _lines(values: Description, indent: str) -> list[str]:
    lines = []
    for key, value in values.items():
        if isinstance(value, dict) and value:
            lines.append(f"{indent}{key}:")
            lines.extend(_lines(value, indent + "  "))
        elif isinstance(value, (list, tuple)):
            lines.append(f"{indent}{key}: {', '.join(map(str, value))}")
        else:
            lines.append(f"{indent}{key}: {value}")
    return lines


def _starts(*magic: bytes) -> Callable[[bytes, Path], bool]:
    return lambda head, _: head.startswith(magic)


def _is_safetensors(head: bytes, path: Path) -> bool:
    """These files begin with the length of a JSON header."""
    return head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= path.stat().st_size


def _archive(path: Path) -> Description:
    _refuse_foreign_archive(path)
    return describe_checkpoint(path)


def _refuse_foreign_archive(path: Path) -> None:
    """Archives of torch state a version; a damaged archive is left to the reader of checkpoints."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return
    if not any(name.endswith(("/version", "/data.pkl", "/archive_format")) for name in names):
        raise InputFileError(
            f"{path} is a zip archive, and no checkpoint",
            got=f"{len(names)} files, first {names[0]!r}" if names else "no files",
            hint="unpack it and name the file in it",
        )


def _text(path: Path) -> Description:
    with path.open("rb") as stream:
        is_json = stream.read(512).lstrip().startswith((b"{", b"["))
    found = describe_json(path) if is_json or path.suffix == ".json" else None
    found = found or describe_text(path)
    if found is None:
        raise InputFileError(
            f"{path} is of no known format",
            allowed="ROOT, HDF5, LHE, HepMC, checkpoints (.safetensors, .pt), ONNX, JSON and YAML documents, "
            "CSV tables, Combine cards, .coffea",
        )
    return found


def _lhe(path: Path) -> Description:
    from rs3l_gnn.simulation import inspect_lhe

    return {"kind": "LHE", **inspect_lhe(path)}


def _hepmc(path: Path) -> Description:
    counts: Counter[str] = Counter()
    complete = False
    try:
        with open_lines(path) as lines:
            for line in lines:
                if line.startswith(("E ", "V ", "P ")):
                    counts[line[:2]] += 1
                complete = complete or "END_EVENT_LISTING" in line
    except InputFileError as error:
        raise InputFileError(str(error), hint=f"it broke after {counts['E ']} events") from error
    if not complete:
        raise InputFileError(f"{path} is cut short after {counts['E ']} events", hint="it has no END_EVENT_LISTING")
    return {"kind": "HepMC", "events": counts["E "], "vertices": counts["V "], "particles": counts["P "]}


def _coffea(_: Path) -> Description:
    return {
        "kind": "coffea output",
        "note": "not opened, because reading it runs whatever code it holds; histograms.json beside it says the same",
    }


_KINDS = (
    FileKind(_starts(b"PK\x03\x04"), _archive),
    FileKind(_starts(b"\x04\x22\x4d\x18"), _coffea),
    FileKind(_starts(b"root"), describe_root),
    FileKind(_starts(b"\x89HDF"), describe_hdf5),
    FileKind(lambda head, _: b"<LesHouchesEvents" in head, _lhe),
    FileKind(lambda head, _: head.lstrip().startswith(b"HepMC::"), _hepmc),
    FileKind(_is_safetensors, describe_checkpoint),
    FileKind(_starts(b"\x80"), describe_checkpoint),  # a bare pickle is what torch.save wrote once
    FileKind(lambda head, _: looks_like_onnx(head), describe_onnx),
    FileKind(lambda head, path: True, _text),  # noqa: ARG005  # the last takes everything
)
"""In the order in which they are asked."""
