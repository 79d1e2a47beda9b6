from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from safetensors import safe_open

import rs3l_gnn
from rs3l_gnn.conventions import CheckpointError, InputFileError
from rs3l_gnn.workflows.inspection import describe


@pytest.mark.parametrize(("name", "kind"), [("default", "encoder"), ("default-hbb", "tagger")])
def test_shipped_weights_by_name_and_by_path(
    name: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path(rs3l_gnn.__file__).parent / "models" / "weights" / f"{name}.safetensors"
    with safe_open(path, "numpy") as file:
        numbers = sum(file.get_tensor(key).size for key in file.keys())  # noqa: SIM118  # not a mapping
    found = describe(name)
    assert found == describe(path)
    assert (found["file"], found["kind"], found["n_parameters"]) == (path.name, kind, numbers)
    Path(name).write_text("no weights")  # a file of that name goes first
    with pytest.raises(InputFileError, match="no known format"):
        describe(name)


def test_programs_of_torch_are_not_run(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    linear = torch.nn.Linear(3, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch speaks of the end of TorchScript
        torch.jit.trace(linear, torch.zeros(1, 3)).save(str(tmp_path / "model.pt"))
        torch.export.save(torch.export.export(linear, (torch.zeros(1, 3),)), tmp_path / "model.pt2")
    assert describe(tmp_path / "model.pt")["kind"] == "TorchScript program"
    assert describe(tmp_path / "model.pt2")["kind"] == "program of torch.export"
    (tmp_path / "cut.pt").write_bytes((tmp_path / "model.pt").read_bytes()[:300])
    with pytest.raises(CheckpointError, match="cut.pt"):
        describe(tmp_path / "cut.pt")


def test_onnx(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    value = onnx.helper.make_tensor_value_info
    node = onnx.helper.make_node("Relu", ["features"], ["score"])
    shape = ["n_jets", 15]
    graph = onnx.helper.make_graph([node], "g", [value("features", 1, shape)], [value("score", 1, shape)])
    model = onnx.helper.make_model(graph, producer_name="pytorch", producer_version="2")
    onnx.save(model, tmp_path / "model.onnx")
    found = describe(tmp_path / "model.onnx")
    assert (found["kind"], found["producer"], found["nodes"]) == ("ONNX model", "pytorch 2", 1)
    assert found["inputs"] == {"features": "[n_jets, 15]"}
