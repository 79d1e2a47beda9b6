"""What a file is and what it holds, found from its content rather than from its name."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from rs3l_gnn.conventions import InputFileError, JetType

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
    if head[:2] == b"\x1f\x8b":
        try:
            with gzip.open(path) as stream:
                head = stream.read(512)
        except (OSError, EOFError) as error:
            raise InputFileError(f"{path} is a damaged gzip file: {error}") from error
    if head.startswith(b"\x04\x22\x4d\x18"):
        return _coffea
    if head.startswith(b"root"):
        return _root
    if head.startswith(b"\x89HDF"):
        return _hdf5
    if b"<LesHouchesEvents" in head:
        return _lhe
    if head.startswith(b"HepMC::") or head.lstrip().startswith(b"HepMC::"):
        return _hepmc
    # A zip archive or a bare pickle is what torch.save writes; safetensors begin with the length of a JSON header.
    safetensors = head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= path.stat().st_size
    if safetensors or head.startswith((b"PK\x03\x04", b"\x80")):
        return _checkpoint
    if head.lstrip().startswith((b"{", b"[")):
        return _json
    raise _unknown(path)


def _unknown(path: Path) -> InputFileError:
    return InputFileError(
        f"{path} is of no known format",
        allowed="ROOT, HDF5, LHE, HepMC 3, checkpoints (.safetensors, .pt), JSON documents, .coffea",
    )


def _lhe(path: Path) -> Description:
    from rs3l_gnn.simulation import inspect_lhe

    return {"kind": "LHE", **inspect_lhe(path)}


def _hepmc(path: Path) -> Description:
    opener = gzip.open if path.read_bytes()[:2] == b"\x1f\x8b" else open
    with opener(path, "rt", encoding="utf-8", errors="replace") as stream:
        lines = Counter(line[:2] for line in stream)
    return {"kind": "HepMC", "events": lines["E "], "vertices": lines["V "], "particles": lines["P "]}


def _checkpoint(path: Path) -> Description:
    from rs3l_gnn.models import inspect_checkpoint

    return {"kind": "checkpoint", **inspect_checkpoint(path)}


def _coffea(_: Path) -> Description:
    return {
        "kind": "coffea output",
        "note": "not opened, because reading it runs whatever code it holds; histograms.json beside it says the same",
    }


def _json(path: Path) -> Description:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        if path.suffix == ".json":
            raise InputFileError(f"{path} is not valid JSON: {error}") from error
        raise _unknown(path) from error
    if isinstance(document, dict):
        if document.get("format") == "rs3l-histograms":
            return {
                "kind": "rs3l histograms",
                "complete": document["complete"],
                "histograms": list(document["histograms"]),
                "datasets": list(document["datasets"]),
                "variations": list(document["variations"]),
                "models": document.get("models", {}),
            }
        if {"channels", "measurements", "observations"} <= set(document):
            return {
                "kind": "pyhf workspace",
                "channels": [channel["name"] for channel in document["channels"]],
                "samples": sorted({s["name"] for channel in document["channels"] for s in channel["samples"]}),
                "version": document.get("version"),
            }
        if document and all(isinstance(v, dict) and "files" in v for v in document.values()):
            return {"kind": "coffea fileset", "datasets": {k: len(v["files"]) for k, v in document.items()}}
        return {"kind": "JSON document", "keys": list(document)}
    return {"kind": "JSON list", "entries": len(document)}


def _hdf5(path: Path) -> Description:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            if file.attrs.get("format") == "rs3l-views":
                return _views(file)
            shapes = {name: list(item.shape) for name, item in file.items() if isinstance(item, h5py.Dataset)}
            if {"features", "jet_features", "jettype", "vartype"} <= set(shapes):
                return {
                    "kind": "RS3L data set (published HDF5 layout)",
                    "jets": shapes["features"][0],
                    "jet types": _jettypes(file["jettype"][:]),
                    "vartypes": _counts(file["vartype"][:]),
                    "arrays": shapes,
                }
            return {"kind": "HDF5", "arrays": shapes, "groups": [k for k in file if k not in shapes]}
    except OSError as error:
        raise InputFileError(f"{path} is a damaged HDF5 file: {error}") from error


def _views(file: Any) -> Description:
    variations = json.loads(file.attrs["variations"])
    names = {record["vartype"]: record["name"] for record in variations}
    jets = file["jets"]
    vartypes = _counts(jets["vartype"][:])
    return {
        "kind": "rs3l views",
        "version": int(file.attrs["version"]),
        "hard events": len(file["events"]["first"]) - 1,
        "jets": len(jets["event"]),
        "candidates": len(file["features"]),
        "samples": json.loads(file.attrs["samples"]),
        "views": {names.get(int(number), number): count for number, count in vartypes.items()},
        "jet types": _jettypes(jets["jettype"][:]),
    }


def _root(path: Path) -> Description:
    import uproot

    _require_whole_root(path)
    try:
        with uproot.open(path) as file:
            trees = {
                key: int(file[key].num_entries)
                for key, kind in file.classnames(cycle=False).items()
                if kind in ("TTree", "ROOT::RNTuple")
            }
            description: Description = {"kind": "ROOT file", "trees": trees}
            if "rs3l_metadata" in file:
                description["kind"] = "rs3l simulation (PFNano-like ROOT)"
                description["simulation"] = json.loads(str(file["rs3l_metadata"]))
            events = next((file[name] for name in ("Events", "events", "Delphes") if name in trees), None)
            if events is not None:
                branches = set(events.keys(recursive=False))
                description["layout"] = _layout(events.name, branches)
                counters = [c for c in ("nFatJet", "nPFCands", "nPFCand") if c in branches]
                description["totals"] = {c: int(np.sum(events[c].array(library="np"))) for c in counters}
                description["branches"] = len(branches)
            return description
    except (
        OSError,
        ValueError,
        uproot.exceptions.KeyInFileError,
        uproot.deserialization.DeserializationError,
    ) as error:
        raise InputFileError(f"{path} is a damaged ROOT file: {' '.join(str(error).split())[:200]}") from error


def _require_whole_root(path: Path) -> None:
    """Compare the length of the file with the end that its header names (ROOT's TFile header: fVersion, fEND)."""
    with path.open("rb") as stream:
        head = stream.read(20)
    large = int.from_bytes(head[4:8], "big") >= 1_000_000  # such files have 64-bit pointers
    end = int.from_bytes(head[12:20] if large else head[12:16], "big")
    if path.stat().st_size < end:
        raise InputFileError(
            f"{path} is a damaged ROOT file: truncated",
            got=f"{path.stat().st_size} of {end} bytes",
            hint="copy it again",
        )


def _layout(tree: str, branches: set[str]) -> str:
    if tree == "Delphes":
        return "Delphes"
    if "pfcand_pt" in branches:
        return "RS3L data set (published flat layout)"
    if {"FatJetPFCands_jetIdx", "PFCands_pt"} <= branches:
        return "PFNano"
    if {"FatJetPFCand_jetIdx", "PFCand_pt"} <= branches:
        return "NanoAOD v15 with particle-flow candidates"
    if "FatJet_pt" in branches:
        return "NanoAOD without particle-flow candidates"
    return "unknown"


def _counts(values: Any) -> dict[int, int]:
    numbers, counts = np.unique(np.asarray(values), return_counts=True)
    return {int(n): int(c) for n, c in zip(numbers, counts, strict=True)}


def _jettypes(values: Any) -> dict[str, int]:
    known = {int(kind): kind.name for kind in JetType}
    return {known.get(number, str(number)): count for number, count in _counts(values).items()}
