"""The configuration: what it refuses, and that it survives a round trip."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from rs3l_gnn.conventions import ConfigError, dump_config, load_config, parse_config
from rs3l_gnn.processors import AnalysisConfig, ProcessorConfig
from rs3l_gnn.processors.config import is_network
from rs3l_gnn.processors.running.metadata import flag


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tagger": {}}, "unknown key 'tagger' .did you mean 'taggers'"),
        ({"taggers": {}}, "taggers"),
        ({"taggers": {"a/b": "n2"}}, "a name starts with a letter"),
        ({"channels": [{"name": "sr"}, {"name": "sr"}]}, "two channels have the same name"),
        ({"channels": [{"name": "sr", "cuts": {"score_x": [0, 1]}}]}, "cuts on score_x, allowed: score_n2, mass, pt"),
        ({"split": "test", "fractions": {"train": 0.9, "validation": 0.1, "test": 0.0}}, "fraction of the split"),
        ({"jet": {"mass_min": 100, "mass_max": 80}}, "mass_min must lie below"),
        ({"score": {"bins": 10, "start": 1, "stop": 0}}, "start must lie below stop"),
        ({"run": {"executor": "slurm"}}, "run.executor"),
        ({"run": {"scheduler": "tcp://a:1"}}, "goes with the executor dask"),
        ({"run": {"resume": True}}, "resume needs a checkpoints folder"),
        (
            {"systematics": {"candidates": [{"name": "cesUp", "kind": "energy_scale", "size": 0.1}]}},
            "must not end with Up",
        ),
        (
            {"systematics": {"weights": [{"name": "pu", "file": "a", "correction": "b", "inputs": [], "up": "up"}]}},
            "give both up and down",
        ),
        ({"systematics": {"momenta": {"file": "a", "resolution": "r"}}}, "belong together"),
        ({"systematics": {"momenta": {"scale": {"jes": "r"}}}}, "need file"),
        ({"systematics": {"momenta": {"file": "a", "scale": {"jms": "r"}}}}, "must not be named jms"),
        (
            {"systematics": {"momenta": {"file": "a", "scale": {"jes": "V1_AK4PFPuppi"}}}},
            "of other jets: V1_AK4PFPuppi",
        ),
        ({"systematics": {"momenta": {"mass": {"resolution_factor": {"up": 1.1}}}}}, "needs resolution"),
        (
            {"systematics": {"momenta": {"mass": {"resolution": 0.1, "resolution_factor": {"up": 1.1, "down": 0.9}}}}},
            "below 1 would change nothing",
        ),
        ({"systematics": {"momenta": {"mass": {"scale": {"down": 0.9}}}}}, "give up with down"),
    ],
)
def test_mistakes_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_config(AnalysisConfig, {"filesets": ["a.json"], **change}, where="here")


def test_corrections_of_other_jets_need_a_word() -> None:
    momenta = {"file": "a", "scale": {"jes": "V1_AK4PFPuppi"}, "other_radius": True}
    document = {"filesets": ["a.json"], "systematics": {"momenta": momenta}}
    assert parse_config(AnalysisConfig, document, where="here").systematics.momenta is not None
    document["systematics"] = {"momenta": {"file": "a", "scale": {"jes": "V1_AK8PFPuppi"}}}
    assert parse_config(AnalysisConfig, document, where="here").systematics.momenta is not None


def test_it_survives_being_written() -> None:
    config = parse_config(
        AnalysisConfig,
        {"filesets": "a.json", "taggers": {"n2": "n2", "x": "default"}, "split": "test", "run": {"executor": "dask"}},
        where="here",
    )
    assert parse_config(AnalysisConfig, yaml.safe_load(dump_config(config)), where="again") == config
    assert list(config.variables) == ["score_n2", "score_x", "mass", "pt"]
    assert config.processor.split == "test"


def test_flags_may_be_text() -> None:
    assert flag({"isMC": "True"}, "isMC", default=False)
    assert not flag({"isMC": "False"}, "isMC", default=True)
    assert flag({}, "isMC", default=True)
    assert not flag({"isMC": 0}, "isMC", default=True)
    with pytest.raises(ConfigError, match="isMC is neither true nor false; got 'maybe'"):
        flag({"isMC": "maybe"}, "isMC", default=True)


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parents[2] / "configs" / "analyze").glob("*.yaml")), ids=lambda p: p.name
)
def test_shipped_configurations_are_valid(path: Path) -> None:
    assert load_config(AnalysisConfig, path).filesets


def test_n2_has_equal_bins_where_trained_scores_have_logit_bins() -> None:
    config = ProcessorConfig.model_validate(
        {
            "taggers": {"n2": "n2", "net": "default-hbb"},
            "score": {"bins": 400, "start": 0, "stop": 1, "spacing": "logit"},
        }
    )
    n2, net = (np.asarray(config.variables[f"score_{name}"].axis().edges) for name in ("n2", "net"))
    np.testing.assert_allclose(n2, np.linspace(0, 1, 401), atol=1e-12)
    assert np.diff(net).max() / np.diff(net).min() > 10


def test_networks_are_told_from_expressions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net").write_bytes(b"")
    (tmp_path / "FatJet_tag").mkdir()
    assert all(map(is_network, ("default-hbb", "nets/tagger.safetensors", "mar20.pt", "net")))
    assert not any(map(is_network, ("FatJet_tag", "FatJet.tag / 2", " + ".join(["FatJet_tag"] * 100), "default-hb")))
