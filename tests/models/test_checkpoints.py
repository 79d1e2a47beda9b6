"""Own checkpoints: what goes in comes out, and what does not fit is refused by name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from rs3l_gnn.conventions import (
    FEATURE_SETS,
    FEATURES,
    IMPACT_FEATURES,
    KINEMATIC_FEATURES,
    CheckpointError,
    ConfigError,
    JetDomain,
    OutputError,
)
from rs3l_gnn.models import (
    Encoder,
    Head,
    HeadConfig,
    Tagger,
    inspect_checkpoint,
    load_encoder,
    load_tagger,
    save_encoder,
    save_tagger,
    shipped_names,
)

MakeEncoder = Callable[..., Encoder]
_BYTES = "5491587bd176d56d67ca1510d85808707722e456213d6fed40a0ea7e0bd1771d"


def rewrite(path: Path, edit: Callable[[dict[str, Any], dict[str, torch.Tensor]], object]) -> None:
    """Change the document or the tensors of a checkpoint."""
    with safe_open(path, framework="pt") as file:
        document = json.loads(file.metadata()["rs3l"])
        state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  # no mapping
    edit(document, state)
    save_file(state, path, metadata={"rs3l": json.dumps(document)})


@pytest.mark.parametrize(
    "settings",
    [{}, {"backbone": "transformer", "heads": 4, "width": 32}, {"features": KINEMATIC_FEATURES, "dim": 128, "k": 8}],
)
def test_encoder_round_trip(settings: dict[str, Any], tmp_path: Path, make_encoder: MakeEncoder) -> None:
    encoder = make_encoder(**settings)
    path = tmp_path / "encoder.safetensors"
    save_encoder(path, encoder, provenance={"seeds": {"run": 7}})
    loaded = load_encoder(path)
    assert loaded.config == encoder.config
    assert loaded.digest == encoder.digest
    assert not loaded.training
    for name, value in encoder.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value)


def test_tagger_round_trip(tmp_path: Path, make_encoder: MakeEncoder, make_jets: Callable[..., Any]) -> None:
    tagger = Tagger(make_encoder(), Head(HeadConfig(hidden=(16, 4), n_classes=3)))
    path = tmp_path / "tagger.safetensors"
    save_tagger(path, tagger)
    loaded = load_tagger(path)
    assert loaded.digest == tagger.digest
    assert np.array_equal(loaded.score(*make_jets()), tagger.score(*make_jets()))
    assert load_encoder(path).digest == tagger.encoder.digest


def test_names_of_classes_and_the_kind_of_jets_are_kept(tmp_path: Path, make_encoder: MakeEncoder) -> None:
    encoder, path = make_encoder(), tmp_path / "tagger.safetensors"
    encoder.domain = JetDomain(radius=0.4, pt_min=200.0, formats=("nanoaod15",), missing_features=IMPACT_FEATURES)
    save_tagger(path, Tagger(encoder, Head(HeadConfig(n_classes=3)), classes=("qcd", "hbb", "wqq")))
    loaded = load_tagger(path)
    assert loaded.classes == ("qcd", "hbb", "wqq")
    assert loaded.encoder.domain == load_encoder(path).domain == encoder.domain
    assert inspect_checkpoint(path)["domain"] == encoder.domain.record()
    assert Tagger(encoder, Head(HeadConfig(n_classes=3))).classes == ("class_0", "class_1", "class_2")
    assert Tagger(encoder, Head(HeadConfig())).classes == ("signal",)
    with pytest.raises(ConfigError, match=r"3 score\(s\) needs as many names; got a, b"):
        Tagger(encoder, Head(HeadConfig(n_classes=3)), classes=("a", "b"))


def test_files_without_these_keys_are_read(tmp_path: Path, make_encoder: MakeEncoder) -> None:
    path = tmp_path / "tagger.safetensors"
    tagger = Tagger(make_encoder(), Head(HeadConfig(n_classes=3)), classes=("a", "b", "c"))
    save_tagger(path, tagger)
    rewrite(path, lambda document, _: [document.pop(key) for key in ("domain", "classes")])
    loaded = load_tagger(path)
    assert loaded.digest == tagger.digest  # names are no part of it
    assert loaded.classes == ("class_0", "class_1", "class_2")
    assert loaded.encoder.domain == JetDomain()


def test_document_explains_the_file(tmp_path: Path, make_encoder: MakeEncoder) -> None:
    encoder = make_encoder(features=KINEMATIC_FEATURES)
    path = tmp_path / "encoder.safetensors"
    save_encoder(path, encoder, provenance={"epochs": 3})
    document = inspect_checkpoint(path)
    units = {feature.name: feature.unit for feature in FEATURES}
    assert document["kind"] == "encoder"
    assert document["features"] == [{"name": name, "unit": units[name]} for name in KINEMATIC_FEATURES]
    assert document["provenance"] == {"epochs": 3}
    assert document["digest"] == encoder.digest
    assert document["config"]["encoder"]["k"] == 24
    assert document["n_parameters"] == sum(p.numel() for p in encoder.parameters())


def test_features_beyond_the_papers_stand_in_the_file(tmp_path: Path, make_encoder: MakeEncoder) -> None:
    encoder = make_encoder(features=["nano", "asinh_d0_sig", "puppi_weight"])
    save_encoder(tmp_path / "encoder.safetensors", encoder)
    table = inspect_checkpoint(tmp_path / "encoder.safetensors")["features"]
    assert [row["name"] for row in table] == [*FEATURE_SETS["nano"], "asinh_d0_sig", "puppi_weight"]
    assert [row["unit"] for row in table[-2:]] == ["asinh(d0/σ(d0))", "1"]
    loaded = load_encoder(tmp_path / "encoder.safetensors")
    assert loaded.config.features == (*FEATURE_SETS["nano"], "asinh_d0_sig", "puppi_weight")
    assert loaded.digest == encoder.digest


def test_a_checkpoint_keeps_its_bytes(tmp_path: Path, make_encoder: MakeEncoder) -> None:
    """SHA-256 of a file whose weights are multiples of 1/64, as the version before named features wrote it."""
    encoder = make_encoder(width=4, layers=1, k=2, hidden=(3,), dim=2)
    for number, values in enumerate(encoder.parameters()):
        values.data = (torch.arange(values.numel()) % 37 - 18 + number).reshape(values.shape) / 64
    save_encoder(tmp_path / "encoder.safetensors", encoder, provenance={"made": "by hand"})
    assert hashlib.sha256((tmp_path / "encoder.safetensors").read_bytes()).hexdigest() == _BYTES


def test_digest_sees_weights_and_sizes_only(make_encoder: MakeEncoder) -> None:
    encoder = make_encoder()
    assert make_encoder().digest == encoder.digest
    assert make_encoder(seed=1).digest != encoder.digest
    assert make_encoder(k=23).digest != encoder.digest


def test_existing_file_stays_unless_forced(tmp_path: Path, make_encoder: MakeEncoder) -> None:
    path = tmp_path / "encoder.safetensors"
    save_encoder(path, make_encoder())
    with pytest.raises(OutputError, match="exists already"):
        save_encoder(path, make_encoder(seed=1))
    assert load_encoder(path).digest == make_encoder().digest
    save_encoder(path, make_encoder(seed=1), force=True)
    assert load_encoder(path).digest == make_encoder(seed=1).digest


def test_loading_draws_no_random_numbers(tmp_path: Path, make_encoder: MakeEncoder) -> None:
    save_tagger(tmp_path / "tagger.safetensors", Tagger(make_encoder(), Head(HeadConfig())))
    before = torch.random.get_rng_state()
    load_tagger(tmp_path / "tagger.safetensors")
    load_encoder(tmp_path / "tagger.safetensors")
    assert torch.equal(torch.random.get_rng_state(), before)


def test_encoder_is_no_tagger(tmp_path: Path, make_encoder: MakeEncoder) -> None:
    save_encoder(tmp_path / "encoder.safetensors", make_encoder())
    with pytest.raises(CheckpointError, match="encoder without a head"):
        load_tagger(tmp_path / "encoder.safetensors")


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda _, s: s.pop("output.6.bias"), "output.6.bias is missing"),
        (lambda _, s: s.update(more=torch.zeros(1)), "encoder.more is not part of the model"),
        (
            lambda _, s: s.update({"output.6.bias": torch.zeros(9)}),
            r"output.6.bias has shape \[9\], the model has \[8\]",
        ),
        (lambda _, s: s["output.6.bias"].fill_(torch.nan), "output.6.bias holds values that are not finite"),
        (lambda _, s: s["output.6.bias"].add_(1), "do not match their digest"),
        (lambda d, _: d.update(version=99), "version 99"),
        (lambda d, _: d.update(kind="pickle"), "kind 'pickle'"),
        (lambda d, _: d.pop("features"), "document is damaged"),
        (lambda d, _: d["features"][0].update(unit="log(pT/MeV)"), "expects other inputs"),
        (lambda d, _: d["features"].reverse(), "expects other inputs"),
        (lambda d, _: d["features"][0].update(name="speed"), "expects other inputs .*'speed'; .*install the package"),
    ],
)
def test_file_that_does_not_fit_is_refused(
    edit: Callable[[Any, Any], object], message: str, tmp_path: Path, make_encoder: MakeEncoder
) -> None:
    path = tmp_path / "encoder.safetensors"
    save_encoder(path, make_encoder())
    rewrite(path, edit)
    with pytest.raises(CheckpointError, match=message):
        load_encoder(path)


def test_unknown_setting_is_refused(tmp_path: Path, make_encoder: MakeEncoder) -> None:
    path = tmp_path / "encoder.safetensors"
    save_encoder(path, make_encoder())
    rewrite(path, lambda document, _: document["config"]["encoder"].update(colour="red"))
    with pytest.raises(ConfigError, match="unknown key 'colour'"):
        load_encoder(path)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"\x80\x04N.", bytes(100)])
@pytest.mark.parametrize("name", ["file.safetensors", "file.pt"])
def test_file_that_is_no_checkpoint(name: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    for load in (load_encoder, load_tagger, inspect_checkpoint):
        with pytest.raises(CheckpointError, match=name):
            load(path)


def test_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(CheckpointError, match=r"no checkpoint 'defualt'; allowed: .*a \.safetensors or \.pt file"):
        load_encoder("defualt")


def test_shipped_weights_load() -> None:
    for name in shipped_names():
        load = load_tagger if inspect_checkpoint(name)["kind"] == "tagger" else load_encoder
        assert load(name).digest == inspect_checkpoint(name)["digest"]


def test_provenance_must_be_json(tmp_path: Path, make_encoder: MakeEncoder) -> None:
    with pytest.raises(CheckpointError, match="not JSON"):
        save_encoder(tmp_path / "a.safetensors", make_encoder(), provenance={"path": Path()})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("edit", "place"),
    [
        (lambda d: d.update(classes=3), "classes"),
        (lambda d: d.update(classes=[["signal"]]), "classes"),
        (lambda d: d.update(classes={"signal": 1}), "classes"),
        (lambda d: d["config"]["encoder"].update(backbone={"name": "edgeconv"}), "the backbone"),
        (lambda d: d["config"].update(head=[1]), "config.head"),
        (lambda d: d.update(provenance="x"), "provenance"),
        (lambda d: d["provenance"].update(seen_events=4), "provenance.seen_events"),
        (lambda d: d["provenance"].update(seen_events=["a"]), "provenance.seen_events"),
    ],
)
def test_parts_of_other_types_are_refused(
    edit: Callable[[dict[str, Any]], object], place: str, tmp_path: Path, make_encoder: MakeEncoder
) -> None:
    path = tmp_path / "tagger.safetensors"
    encoder = make_encoder()
    save_tagger(path, Tagger(encoder, Head(HeadConfig(), encoder.config.dim)), provenance={"seeds": {}})
    rewrite(path, lambda document, _: edit(document))
    for read in (load_tagger, inspect_checkpoint):
        with pytest.raises(CheckpointError, match=f"document is damaged at {place}"):
            read(path)
