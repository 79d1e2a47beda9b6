"""Published checkpoints (deepjet-geometric): ``{"model", "opt", "lr"}`` or a bare state dict, read without unpickling.

Their keys are ``pf_encode``, ``conv1`` to ``conv3``, ``output`` and, after fine-tuning, ``mlp`` (one or five layers).
"""

from __future__ import annotations

import pickle
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rs3l_gnn.conventions import FEATURE_NAMES, CheckpointError
from rs3l_gnn.models.backbones.edgeconv import EdgeConvConfig
from rs3l_gnn.models.config import EncoderConfig, HeadConfig
from rs3l_gnn.models.stored import feature_table

__all__ = ["KeyReport", "Published", "inspect_published", "read_published"]

_PATTERNS = (
    (re.compile(r"pf_encode\.([02])\.(weight|bias)"), "encoder.particle.{0}.{1}"),
    (re.compile(r"conv([1-9]\d*)\.nn\.0\.(weight|bias)"), "encoder.layers.{0}.nn.0.{1}"),
    (re.compile(r"output\.(\d*[02468])\.(weight|bias)"), "encoder.output.{0}.{1}"),
    (re.compile(r"mlp\.(\d*[02468])\.(weight|bias)"), "head.mlp.{0}.{1}"),
)


@dataclass(frozen=True)
class KeyReport:
    """What became of one tensor of a published file."""

    key: str
    shape: tuple[int, ...]
    target: str


@dataclass(frozen=True)
class Published:
    """A published file, translated.

    Attributes:
        encoder: sizes of the encoder.
        head: sizes of the head, None if the file has none.
        state: tensors under the names of a tagger (``encoder.`` and ``head.``).
        report: every tensor of the file and where it went.
        ignored: entries beside the weights that are not used (optimiser, schedule).
    """

    encoder: EncoderConfig
    head: HeadConfig | None
    state: dict[str, Tensor]
    report: tuple[KeyReport, ...]
    ignored: tuple[str, ...]


def inspect_published(path: Path) -> dict[str, Any]:
    """What a published file holds, as a JSON-ready document; errors as for :func:`read_published`."""
    published = read_published(path)
    return {
        "format": "published",
        "kind": "encoder" if published.head is None else "tagger",
        "features": feature_table(published.encoder.features),
        "config": {
            "encoder": published.encoder.model_dump(mode="json"),
            **({} if published.head is None else {"head": published.head.model_dump(mode="json")}),
        },
        "n_parameters": sum(value.numel() for value in published.state.values()),
        "keys": {line.key: {"shape": list(line.shape), "loaded_as": line.target} for line in published.report},
        "ignored": list(published.ignored),
    }


def read_published(path: Path, *, k: int = 24, features: tuple[str, ...] | None = None) -> Published:
    """Read a ``.pt`` file. Nothing in it is executed: only tensors and plain containers are accepted.

    Args:
        path: the file.
        k: neighbours; the files do not hold it, 24 is the published setting.
        features: names of the inputs; needed where the first layer does not have the 15 of the paper.

    Raises:
        CheckpointError: not such a file, code in it, or a key or shape that does not fit; the key is named.
    """
    document = _load(path)
    ignored: tuple[str, ...] = ()
    state = document
    if isinstance(document, dict) and isinstance(document.get("model"), dict):
        state = document["model"]
        ignored = tuple(str(key) for key in document if key != "model")
    if not isinstance(state, dict) or not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise CheckpointError(
            f"{path} holds no state dict",
            got=type(state).__name__,
            allowed="{'model': {...}, 'opt': ..., 'lr': ...} or a bare state dict of tensors",
        )
    translated, report = _translate(path, {str(key): value for key, value in state.items()})
    encoder = _encoder_config(path, translated, k, features)
    return Published(encoder, _head_config(translated), translated, report, ignored)


def _load(path: Path) -> object:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the pickle's age; what does not fit is an error of ours below
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        # Around the reason torch advises to load the file with its code, which is no advice for a file of others.
        told = re.search(r"WeightsUnpickler error:\s*(\S.*)", str(error))
        reason = told[1] if told else type(error).__name__
        blocked = re.search(r"GLOBAL\s+([\w.]+)", str(error))
        if blocked:
            raise CheckpointError(
                f"{path} asks to import {blocked[1]}; nothing of it was run",
                hint="a checkpoint holds tensors only: save its state_dict() and load that",
            ) from error
        raise CheckpointError(f"{path} is not a checkpoint; nothing of it was run", got=reason) from error
    except Exception as error:
        if "TorchScript" in str(error):
            raise CheckpointError(
                f"{path} is TorchScript, a program, and nothing of it was run",
                hint=f"if you trust it, say so: {{kind: torchscript, file: {path}}}, or --kind torchscript",
            ) from error
        # torch has no error of its own for a file that is cut short or something else altogether.
        raise CheckpointError(f"{path} is not a checkpoint", got=" ".join(str(error).split())[:200]) from error


def _translate(path: Path, state: dict[str, Tensor]) -> tuple[dict[str, Tensor], tuple[KeyReport, ...]]:
    translated: dict[str, Tensor] = {}
    report = []
    unknown = []
    for key, value in state.items():
        target = _target(key.removeprefix("module."))  # left behind by DistributedDataParallel
        if target is None:
            unknown.append(key)
            continue
        translated[target] = value.detach().to(torch.float32)
        report.append(KeyReport(key, tuple(value.shape), target))
    if unknown:
        raise CheckpointError(
            f"{path} has keys that no published encoder has: {', '.join(unknown)}",
            allowed="pf_encode.*, conv1.nn.0.* and on, output.*, mlp.*",
        )
    return translated, tuple(report)


def _target(key: str) -> str | None:
    for pattern, target in _PATTERNS:
        found = pattern.fullmatch(key)
        if found:
            number = int(found[1])
            return target.format(number - 1 if key.startswith("conv") else number, found[2])
    return None


def _encoder_config(path: Path, state: dict[str, Tensor], k: int, features: tuple[str, ...] | None) -> EncoderConfig:
    first = state.get("encoder.particle.0.weight")
    if first is None or first.dim() != 2:
        raise CheckpointError(f"{path}: key 'pf_encode.0.weight' is missing or not a matrix")
    width, n_inputs = first.shape
    if features is None:
        if n_inputs != len(FEATURE_NAMES):
            raise CheckpointError(
                f"{path}: 'pf_encode.0.weight' takes {n_inputs} inputs, and the file does not say which",
                hint="pass features=(names in their order)",
            )
        features = FEATURE_NAMES
    sizes = _linear_sizes(state, "encoder.output.")
    if not sizes:
        raise CheckpointError(f"{path}: keys 'output.*' are missing")
    layers = {int(key.split(".")[2]) for key in state if key.startswith("encoder.layers.")}
    return EdgeConvConfig(
        features=features, width=width, layers=max(layers, default=-1) + 1, k=k, hidden=tuple(sizes[:-1]), dim=sizes[-1]
    )


def _head_config(state: dict[str, Tensor]) -> HeadConfig | None:
    sizes = _linear_sizes(state, "head.mlp.")
    return HeadConfig(hidden=tuple(sizes[:-1]), n_classes=sizes[-1]) if sizes else None


def _linear_sizes(state: dict[str, Tensor], prefix: str) -> list[int]:
    names = [key for key in state if key.startswith(prefix) and key.endswith(".weight")]
    return [int(state[key].shape[0]) for key in sorted(names, key=lambda key: int(key.split(".")[2]))]
