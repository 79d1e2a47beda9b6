"""Whether two outputs hold the same arrays, whatever they say of times and places."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from rs3l_gnn.benchmarks.reliability.same import is_same

__all__ = ["differences", "leftovers"]

_OF_THE_RUN = (
    "second",
    "provenance",
    "time",
    "workers",
    "executor",
    "config",
    "digest",
    "output",
    "files",
    "from_checkpoints",
)
"""Parts of keys of JSON documents that say how a run went, or where, and not what it found."""
_SKIPPED = {".png", ".pdf", ".html", ".coffea", ".md", ".yaml", ".txt"}


def differences(one: Path, other: Path) -> list[str]:
    """Names of what only one has, or what is not the same in both; pictures and pages are not looked into."""
    names = {*_names(one), *_names(other)}
    return [name for name in sorted(names) if not _same(one / name, other / name)]


def leftovers(folder: Path) -> list[str]:
    """Hidden files and folders below a folder, which only runs that are not finished have."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob(".*"))


def _names(place: Path) -> Iterator[str]:
    if place.is_file():
        yield ""
    for path in place.rglob("*"):
        if path.is_file():
            yield str(path.relative_to(place))


def _same(one: Path, other: Path) -> bool:
    if not (one.is_file() and other.is_file()):
        return False
    return one.suffix in _SKIPPED or one.name == "timing.csv" or is_same(_content(one), _content(other))


def _content(path: Path) -> Any:
    if path.suffix == ".root":
        return _root(path)
    if path.suffix == ".h5":
        from rs3l_gnn.data import read_views

        return read_views(path)
    if path.suffix == ".safetensors":
        from safetensors.numpy import load_file

        return dict(sorted(load_file(path).items()))
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays}
    if path.suffix == ".json":
        return _found(json.loads(path.read_text(encoding="utf-8")))
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as stream:
            return list(csv.reader(stream))
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def _root(path: Path) -> dict[str, Any]:
    import uproot

    with uproot.open(path) as file:
        kinds = file.classnames(cycle=False)
        trees = {name: file[name].arrays() for name, kind in kinds.items() if kind == "TTree"}
        filled = {name: file[name].values() for name, kind in kinds.items() if kind.startswith("TH")}
    return trees | filled


def _found(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _found(value) for key, value in node.items() if not any(word in key for word in _OF_THE_RUN)}
    return [_found(value) for value in node] if isinstance(node, list) else node
