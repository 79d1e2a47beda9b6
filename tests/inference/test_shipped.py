"""What the shipped networks say of themselves, against the networks."""

from __future__ import annotations

import json
from importlib import import_module

import numpy as np
from typer.testing import CliRunner

from rs3l_gnn.cli import app
from rs3l_gnn.conventions import FEATURE_NAMES
from rs3l_gnn.inference import shipped_networks
from rs3l_gnn.models import load_encoder, load_tagger

import_module("rs3l_gnn.cli.weights")


def test_what_they_say_is_what_they_are() -> None:
    networks = {network.name: network for network in shipped_networks()}
    assert list(networks) == ["default", "default-hbb", "default-wqq"]
    for name, network in networks.items():
        loaded = load_tagger(name) if network.kind == "tagger" else load_encoder(name)
        encoder = load_encoder(name)
        assert network.n_parameters == sum(tensor.numel() for tensor in loaded.parameters())
        assert network.digest == loaded.digest
        assert network.features == tuple(encoder.config.features) == FEATURE_NAMES
        assert network.domain == encoder.domain
        assert network.card.startswith(f"# {name}\n")
    one = np.zeros((1, 15), np.float32)
    assert load_tagger("default-hbb").score(one, np.array([0, 1])).ndim == len(networks["default-hbb"].classes) == 1
    assert networks["default"].classes == ()


def test_the_verb_lists_them() -> None:
    run = CliRunner().invoke
    text = run(app, ["weights"]).output
    assert "default-hbb: tagger of 132,993 parameters, classes signal\n  trained on R = 0.8, pT > 450 GeV" in text
    assert run(app, ["weights", "default-wqq"]).output.startswith("# default-wqq")
    document = json.loads(run(app, ["weights", "--json"]).output)
    assert [entry["kind"] for entry in document] == ["encoder", "tagger", "tagger"]
    wrong = run(app, ["weights", "other"])
    assert (wrong.exit_code, "no shipped network 'other'; allowed: default, " in wrong.stderr) == (2, True)
