"""Published files: every key accounted for, nothing of them run."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from rs3l_gnn.conventions import KINEMATIC_FEATURES, CheckpointError
from rs3l_gnn.models import Encoder, Head, HeadConfig, Tagger, inspect_checkpoint, load_encoder, load_tagger

MakeEncoder = Callable[..., Encoder]
MakeJets = Callable[..., tuple[NDArray[np.float32], NDArray[np.int64]]]


def published_names(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """An own state dict of a tagger under the published names."""
    out = {}
    for key, value in state.items():
        name = key.removeprefix("encoder.").removeprefix("head.").replace("particle.", "pf_encode.")
        if name.startswith("layers."):
            number = int(name.split(".")[1])
            name = name.replace(f"layers.{number}.", f"conv{number + 1}.")
        out[name] = value
    return out


def state_of(encoder: Encoder, head: Head | None = None) -> dict[str, Tensor]:
    model = torch.nn.ModuleDict({"encoder": encoder} if head is None else {"encoder": encoder, "head": head})
    return published_names(model.state_dict())


def test_published_file_is_reported_key_by_key(shared_data: Path) -> None:
    report = inspect_checkpoint(shared_data / "published" / "mar20_run0.pt")
    assert report["format"] == "published"
    assert report["kind"] == "encoder"
    assert report["ignored"] == ["opt", "lr"]
    assert report["n_parameters"] == 128_904
    assert len(report["keys"]) == 18
    assert report["keys"]["conv3.nn.0.weight"] == {"shape": [128, 256], "loaded_as": "encoder.layers.2.nn.0.weight"}
    with pytest.raises(CheckpointError, match="without a head"):
        load_tagger(shared_data / "published" / "mar20_run0.pt")


@pytest.mark.parametrize("hidden", [(), (128, 64, 32, 8)])
@pytest.mark.parametrize(("bare", "prefix"), [(True, ""), (False, ""), (False, "module.")])
def test_heads_of_one_and_five_layers(  # noqa: PLR0917  # pytest passes by name
    hidden: tuple[int, ...], bare: bool, prefix: str, tmp_path: Path, make_encoder: MakeEncoder, make_jets: MakeJets
) -> None:
    tagger = Tagger(make_encoder(), Head(HeadConfig(hidden=hidden)))
    state = {prefix + key: value for key, value in state_of(tagger.encoder, tagger.head).items()}
    torch.save(state if bare else {"model": state, "opt": {}, "lr": {}}, tmp_path / "tagger.pt")
    loaded = load_tagger(tmp_path / "tagger.pt")
    assert loaded.digest == tagger.digest
    assert np.array_equal(loaded.score(*make_jets()), tagger.score(*make_jets()))


def test_other_inputs_must_be_named(tmp_path: Path, make_encoder: MakeEncoder) -> None:
    encoder = make_encoder(features=KINEMATIC_FEATURES)
    torch.save(state_of(encoder), tmp_path / "encoder.pt")
    with pytest.raises(CheckpointError, match="takes 7 inputs"):
        load_encoder(tmp_path / "encoder.pt")
    assert load_encoder(tmp_path / "encoder.pt", features=KINEMATIC_FEATURES).digest == encoder.digest
    with pytest.raises(CheckpointError, match=r"particle.0.weight has shape \[128, 7\]"):
        load_encoder(tmp_path / "encoder.pt", features=KINEMATIC_FEATURES[:3])


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda s: s.pop("conv2.nn.0.weight"), "layers.1.nn.0.weight is missing"),
        (lambda s: s.pop("output.0.bias"), "output.0.bias is missing"),
        (lambda s: s.pop("pf_encode.0.weight"), "'pf_encode.0.weight' is missing"),
        (lambda s: s.update({"conv.nn.0.weight": torch.zeros(1)}), "no published encoder has: conv.nn.0.weight"),
        (lambda s: s.update({"output.2.weight": torch.zeros(32, 63)}), r"output.2.weight has shape \[32, 63\]"),
        (lambda s: s.update({"output.2.weight": 3}), "no state dict"),
        (lambda s: s.clear(), "no state dict"),
    ],
)
def test_mismatch_is_an_error(
    edit: Callable[[dict[str, Tensor]], object], message: str, tmp_path: Path, make_encoder: MakeEncoder
) -> None:
    state = state_of(make_encoder())
    edit(state)
    torch.save({"model": state}, tmp_path / "encoder.pt")
    with pytest.raises(CheckpointError, match=message):
        load_encoder(tmp_path / "encoder.pt")


class _Malicious:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("legacy", [True, False])
@pytest.mark.parametrize("name", ["file.pt", "file.safetensors", "file.ckpt"])
def test_code_in_a_file_is_not_run(legacy: bool, name: str, tmp_path: Path, make_encoder: MakeEncoder) -> None:
    trap = tmp_path / "run"
    torch.save(
        {"model": state_of(make_encoder()), "opt": _Malicious(trap)},
        tmp_path / name,
        _use_new_zipfile_serialization=not legacy,
    )
    for load in (load_encoder, load_tagger, inspect_checkpoint):
        with pytest.raises(CheckpointError, match=name):
            load(tmp_path / name)
    assert not trap.exists()


def test_plain_pickle_is_not_run(tmp_path: Path) -> None:
    trap = tmp_path / "run"
    (tmp_path / "file.pt").write_bytes(pickle.dumps(_Malicious(trap)))
    with pytest.raises(CheckpointError, match=r"asks to import .*; nothing of it was run|is not a checkpoint"):
        load_encoder(tmp_path / "file.pt")
    assert not trap.exists()
