"""What is not a file of the kind it is said to be is refused, and nothing of it runs."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rs3l_gnn.conventions import CheckpointError, ConfigError, InputFileError, MissingDependencyError
from rs3l_gnn.models import load_tagger
from rs3l_gnn.models.exported.runtime import open_network


class _Trap:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def test_pickles_run_nothing(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    trap = tmp_path / "ran"
    torch.save({"model": _Trap(trap)}, tmp_path / "saved.pt")
    (tmp_path / "bare.pt").write_bytes(pickle.dumps(_Trap(trap)))
    (tmp_path / "empty.pt").write_bytes(b"")
    for name in ("saved.pt", "bare.pt", "empty.pt"):
        with pytest.raises(CheckpointError, match=f"{name} is not a TorchScript file"):
            open_network("torchscript", tmp_path / name, ("x",), device="cpu", threads=1)
        with pytest.raises(CheckpointError, match=f"{name} is not an ONNX file"):
            open_network("onnx", tmp_path / name, ("x",), device="cpu", threads=1)
    assert not trap.exists()


def test_a_program_runs_only_where_it_is_called_one(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch calls TorchScript deprecated
        torch.jit.save(torch.jit.script(torch.nn.Linear(2, 3)), tmp_path / "model.pt")
    with pytest.raises(
        CheckpointError, match="is TorchScript, a program, and nothing of it was run; .*kind: torchscript"
    ):
        load_tagger(tmp_path / "model.pt")
    run = open_network("torchscript", tmp_path / "model.pt", ("x",), device="cpu", threads=None)
    assert run({"x": np.ones((4, 2), np.float32)}).shape == (4, 3)
    with pytest.raises(CheckpointError, match=r"model.pt does not take x \[4, 7\]"):
        run({"x": np.ones((4, 7), np.float32)})


def test_what_is_not_there(tmp_path: Path, weaver_network: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CheckpointError, match="none.onnx does not exist"):
        open_network("onnx", tmp_path / "none.onnx", (), device="cpu", threads=1)
    with pytest.raises(InputFileError, match="it is a folder"):
        open_network("onnx", tmp_path, (), device="cpu", threads=1)
    with pytest.raises(ConfigError, match="this onnxruntime has no GPU; got device cuda:0"):
        open_network("onnx", weaver_network.file, list(weaver_network.groups), device="cuda:0", threads=1)
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(MissingDependencyError, match=r"needs onnxruntime; pip install 'rs3l_gnn\[onnx\]'"):
        open_network("onnx", weaver_network.file, (), device="cpu", threads=1)


def test_other_inputs_than_it_takes(weaver_network: Any) -> None:
    names = list(weaver_network.groups)
    with pytest.raises(CheckpointError, match="takes the inputs pf_mask too; got pf_points, pf_features, pf_vectors"):
        open_network("onnx", weaver_network.file, names[:-1], device="cpu", threads=1)
    run = open_network("onnx", weaver_network.file, names, device="cpu", threads=1)
    wrong = {name: np.zeros((1, 9, 12), np.float32) for name in names}
    with pytest.raises(CheckpointError, match=r"model.onnx does not take pf_points \[1, 9, 12\]"):
        run(wrong)
