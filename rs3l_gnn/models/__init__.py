"""Encoders, heads, checkpoints and export.

The names load on first use: importing this room alone does not import torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rs3l_gnn.conventions.lazy import lazy_names

if TYPE_CHECKING:
    from rs3l_gnn.models.backbone import BACKBONES, AnyEncoder, make_encoder
    from rs3l_gnn.models.backbones.edgeconv import EdgeConvConfig
    from rs3l_gnn.models.backbones.transformer import TransformerConfig
    from rs3l_gnn.models.checkpoints import (
        inspect_checkpoint,
        load_encoder,
        load_tagger,
        save_encoder,
        save_tagger,
        shipped_names,
    )
    from rs3l_gnn.models.config import EncoderConfig, HeadConfig
    from rs3l_gnn.models.discriminants import Discriminant, one_score, require_one_score
    from rs3l_gnn.models.edgeconv import DynamicEdgeConv
    from rs3l_gnn.models.encoder import Encoder
    from rs3l_gnn.models.heads import Head, Tagger
    from rs3l_gnn.models.threads import encoder_threads

__all__ = [
    "BACKBONES",
    "AnyEncoder",
    "Discriminant",
    "DynamicEdgeConv",
    "EdgeConvConfig",
    "Encoder",
    "EncoderConfig",
    "Head",
    "HeadConfig",
    "Tagger",
    "TransformerConfig",
    "encoder_threads",
    "inspect_checkpoint",
    "load_encoder",
    "load_tagger",
    "make_encoder",
    "one_score",
    "require_one_score",
    "save_encoder",
    "save_tagger",
    "shipped_names",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Discriminant": "discriminants",
        "BACKBONES": "backbone",
        "AnyEncoder": "backbone",
        "DynamicEdgeConv": "edgeconv",
        "EdgeConvConfig": "backbones.edgeconv",
        "Encoder": "encoder",
        "EncoderConfig": "config",
        "Head": "heads",
        "HeadConfig": "config",
        "Tagger": "heads",
        "TransformerConfig": "backbones.transformer",
        "encoder_threads": "threads",
        "inspect_checkpoint": "checkpoints",
        "load_encoder": "checkpoints",
        "load_tagger": "checkpoints",
        "one_score": "discriminants",
        "require_one_score": "discriminants",
        "make_encoder": "backbone",
        "save_encoder": "checkpoints",
        "save_tagger": "checkpoints",
        "shipped_names": "checkpoints",
    },
)
