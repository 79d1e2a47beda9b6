"""Own checkpoints: one safetensors file with a JSON document in its header. Loading never unpickles."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from rs3l_gnn.conventions import BaseConfig, CheckpointError, ConfigError, JetDomain, atomic_file, parse_config
from rs3l_gnn.models.backbone import BACKBONES, make_encoder
from rs3l_gnn.models.config import EncoderConfig, HeadConfig
from rs3l_gnn.models.digest import state_digest
from rs3l_gnn.models.encoder import Encoder
from rs3l_gnn.models.heads import Head, Tagger
from rs3l_gnn.models.published import read_published
from rs3l_gnn.models.stored import FORMAT, VERSION, Stored, feature_table, find_checkpoint, read_stored, require_fit

__all__ = ["load_encoder", "load_tagger", "save_encoder", "save_tagger"]


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


def _load(name: str | Path, features: tuple[str, ...] | None) -> tuple[Encoder, Tagger | None]:
    path = find_checkpoint(name)
    stored = read_stored(path) if path.suffix == ".safetensors" else None
    if stored is not None:
        config = _encoder_config(stored)
        head_config = parse_config(HeadConfig, stored.head, where=f"{path}: head") if stored.head is not None else None
        state = {key: torch.from_numpy(value) for key, value in stored.state.items()}
    else:
        published = read_published(path, features=features)
        config, head_config, state = published.encoder, published.head, published.state
    with torch.random.fork_rng(devices=[]):  # the weights drawn here are replaced by those of the file
        encoder = make_encoder(config)
        encoder.domain = JetDomain() if stored is None else stored.domain
        head = None if head_config is None else Head(head_config, config.dim)
    if head is None:
        _fill(path, nn.ModuleDict({"encoder": encoder}), state)
        _check_digest(stored, encoder)
        return encoder, None
    try:
        tagger = Tagger(encoder, head, classes=None if stored is None else stored.document.get("classes"))
    except ConfigError as error:
        raise CheckpointError(f"{path}: {error}") from error
    _fill(path, tagger, state)
    _check_digest(stored, tagger)
    return encoder, tagger


def _fill(path: Path, model: nn.Module, state: dict[str, Tensor]) -> None:
    shapes = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    require_fit(path, shapes, {key: value.double().numpy() for key, value in state.items()})
    model.load_state_dict(state)


def _encoder_config(stored: Stored) -> EncoderConfig:
    backbone = str(stored.encoder.get("backbone", BACKBONES.default))
    if backbone not in BACKBONES.parts:
        raise CheckpointError(
            f"{stored.path} has an unknown backbone {backbone!r}",
            allowed=list(BACKBONES),
            hint="install the package that brings it",
        )
    return BACKBONES.parse(stored.encoder, where=f"{stored.path}: encoder")


def _check_digest(stored: Stored | None, model: Encoder | Tagger) -> None:
    if stored is not None:
        settings = [
            stored.document["config"][name] for name in ("encoder", "head") if name in stored.document["config"]
        ]
        stored.require_digest([model.digest, state_digest(model, *settings)])


def _save(path: Path | str, model: Encoder | Tagger, provenance: Mapping[str, Any] | None, *, force: bool) -> None:
    encoder = model.encoder if isinstance(model, Tagger) else model
    configs: dict[str, BaseConfig] = {"encoder": encoder.config}
    if isinstance(model, Tagger):
        configs["head"] = model.head.config
    document = {
        "format": FORMAT,
        "version": VERSION,
        "kind": "tagger" if isinstance(model, Tagger) else "encoder",
        "features": feature_table(encoder.config.features),
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
