"""JSON documents, by what they hold: those that the verbs write, and those of coffea and pyhf."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rs3l_gnn.conventions import InputFileError
from rs3l_gnn.conventions.inputs import reading
from rs3l_gnn.workflows.inspection import results
from rs3l_gnn.workflows.inspection.numbers import origin, rounded

__all__ = ["describe_json"]

Description = dict[str, Any]
_MD5_LIMIT = 2_000_000_000
"""Bytes beside ``fetch.json`` that are summed again; more would make a look take minutes."""


def describe_json(path: Path) -> Description | None:
    """Describe a document, or None if the file is not JSON and does not claim to be.

    Raises:
        InputFileError: a ``.json`` file that is not valid JSON, or one of ours that lacks what it should hold.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        if path.suffix == ".json":
            raise InputFileError(f"{path} is not valid JSON: {error}") from error
        return None
    if not isinstance(document, dict):
        return {"kind": "JSON list" if isinstance(document, list) else "JSON value", "entries": _length(document)}
    with reading(path, "is a damaged document"):
        return _reader(document)(document, path)


def _length(document: Any) -> int:
    return len(document) if isinstance(document, list) else 1


def _reader(document: Description) -> Callable[[Description, Path], Description]:
    form = document.get("format")
    if isinstance(form, str) and form in _BY_FORMAT:
        return _BY_FORMAT[form]
    for keys, reader in _BY_KEYS:
        if keys <= set(document):
            return reader
    if document and all(isinstance(value, dict) and "files" in value for value in document.values()):
        return _fileset
    return _any


def _simulation(document: Description, _: Path) -> Description:
    hard_events = document["hard_events"]
    return {
        "kind": "summary of rs3l simulate",
        "sample": document["sample"],
        "process": document["process"],
        "hard events": hard_events,
        "rejected by the generator": len(document["failed_events"]),
        "cross-section, pb": document["xsec_pb"],
        **({"cross-section from": document["xsec_from"]} if "xsec_from" in document else {}),
        **_merged(document),
        "sum of weights": document["sumw"],
        "views share": {"hard": "hard partons", "shower": "showered partons", "particles": "particles"}[
            document["config"]["start"]
        ],
        "match efficiency": rounded(document["match_efficiency"]),
        "events with their jet": {name: n for name, n in document["matched"].items() if name not in ("all", "any")},
        "efficiency by variation": {
            name: rounded(n / max(hard_events, 1)) for name, n in document["matched"].items() if name != "any"
        },
        "jets": document["jets"],
        "showers per second and process": {n: rounded(rate) for n, rate in document["showers_per_second"].items()},
        **origin(document),
    }


def _merged(document: Description) -> Description:
    """What merging left of a sample, by variation; nothing where it vetoed nothing."""
    if not any(document.get("vetoed", {}).values()):
        return {}
    return {
        "vetoed by merging": document["vetoed"],
        "merged cross-section, pb": {name: rounded(value) for name, value in document["merged_xsec_pb"].items()},
    }


def _pair(document: Description, _: Path) -> Description:
    samples = {}
    for name, sample in document["samples"].items():
        samples[name] = {
            "hard events": sample["hard_events"],
            "matched": sample["matched"],
            "match efficiency": rounded(sample["match_efficiency"]),
            "in every view": sample["complete"],
            "efficiency by variation": {
                view: rounded(value) for view, value in sample.get("match_efficiencies", {}).items()
            },
            "matched with": sample["matched_with"],
        }
    return {
        "kind": "report of rs3l pair",
        "views": document["views"],
        "hard events": document["hard_events"],
        "matched": document["matched"],
        "match efficiency": rounded(document["match_efficiency"]),
        "samples": samples,
        "input files": len(document["provenance"]["inputs"]),
        **origin(document),
    }


def _fetch(document: Description, path: Path) -> Description:
    files = document["files"]
    return {
        "kind": "record of rs3l fetch",
        "record": document["record"],
        "total MB": rounded(sum(file["size"] for file in files) / 1e6),
        "files": {
            file["name"]: f"{file['size'] / 1e6:.1f} MB, {_state(path.parent / file['name'], file)}" for file in files
        },
        **origin(document),
    }


def _state(path: Path, file: dict[str, Any]) -> str:
    """Whether a fetched file is still what the record says."""
    if not path.is_file():
        return "not here"
    if path.stat().st_size != file["size"]:
        return f"has {path.stat().st_size} bytes instead of {file['size']}"
    if file["size"] > _MD5_LIMIT:
        return "right size, MD5 not computed again"
    with path.open("rb") as stream:
        md5 = hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    return "MD5 agrees" if md5 == file["md5"] else "another MD5 than the record's"


def _export(document: Description, _: Path) -> Description:
    return {
        "kind": "record of rs3l export",
        "model": document["kind"],
        "digest": document["digest"],
        "features": [feature["name"] for feature in document["features"]],
        "files": {
            name: f"{entry['format']}, differs from the model by {entry['max_difference']:.1e} at most"
            for name, entry in document["files"].items()
        },
        "tolerance": document["tolerance"],
    }


def _workspace(document: Description, _: Path) -> Description:
    return {
        "kind": "pyhf workspace",
        "channels": [channel["name"] for channel in document["channels"]],
        "samples": sorted({s["name"] for channel in document["channels"] for s in channel["samples"]}),
        "version": document.get("version"),
    }


def _provenance(document: Description, _: Path) -> Description:
    return {
        "kind": "provenance",
        **{key: document[key] for key in ("rs3l_gnn", "python", "seeds", "config_digest")},
        "packages": document["packages"],
        "inputs": len(document["inputs"]),
    }


def _fileset(document: Description, _: Path) -> Description:
    datasets = {}
    for name, entry in document.items():
        text = f"{len(entry['files'])} files"
        metadata = entry.get("metadata") or {}
        if metadata.get("resimulated_of"):
            text += f", {metadata['variation']} of {metadata['resimulated_of']}"
        if "xsec" in metadata:
            text += f", {metadata['xsec']:.4g} pb"
        datasets[name] = text
    return {"kind": "coffea fileset", "datasets": datasets}


def _any(document: Description, _: Path) -> Description:
    plain = {key: value for key, value in document.items() if isinstance(value, (str, int, float, bool, type(None)))}
    return {"kind": "JSON document", "keys": list(document), **({"values": plain} if plain else {})}


def _plain(reader: Callable[[Description], Description]) -> Callable[[Description, Path], Description]:
    """A reader that does not look beside the document."""
    return lambda document, _: reader(document)


_BY_FORMAT: dict[str, Callable[[Description, Path], Description]] = {
    "rs3l-simulation-summary": _simulation,
    "rs3l-pair-report": _pair,
    "rs3l-fetch": _fetch,
    "rs3l-metrics": _plain(results.describe_metrics),
    "rs3l-plan": _plain(results.describe_plan),
    "rs3l-histograms": _plain(results.describe_histograms),
    "rs3l-fit": _plain(results.describe_fit),
    "rs3l-fit-comparison": _plain(results.describe_comparison),
}

# Documents that do not name their format, by the keys that they must have.
_BY_KEYS: tuple[tuple[set[str], Callable[[Description, Path], Description]], ...] = (
    (
        {"simulation", "pretraining", "tagging", "robustness", "analysis", "fit", "seconds_total"},
        _plain(results.describe_demo),
    ),
    ({"executor", "cutflow", "chunks", "jets_per_second"}, _plain(results.describe_analysis)),
    ({"match_efficiency", "matched", "views", "samples"}, _pair),
    ({"features", "tolerance", "files", "digest"}, _export),
    ({"channels", "measurements", "observations"}, _workspace),
    ({"rs3l_gnn", "packages", "config_digest"}, _provenance),
)
