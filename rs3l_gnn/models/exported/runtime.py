"""Opening of exported files and their call with arrays."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from rs3l_gnn.conventions import CheckpointError, ConfigError, MissingDependencyError
from rs3l_gnn.conventions.inputs import require_file
from rs3l_gnn.models.exported.config import Kind

__all__ = ["Arrays", "Network", "open_network"]

Arrays = Mapping[str, NDArray[Any]]
Network = Callable[[Arrays], NDArray[np.float32]]
"""Inputs by name, in their order -> scores of the jets [n_jets] or [n_jets, n_classes]."""


def open_network(kind: Kind, path: Path, names: Sequence[str], *, device: str, threads: int | None) -> Network:
    """Open a file as what it is said to be.

    Args:
        kind: of the file; TorchScript is a program, and is as trusted as one.
        path: of it.
        names: of the inputs in their order; TorchScript takes them by place.
        device: ``cpu`` or ``cuda:n``.
        threads: of onnxruntime; None for as many as it wants. TorchScript uses torch's.

    Raises:
        InputFileError: a folder, pipe or device.
        CheckpointError: it is not a file of this kind, or takes other inputs.
        ConfigError: the device is not there.
        MissingDependencyError: onnxruntime is not installed.
    """
    require_file(path)
    if not path.exists():
        raise CheckpointError(f"{path} does not exist")
    return _onnx(path, names, device, threads) if kind == "onnx" else _torchscript(path, device)


def _onnx(path: Path, names: Sequence[str], device: str, threads: int | None) -> Network:
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingDependencyError(
            f"{path} is ONNX, which needs onnxruntime", hint="pip install 'rs3l_gnn[onnx]'"
        ) from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors; what an exporter left in the graph is not the user's doing
    if threads is not None:
        options.intra_op_num_threads = options.inter_op_num_threads = threads
    providers: list[Any] = ["CPUExecutionProvider"]
    if device != "cpu":
        if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
            raise ConfigError("this onnxruntime has no GPU", got=f"device {device}", hint="use device: cpu")
        providers.insert(0, ("CUDAExecutionProvider", {"device_id": int(device.partition(":")[2] or 0)}))
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=providers)
    except Exception as error:  # its own classes, which are not public
        raise CheckpointError(f"{path} is not an ONNX file: {_short(error)}") from error
    wanted = [entry.name for entry in session.get_inputs()]
    if missing := [name for name in wanted if name not in names]:
        raise CheckpointError(f"{path} takes the inputs {', '.join(missing)} too", got=", ".join(names))

    def run(arrays: Arrays) -> NDArray[np.float32]:
        # What a network does not use, an exporter drops from its inputs.
        try:
            return np.asarray(session.run(None, {name: arrays[name] for name in wanted})[0], dtype=np.float32)
        except Exception as error:  # as above
            raise CheckpointError(f"{path} does not take {_shapes(arrays)}: {_short(error)}") from error

    return run


def _torchscript(path: Path, device: str) -> Network:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls TorchScript deprecated
        try:
            module: Any = torch.jit.load(str(path), map_location=device)  # type: ignore[no-untyped-call]  # torch
        except (RuntimeError, ValueError, OSError) as error:
            raise CheckpointError(f"{path} is not a TorchScript file: {_short(error)}") from error
    module.eval()

    def run(arrays: Arrays) -> NDArray[np.float32]:
        try:
            with torch.inference_mode():
                found = module(*(torch.from_numpy(array).to(device) for array in arrays.values()))
        except RuntimeError as error:
            raise CheckpointError(f"{path} does not take {_shapes(arrays)}: {_short(error)}") from error
        first = found[0] if isinstance(found, (tuple, list)) else found
        return np.asarray(first.float().cpu().numpy())

    return run


def _shapes(arrays: Arrays) -> str:
    return ", ".join(f"{name} {list(array.shape)}" for name, array in arrays.items())


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]
