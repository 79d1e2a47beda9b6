"""The format of a file, found from its content rather than from its name, and events of generators."""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rs3l_gnn.conventions import InputFileError
from rs3l_gnn.conventions.packed import is_packed, open_packed, open_text
from rs3l_gnn.workflows.inspection.arrays import describe_hdf5, describe_root
from rs3l_gnn.workflows.inspection.documents import describe_json
from rs3l_gnn.workflows.inspection.networks import describe_checkpoint, describe_onnx, looks_like_onnx
from rs3l_gnn.workflows.inspection.texts import describe_text

__all__ = ["describe", "render"]

Description = dict[str, Any]


def describe(path: Path | str) -> Description:
    """Describe one file; the key ``kind`` names its format.

    Raises:
        InputFileError: the file is missing, empty, truncated, or of no known format.
    """
    path = Path(path)
    if path.is_dir():
        raise InputFileError(f"{path} is a directory", hint="name one file in it")
    try:
        with path.open("rb") as stream:
            head = stream.read(512)
    except OSError as error:
        raise InputFileError(f"cannot read {path}: {error.strerror}") from error
    if not head:
        raise InputFileError(f"{path} is empty")
    return {"file": path.name, "bytes": path.stat().st_size, **_reader(path, head)(path)}


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


def _reader(path: Path, head: bytes) -> Callable[[Path], Description]:
    if is_packed(head):
        with open_packed(path) as stream:
            head = stream.read(512)
    if head.startswith(b"PK\x03\x04"):
        _refuse_foreign_archive(path)
    if head.startswith(b"\x04\x22\x4d\x18"):
        return _coffea
    if head.startswith(b"root"):
        return describe_root
    if head.startswith(b"\x89HDF"):
        return describe_hdf5
    if b"<LesHouchesEvents" in head:
        return _lhe
    if head.startswith(b"HepMC::") or head.lstrip().startswith(b"HepMC::"):
        return _hepmc
    # A zip archive or a bare pickle is what torch.save writes; safetensors begin with the length of a JSON header.
    safetensors = head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= path.stat().st_size
    if safetensors or head.startswith((b"PK\x03\x04", b"\x80")):
        return describe_checkpoint
    return describe_onnx if looks_like_onnx(head) else _text


def _refuse_foreign_archive(path: Path) -> None:
    """Archives of torch state a version; a damaged archive is left to the reader of checkpoints."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile:
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
        with open_text(path) as lines:
            for line in lines:
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
