"""Encoders, heads, checkpoints and export.

The names load on first use: importing this room alone does not import torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rs3l_gnn.models.checkpoints import (
        inspect_checkpoint,
        load_encoder,
        load_tagger,
        save_encoder,
        save_tagger,
        shipped_names,
    )
    from rs3l_gnn.models.config import EncoderConfig, HeadConfig
    from rs3l_gnn.models.edgeconv import DynamicEdgeConv
    from rs3l_gnn.models.encoder import Encoder
    from rs3l_gnn.models.heads import Head, Tagger

__all__ = [
    "DynamicEdgeConv",
    "Encoder",
    "EncoderConfig",
    "Head",
    "HeadConfig",
    "Tagger",
    "inspect_checkpoint",
    "load_encoder",
    "load_tagger",
    "save_encoder",
    "save_tagger",
    "shipped_names",
]

_HOME = {
    "DynamicEdgeConv": "edgeconv",
    "Encoder": "encoder",
    "EncoderConfig": "config",
    "Head": "heads",
    "HeadConfig": "config",
    "Tagger": "heads",
    "inspect_checkpoint": "checkpoints",
    "load_encoder": "checkpoints",
    "load_tagger": "checkpoints",
    "save_encoder": "checkpoints",
    "save_tagger": "checkpoints",
    "shipped_names": "checkpoints",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
