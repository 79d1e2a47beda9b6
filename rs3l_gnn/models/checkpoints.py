"""Own checkpoints: one safetensors file with a JSON document in its header. Loading never unpickles."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from rs3l_gnn.conventions import (
    FEATURES,
    BaseConfig,
    CheckpointError,
    ConfigError,
    JetDomain,
    atomic_file,
    parse_config,
)
from rs3l_gnn.models.backbone import BACKBONES, make_encoder
from rs3l_gnn.models.config import EncoderConfig, HeadConfig
from rs3l_gnn.models.digest import state_digest
from rs3l_gnn.models.encoder import Encoder
from rs3l_gnn.models.heads import Head, Tagger
from rs3l_gnn.models.published import read_published

__all__ = [
    "feature_table",
    "holds_head",
    "inspect_checkpoint",
    "load_encoder",
    "load_tagger",
    "save_encoder",
    "save_tagger",
    "shipped_names",
]

_FORMAT = "rs3l-checkpoint"
_VERSION = 1
_WEIGHTS = Path(__file__).parent / "weights"
_SHIPPED_DOMAIN = JetDomain(radius=0.8, pt_min=450.0, formats=("pfnano",), missing_features=())
_UNITS = {feature.name: feature.unit for feature in FEATURES}


def shipped_names() -> tuple[str, ...]:
    """Names of the weights that come with the package."""
    return tuple(sorted(path.stem for path in _WEIGHTS.glob("*.safetensors")))


def save_encoder(
    path: Path | str, encoder: Encoder, *, provenance: Mapping[str, Any] | None = None, force: bool = False
) -> None:
    """Write an encoder to one ``.safetensors`` file.

    Args:
        path: the file to write.
        encoder: weights and sizes.
        provenance: how it came to be (versions, seeds, training), kept as JSON.
        force: replace an existing file.

    Raises:
        OutputError: the file exists or cannot be written.
    """
    _save(path, encoder, provenance, force=force)


def save_tagger(
    path: Path | str, tagger: Tagger, *, provenance: Mapping[str, Any] | None = None, force: bool = False
) -> None:
    """Write an encoder with its head to one ``.safetensors`` file; arguments as for :func:`save_encoder`."""
    _save(path, tagger, provenance, force=force)


def load_encoder(
    name: str | Path, *, device: str | torch.device = "cpu", features: tuple[str, ...] | None = None
) -> Encoder:
    """Load an encoder, in evaluation mode.

    Args:
        name: shipped weights by name, an own ``.safetensors`` file (of a tagger: its encoder), or a published ``.pt``.
        device: where the weights go.
        features: names of the inputs, for a published file with other inputs than the 15 of the paper.

    Raises:
        CheckpointError: no such file, not a checkpoint, or a key or shape that does not fit; the key is named.
    """
    encoder, _ = _load(name, features)
    return encoder.to(device).eval()


def load_tagger(
    name: str | Path, *, device: str | torch.device = "cpu", features: tuple[str, ...] | None = None
) -> Tagger:
    """Load an encoder with its head, in evaluation mode; arguments and errors as for :func:`load_encoder`."""
    _, tagger = _load(name, features)
    if tagger is None:
        raise CheckpointError(f"{name} holds an encoder without a head", hint="fine-tune it first, or use load_encoder")
    return tagger.to(device).eval()


def holds_head(name: str | Path) -> bool:
    """Whether a checkpoint holds a tagger rather than an encoder alone; errors as for :func:`load_encoder`."""
    return bool(inspect_checkpoint(name)["kind"] == "tagger")


def inspect_checkpoint(path: Path | str) -> dict[str, Any]:
    """What a checkpoint is and holds, as a JSON-ready document, own or published.

    Raises:
        CheckpointError: as for :func:`load_encoder`.
    """
    path = _find(path)
    if path.suffix == ".safetensors":
        document, state = _read(path)
        tensors = {key: list(value.shape) for key, value in state.items()}
        document["domain"] = _domain(path, document).record()
        return {**document, "n_parameters": sum(value.numel() for value in state.values()), "tensors": tensors}
    published = read_published(path, features=None)
    return {
        "format": "published",
        "kind": "encoder" if published.head is None else "tagger",
        "features": feature_table(published.encoder),
        "config": {
            "encoder": published.encoder.model_dump(mode="json"),
            **({} if published.head is None else {"head": published.head.model_dump(mode="json")}),
        },
        "n_parameters": sum(value.numel() for value in published.state.values()),
        "keys": {line.key: {"shape": list(line.shape), "loaded_as": line.target} for line in published.report},
        "ignored": list(published.ignored),
    }


def _find(name: str | Path) -> Path:
    path = Path(name)
    if path.suffix == ".onnx":
        raise CheckpointError(
            f"{path} is no checkpoint",
            hint=f"say what it is: {{kind: onnx, file: {path}}}, or --kind onnx on a command line",
        )
    if path.is_file():
        return path
    shipped = _WEIGHTS / f"{name}.safetensors"
    if path.name == str(name) and shipped.is_file():
        return shipped
    raise CheckpointError(f"no checkpoint {str(name)!r}", allowed=[*shipped_names(), "a .safetensors or .pt file"])


def _load(name: str | Path, features: tuple[str, ...] | None) -> tuple[Encoder, Tagger | None]:
    path = _find(name)
    if path.suffix == ".safetensors":
        document, state = _read(path)
        configs = document["config"]
        config = _encoder_config(path, configs["encoder"])
        head_config = parse_config(HeadConfig, configs["head"], where=f"{path}: head") if "head" in configs else None
        if document["kind"] == "encoder":
            state = {f"encoder.{key}": value for key, value in state.items()}
    else:
        published = read_published(path, features=features)
        config, head_config, state, document = published.encoder, published.head, published.state, {}
    with torch.random.fork_rng(devices=[]):  # the weights drawn here are replaced by those of the file
        encoder = make_encoder(config)
        encoder.domain = _domain(path, document)
        head = None if head_config is None else Head(head_config, config.dim)
    if head is None:
        _fill(path, nn.ModuleDict({"encoder": encoder}), state)
        _check_digest(path, document, encoder)
        return encoder, None
    try:
        tagger = Tagger(encoder, head, classes=document.get("classes"))
    except ConfigError as error:
        raise CheckpointError(f"{path}: {error}") from error
    _fill(path, tagger, state)
    _check_digest(path, document, tagger)
    return encoder, tagger


def _domain(path: Path, document: Mapping[str, Any]) -> JetDomain:
    """Jets that the weights were trained on; the shipped files are older than the key, and their cards say it."""
    if "domain" not in document and path.parent == _WEIGHTS:
        return _SHIPPED_DOMAIN
    try:
        return JetDomain.from_record(document.get("domain"))
    except (AttributeError, TypeError) as error:
        raise CheckpointError(f"{path}: its domain is damaged", got=document["domain"]) from error


def _fill(path: Path, model: nn.Module, state: dict[str, Tensor]) -> None:
    own = model.state_dict()
    problems = [f"{key} is missing" for key in own if key not in state]
    problems += [f"{key} is not part of the model" for key in state if key not in own]
    problems += [
        f"{key} has shape {list(state[key].shape)}, the model has {list(own[key].shape)}"
        for key in own
        if key in state and state[key].shape != own[key].shape
    ]
    problems += [
        f"{key} holds values that are not finite"
        for key in own
        if key in state and not bool(torch.isfinite(state[key]).all())
    ]
    if problems:
        raise CheckpointError(f"{path} does not fit: {'; '.join(problems)}")
    model.load_state_dict(state)


def _encoder_config(path: Path, document: Mapping[str, Any]) -> EncoderConfig:
    backbone = str(document.get("backbone", BACKBONES.default))
    if backbone not in BACKBONES.parts:
        raise CheckpointError(
            f"{path} has an unknown backbone {backbone!r}",
            allowed=list(BACKBONES),
            hint="install the package that brings it",
        )
    return BACKBONES.parse(_without_foreign_keys(document), where=f"{path}: encoder")


def _without_foreign_keys(encoder: Mapping[str, Any]) -> dict[str, Any]:
    """The first checkpoints' settings held the keys of both backbones."""
    foreign = {"edgeconv": "heads", "transformer": "k"}.get(encoder.get("backbone", "edgeconv"))
    return {key: value for key, value in encoder.items() if key != foreign}


def _check_digest(path: Path, document: Mapping[str, Any], model: Encoder | Tagger) -> None:
    wanted = document.get("digest")
    if wanted is None:
        return
    settings = [document["config"][name] for name in ("encoder", "head") if name in document["config"]]
    if wanted not in (model.digest, found := state_digest(model, *settings)):
        raise CheckpointError(f"{path}: the weights do not match their digest", got=found, allowed=wanted)


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            text = (file.metadata() or {}).get("rs3l")
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  # no mapping, has keys() only
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is not a safetensors file", got=str(error)) from error
    if text is None:
        raise CheckpointError(f"{path} is a safetensors file without our document", hint="write it with save_encoder")
    try:
        document = json.loads(text)
        known = document["format"] == _FORMAT and document["kind"] in ("encoder", "tagger")
        wanted = {"encoder"} if document["kind"] == "encoder" else {"encoder", "head"}
        known = known and set(document["config"]) == wanted
        features = [feature["name"] for feature in document["features"]]
        units = {feature["name"]: feature["unit"] for feature in document["features"]}
        version = document["version"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{path}: its document is damaged", got=repr(error)) from error
    if not known or version != _VERSION:
        raise CheckpointError(
            f"{path} is of another format",
            got=f"{document.get('format')!r} version {version!r}, kind {document.get('kind')!r}",
            allowed=f"{_FORMAT!r} version {_VERSION}, kind 'encoder' or 'tagger'",
        )
    wrong = {name: unit for name, unit in units.items() if _UNITS.get(name) != unit}
    if wrong or features != list(document["config"]["encoder"].get("features", features)):
        raise CheckpointError(f"{path} expects other inputs than this version computes", got=units, allowed=_UNITS)
    return document, state


def _save(path: Path | str, model: Encoder | Tagger, provenance: Mapping[str, Any] | None, *, force: bool) -> None:
    encoder = model.encoder if isinstance(model, Tagger) else model
    configs: dict[str, BaseConfig] = {"encoder": encoder.config}
    if isinstance(model, Tagger):
        configs["head"] = model.head.config
    document = {
        "format": _FORMAT,
        "version": _VERSION,
        "kind": "tagger" if isinstance(model, Tagger) else "encoder",
        "features": feature_table(encoder.config),
        "config": {name: config.model_dump(mode="json") for name, config in configs.items()},
        "domain": encoder.domain.record(),
        **({"classes": list(model.classes)} if isinstance(model, Tagger) else {}),
        "provenance": dict(provenance or {}),
        "digest": model.digest,
    }
    try:
        text = json.dumps(document, allow_nan=False, sort_keys=True)
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"the provenance of {path} is not JSON", got=str(error)) from error
    state = {key: value.detach().cpu().contiguous() for key, value in model.state_dict().items()}
    with atomic_file(path, force=force) as partial:
        save_file(state, partial, metadata={"rs3l": text})


def feature_table(config: EncoderConfig) -> list[dict[str, str]]:
    """Inputs of an encoder in their order, each with its name and unit."""
    return [{"name": name, "unit": _UNITS[name]} for name in config.features]
