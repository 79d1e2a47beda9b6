"""Files with networks: checkpoints, and what ``rs3l export`` writes."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

from rs3l_gnn.conventions import CheckpointError
from rs3l_gnn.conventions.inputs import reading
from rs3l_gnn.models.hub import fetch_network, is_address
from rs3l_gnn.models.stored import shipped_path

__all__ = ["describe_checkpoint", "describe_onnx", "looks_like_onnx", "named_weights"]

Description = dict[str, Any]


def describe_checkpoint(path: Path) -> Description:
    """Describe a checkpoint, ours or a published one, or an archive of torch.

    Raises:
        CheckpointError: not a checkpoint, or one that does not agree with itself.
    """
    with reading(path, "is not a checkpoint", error=CheckpointError):
        inner = _inside(path) if zipfile.is_zipfile(path) else None
    if inner is not None:
        if "archive_format" in inner:
            return {"kind": "program of torch.export", "note": "load it with torch.export.load"}
        if any(name.startswith("code/") for name in inner):
            return {
                "kind": "TorchScript program",
                "note": "not opened, because it holds code; export.json describes it",
            }
    from rs3l_gnn.models import inspect_checkpoint

    return {"kind": "checkpoint", **inspect_checkpoint(path)}


def _inside(path: Path) -> set[str]:
    with zipfile.ZipFile(path) as archive:
        return {name.partition("/")[2] for name in archive.namelist()}


def named_weights(path: Path | str) -> Path:
    """The file of weights of that address, or of shipped ones of that name where no file has it; else the path."""
    if is_address(path):
        return fetch_network(str(path))
    path = Path(path)
    return (None if path.exists() else shipped_path(path)) or path


def looks_like_onnx(head: bytes) -> bool:
    """Whether a file begins as an ONNX model of torch: field 1 (version) and field 2 (the producer's name)."""
    return head[:1] == b"\x08" and head[2:3] == b"\x12" and b"pytorch" in head[:32]


def describe_onnx(path: Path) -> Description:
    """Describe an ONNX model, with its inputs where the package onnx is installed.

    Raises:
        InputFileError: the file is damaged.
    """
    try:
        import onnx
    except ImportError:
        return {"kind": "ONNX model", "note": "its inputs are shown where the extra 'export' is installed"}
    with reading(path, "is not a whole ONNX model"):
        model = onnx.load(path, load_external_data=False)
    return {
        "kind": "ONNX model",
        "producer": f"{model.producer_name} {model.producer_version}".strip(),
        "operators": {entry.domain or "onnx": entry.version for entry in model.opset_import},
        "inputs": {value.name: _shape(value) for value in model.graph.input},
        "outputs": {value.name: _shape(value) for value in model.graph.output},
        "nodes": len(model.graph.node),
        **({"metadata": {p.key: p.value[:200] for p in model.metadata_props}} if model.metadata_props else {}),
    }


def _shape(value: Any) -> str:
    sides = [side.dim_param or str(side.dim_value) for side in value.type.tensor_type.shape.dim]
    return f"[{', '.join(sides)}]"
