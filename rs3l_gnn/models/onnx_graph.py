"""A torch module as an ONNX file, and the file opened again."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from rs3l_gnn.conventions import MissingDependencyError

__all__ = ["onnx_session", "require_onnx", "write_graph"]


def require_onnx() -> None:
    """Check that a file can be written and run here.

    Raises:
        MissingDependencyError: onnx, onnxscript or onnxruntime is not installed.
    """
    try:
        import onnx  # noqa: F401  # only asked whether it is there
        import onnxruntime  # noqa: F401  # as above
        import onnxscript  # noqa: F401  # as above
    except ImportError as error:
        raise MissingDependencyError(
            f"export to ONNX needs {error.name}",
            hint="pip install 'rs3l_gnn[export]', or leave onnx out of the formats",
        ) from error


def write_graph(
    module: nn.Module,
    example: Sequence[Tensor],
    path: Path,
    *,
    inputs: Sequence[str],
    output: str,
    shapes: Mapping[str, Mapping[int, Any]],
) -> None:
    """Write a module.

    Args:
        module: in evaluation mode, without gradients.
        example: its inputs, of any size.
        path: the file.
        inputs: their names.
        output: name of what it gives.
        shapes: free dimensions (``torch.export.Dim``) of each input by number.
    """
    with warnings.catch_warnings(), _quiet("torch.onnx._internal.exporter._registration"):
        warnings.simplefilter("ignore")  # the exporter warns about its own deprecations
        torch.onnx.export(
            module,
            tuple(example),
            path,
            input_names=list(inputs),
            output_names=[output],
            dynamic_shapes={name: dict(free) for name, free in shapes.items()},
            opset_version=18,
            dynamo=True,
            external_data=False,
            verbose=False,
        )


def onnx_session(path: Path, *, threads: int = 1) -> Any:
    """An ``onnxruntime.InferenceSession`` of the file on threads of the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    return onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    # The exporter's log warns about every operation of a torchvision that nobody asked for.
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
