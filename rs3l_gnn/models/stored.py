"""What a checkpoint holds, as arrays and JSON: read and checked without torch."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from rs3l_gnn.conventions import CheckpointError, ConfigError, JetDomain, find_feature, known_features, unit_of
from rs3l_gnn.models.discriminants import class_names
from rs3l_gnn.models.hub import fetch_network, is_address

__all__ = [
    "FORMAT",
    "VERSION",
    "Stored",
    "checkpoint_path",
    "feature_table",
    "find_checkpoint",
    "holds_head",
    "inspect_checkpoint",
    "read_stored",
    "require_fit",
    "seen_events",
    "shipped_names",
    "shipped_path",
]

FORMAT, VERSION = "rs3l-checkpoint", 1
_WEIGHTS = Path(__file__).parent / "weights"
_SHIPPED_DOMAIN = JetDomain(radius=0.8, pt_min=450.0, formats=("pfnano",), missing_features=())


@dataclass(frozen=True)
class Stored:
    """An own checkpoint.

    Attributes:
        path: of the file.
        document: of its header.
        state: arrays by name, those of a tagger below ``encoder.`` and ``head.``.
    """

    path: Path
    document: dict[str, Any]
    state: dict[str, NDArray[Any]]

    @property
    def encoder(self) -> dict[str, Any]:
        """Settings of the encoder; the first checkpoints held the keys of both backbones."""
        settings = self.document["config"]["encoder"]
        foreign = {"edgeconv": "heads", "transformer": "k"}.get(settings.get("backbone", "edgeconv"))
        return {key: value for key, value in settings.items() if key != foreign}

    @property
    def head(self) -> dict[str, Any] | None:
        """Settings of the head; None for an encoder alone."""
        settings: dict[str, Any] | None = self.document["config"].get("head")
        return settings

    @property
    def domain(self) -> JetDomain:
        """Jets that the weights were trained on; the shipped files are older than the key, and their cards say it.

        Raises:
            CheckpointError: it is damaged.
        """
        if "domain" not in self.document and self.path.parent == _WEIGHTS:
            return _SHIPPED_DOMAIN
        try:
            return JetDomain.from_record(self.document.get("domain"))
        except (AttributeError, TypeError) as error:
            raise CheckpointError(f"{self.path}: its domain is damaged", got=self.document["domain"]) from error

    def classes(self, n_classes: int) -> tuple[str, ...]:
        """Names of the scores of a tagger.

        Raises:
            CheckpointError: it names another number of them.
        """
        try:
            return class_names(n_classes, self.document.get("classes"))
        except (ConfigError, TypeError) as error:
            raise CheckpointError(f"{self.path}: {error}") from error

    def require_digest(self, known: Iterable[str]) -> None:
        """Refuse weights whose digest is not the stored one, if one is stored.

        Args:
            known: digests of the weights, under the settings that the file holds and as this version writes them.

        Raises:
            CheckpointError: names both.
        """
        wanted, found = self.document.get("digest"), list(known)
        if wanted is not None and wanted not in found:
            raise CheckpointError(f"{self.path}: the weights do not match their digest", got=found[-1], allowed=wanted)


def shipped_names() -> tuple[str, ...]:
    """Names of the weights that come with the package."""
    return _names_in(_WEIGHTS, _WEIGHTS.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _names_in(folder: Path, changed: int) -> tuple[str, ...]:
    del changed  # so that what is put there later is found
    return tuple(sorted(path.stem for path in folder.glob("*.safetensors")))


def shipped_path(name: str | Path) -> Path | None:
    """File of the shipped weights of a name; None where there are none."""
    path = _WEIGHTS / f"{name}.safetensors"
    return path if Path(name).name == str(name) and path.is_file() else None


def checkpoint_path(name: str, stem: str) -> str:
    """Weights inside a folder of a training, ``<stem>.safetensors``, or the name itself."""
    folder = Path(name)
    return str(folder / f"{stem}.safetensors") if folder.is_dir() else name


def find_checkpoint(name: str | Path) -> Path:
    """Path of shipped weights by name, of a file, or of what :func:`rs3l_gnn.models.hub.fetch_network` fetches.

    Raises:
        CheckpointError: there is none.
        ConfigError, DownloadError, MissingDependencyError: as there.
    """
    if is_address(name):
        return fetch_network(str(name))
    path = Path(name)
    if path.suffix == ".onnx":
        raise CheckpointError(
            f"{path} is no checkpoint",
            hint=f"say what it is: {{kind: onnx, file: {path}}}, or --kind onnx on a command line",
        )
    if path.is_file():
        return path
    if (shipped := shipped_path(name)) is not None:
        return shipped
    raise CheckpointError(f"no checkpoint {str(name)!r}", allowed=[*shipped_names(), "a .safetensors or .pt file"])


def feature_table(names: Iterable[str]) -> list[dict[str, str]]:
    """Inputs of an encoder in their order, each with its name and unit."""
    return [{"name": name, "unit": find_feature(name).unit} for name in names]


def holds_head(name: str | Path) -> bool:
    """Whether a checkpoint holds a tagger rather than an encoder alone; errors as for :func:`inspect_checkpoint`."""
    return bool(inspect_checkpoint(name)["kind"] == "tagger")


def inspect_checkpoint(path: Path | str) -> dict[str, Any]:
    """What a checkpoint is and holds, as a JSON-ready document, own or published.

    Raises:
        CheckpointError: no such file, not a checkpoint, or a damaged document.
    """
    path = find_checkpoint(path)
    if path.suffix != ".safetensors":
        from rs3l_gnn.models.published import inspect_published

        return inspect_published(path)
    stored = read_stored(path)
    prefix = "encoder." if stored.document["kind"] == "encoder" else ""
    return {
        **stored.document,
        "domain": stored.domain.record(),
        "n_parameters": sum(value.size for value in stored.state.values()),
        "tensors": {key.removeprefix(prefix): list(value.shape) for key, value in stored.state.items()},
    }


def seen_events(name: str | Path) -> tuple[dict[str, Any], ...]:
    """What a checkpoint says of the events that it was trained on; nothing for files that are not of this package.

    Raises:
        CheckpointError: no such file, or not a checkpoint.
    """
    path = find_checkpoint(name)
    if path.suffix != ".safetensors":
        return ()
    return tuple((_checked(path, _header(path)).get("provenance") or {}).get("seen_events") or ())


def read_stored(path: Path) -> Stored:
    """Read an own checkpoint.

    Raises:
        CheckpointError: another kind of file, a damaged document, or inputs that this version does not compute.
    """
    document = _checked(path, _header(path))
    try:
        with safe_open(path, framework="numpy") as file:
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  # no mapping, has keys() only
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is not a safetensors file", got=str(error)) from error
    if document["kind"] == "encoder":
        state = {f"encoder.{key}": value for key, value in state.items()}
    return Stored(path, document, state)


def _header(path: Path) -> str:
    try:
        with safe_open(path, framework="numpy") as file:
            text: str | None = (file.metadata() or {}).get("rs3l")
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is not a safetensors file", got=str(error)) from error
    if text is None:
        raise CheckpointError(f"{path} is a safetensors file without our document", hint="write it with save_encoder")
    return text


def _checked(path: Path, text: str) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(text)
        known = document["format"] == FORMAT and document["kind"] in ("encoder", "tagger")
        wanted = {"encoder"} if document["kind"] == "encoder" else {"encoder", "head"}
        known = known and set(document["config"]) == wanted
        features = [feature["name"] for feature in document["features"]]
        units = {feature["name"]: feature["unit"] for feature in document["features"]}
        version = document["version"]
        inputs = list(document["config"]["encoder"].get("features", features)) if known else features
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CheckpointError(f"{path}: its document is damaged", got=repr(error)) from error
    if not known or version != VERSION:
        raise CheckpointError(
            f"{path} is of another format",
            got=f"{document.get('format')!r} version {version!r}, kind {document.get('kind')!r}",
            allowed=f"{FORMAT!r} version {VERSION}, kind 'encoder' or 'tagger'",
        )
    for name, unit in units.items():
        if (ours := unit_of(name)) != unit:
            raise CheckpointError(
                f"{path} expects other inputs than this version computes: {name!r}",
                got=f"unit {unit}",
                allowed=f"unit {ours}" if ours else list(known_features()),
                hint=None if ours else "install the package that brings this feature",
            )
    for place, value, fits in _parts(document):
        if not fits:
            raise CheckpointError(f"{path}: its document is damaged at {place}", got=str(value)[:200])
    if features != inputs:
        raise CheckpointError(f"{path} expects other inputs than its settings say", got=", ".join(features))
    return document


def _parts(document: dict[str, Any]) -> Iterator[tuple[str, Any, bool]]:
    """Place, value, and whether it is of the right type, for what no reader of settings looks at."""
    config, classes, provenance = (document.get(name) for name in ("config", "classes", "provenance"))
    for name, settings in (config or {}).items():
        is_table = isinstance(settings, dict)
        yield f"config.{name}", settings, is_table
        yield "the backbone", settings, is_table and isinstance(settings.get("backbone", ""), str)
    names = isinstance(classes, list) and all(isinstance(name, str) for name in classes)
    yield "classes", classes, classes is None or names
    yield "provenance", provenance, provenance is None or isinstance(provenance, dict)
    seen = (provenance or {}).get("seen_events") or []
    yield "provenance.seen_events", seen, isinstance(seen, list) and all(isinstance(one, dict) for one in seen)


def require_fit(path: Path, shapes: Mapping[str, tuple[int, ...]], state: Mapping[str, NDArray[Any]]) -> None:
    """Refuse arrays that are not those of a network.

    Args:
        path: of the file, for the message.
        shapes: of the network's arrays, by name.
        state: arrays of the file.

    Raises:
        CheckpointError: names every key that is missing, too many, of another shape, or not finite.
    """
    problems = [f"{key} is missing" for key in shapes if key not in state]
    problems += [f"{key} is not part of the model" for key in state if key not in shapes]
    both = [key for key in shapes if key in state]
    problems += [
        f"{key} has shape {list(state[key].shape)}, the model has {list(shapes[key])}"
        for key in both
        if state[key].shape != tuple(shapes[key])
    ]
    problems += [f"{key} holds values that are not finite" for key in both if not np.isfinite(state[key]).all()]
    if problems:
        raise CheckpointError(f"{path} does not fit: {'; '.join(problems)}")
