"""Where an output comes from: versions, seeds, configuration and hashes of the inputs."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rs3l_gnn import __version__
from rs3l_gnn.conventions.inputs import reading, require_file

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["config_digest", "file_digest", "provenance"]

_PACKAGES = (
    "awkward",
    "cabinetry",
    "coffea",
    "fastjet",
    "hist",
    "numba",
    "numpy",
    "pyhf",
    "pythia8mc",
    "torch",
    "torch_geometric",
    "uproot",
)


def file_digest(path: Path | str) -> str:
    """SHA-256 of a file's content, in hexadecimal.

    Raises:
        InputFileError: it is a folder, pipe or device, or is gone by now.
    """
    require_file(path)
    with reading(path, "cannot be read any more"), Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def config_digest(config: BaseModel) -> str:
    """SHA-256 of a resolved configuration; equal settings give equal digests."""
    text = json.dumps(config.model_dump(mode="json"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def provenance(
    *, config: BaseModel | None = None, seeds: Mapping[str, int] | None = None, inputs: Sequence[Path | str] = ()
) -> dict[str, Any]:
    """Record for a JSON file beside an output.

    There is no time stamp in it: the same inputs give the same bytes.
    """
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return {
        "rs3l_gnn": __version__,
        "python": platform.python_version(),
        "packages": versions,
        "seeds": dict(seeds or {}),
        "config_digest": None if config is None else config_digest(config),
        "inputs": {Path(path).name: file_digest(path) for path in inputs},
    }
