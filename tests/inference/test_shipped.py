"""What the shipped networks say of themselves, against the networks."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from rs3l_gnn.cli import app
from rs3l_gnn.conventions import FEATURE_NAMES, FEATURE_SETS, InvalidDataError, JetDomain
from rs3l_gnn.data import get_format
from rs3l_gnn.inference import JetTagger, shipped_networks
from rs3l_gnn.models import (
    EdgeConvConfig,
    Head,
    HeadConfig,
    Tagger,
    load_encoder,
    load_tagger,
    make_encoder,
    save_encoder,
    save_tagger,
    stored,
)

import_module("rs3l_gnn.cli.weights")
import_module("rs3l_gnn.cli.inspect")

WEIGHTS = Path(stored.__file__).parent / "weights"
FIVE = ("qcd", "hbb", "hcc", "vqq", "top")


def test_what_they_say_is_what_they_are() -> None:
    networks = {network.name: network for network in shipped_networks()}
    assert list(networks) == sorted(path.stem for path in WEIGHTS.glob("*.safetensors"))
    for name, network in networks.items():
        loaded = load_tagger(name) if network.kind == "tagger" else load_encoder(name)
        encoder = load_encoder(name)
        assert network.n_parameters == sum(tensor.numel() for tensor in loaded.parameters())
        assert network.digest == loaded.digest
        assert network.features == tuple(encoder.config.features)
        assert network.domain == encoder.domain
        assert network.card.startswith(f"# {name}\n")
        one = np.zeros((1, len(network.features)), np.float32)
        if network.kind == "tagger":
            n_scores = load_tagger(name).score(one, np.array([0, 1])).size
            assert len(network.classes) == n_scores
        else:
            assert network.classes == ()
    assert networks["default"].features == networks["default-hbb"].features == FEATURE_NAMES


def test_the_verb_lists_them() -> None:
    run = CliRunner().invoke
    text = run(app, ["weights"]).output
    assert "default-hbb: tagger of 132,993 parameters, classes signal\n  trained on R = 0.8, pT > 450 GeV" in text
    assert run(app, ["weights", "default-wqq"]).output.startswith("# default-wqq")
    document = json.loads(run(app, ["weights", "--json"]).output)
    kinds = {entry["name"]: entry["kind"] for entry in document}
    assert list(kinds) == [network.name for network in shipped_networks()]
    assert [kinds[name] for name in ("default", "default-hbb", "default-wqq")] == ["encoder", "tagger", "tagger"]
    wrong = run(app, ["weights", "other"])
    assert (wrong.exit_code, "no shipped network 'other'; allowed: default, " in wrong.stderr) == (2, True)


@pytest.fixture
def more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of made-up weights in place of the shipped ones: of both sets of features, of one class and of five."""
    monkeypatch.setattr(stored, "_WEIGHTS", tmp_path)
    made = {
        "default": ("paper", None),
        "default-hbb": ("paper", ("signal",)),
        "default-hbb-decorrelated": ("paper", ("signal",)),
        "default-multi": ("paper", FIVE),
        "default-nano": ("nano", None),
        "default-nano-hbb": ("nano", ("signal",)),
        "default-nano-multi": ("nano", FIVE),
        "default-nano-wqq": ("nano", ("signal",)),
        "default-wqq": ("paper", ("signal",)),
    }
    for name, (features, classes) in made.items():
        config = EdgeConvConfig(width=8, layers=1, k=4, hidden=(8,), dim=4, features=FEATURE_SETS[features])
        encoder = make_encoder(config)
        encoder.domain = JetDomain(radius=0.8, pt_min=450.0, formats=("pfnano",), missing_features=())
        path = tmp_path / f"{name}.safetensors"
        if classes is None:
            save_encoder(path, encoder)
        else:
            save_tagger(path, Tagger(encoder, Head(HeadConfig(n_classes=len(classes)), 4), classes=classes))
        path.with_suffix(".md").write_text(f"# {name}\n\nMade up.\n")
    return tmp_path


def test_weights_that_are_put_into_the_folder_are_found(more: Path) -> None:
    """Listed, shown, inspected and chosen by what they say of themselves."""
    run = CliRunner().invoke
    names = sorted(path.stem for path in more.glob("*.safetensors"))
    networks = {network.name: network for network in shipped_networks()}
    assert list(networks) == names
    assert networks["default-multi"].classes == networks["default-nano-multi"].classes == FIVE
    assert networks["default-nano"].features == FEATURE_SETS["nano"]
    text = run(app, ["weights"]).output
    assert all(f"{name}: " in text for name in names)
    assert "default-multi: tagger of" in text
    assert "classes qcd, hbb, hcc, vqq, top" in text
    assert run(app, ["weights", "default-hbb-decorrelated"]).output == "# default-hbb-decorrelated\n\nMade up.\n"
    said = json.loads(run(app, ["inspect", "default-nano-multi", "--json"]).output)
    assert (said["kind"], said["classes"]) == ("tagger", list(FIVE))

    paper, nano = (get_format(name).domain(0.8) for name in ("pfnano", "nanoaod15"))
    for name, domain, chosen in (
        ("default", paper, "default-multi"),
        ("default", nano, "default-nano-multi"),
        ("default-hbb", paper, "default-hbb"),
        ("default-nano-wqq", nano, "default-nano-wqq"),
        ("default-nano-hbb", paper, "default-nano-hbb"),
    ):
        tagger = JetTagger(name)
        tagger.require(domain)
        assert tagger.name_or_path == chosen
        assert tagger.features == networks[chosen].features
    with pytest.raises(InvalidDataError, match="such as default-nano-hbb, default-nano-multi, default-nano-wqq"):
        JetTagger("default-hbb").require(nano)
