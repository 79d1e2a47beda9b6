"""Networks of other programs beside ours in one evaluation."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rs3l_gnn.conventions import (
    FEATURE_NAMES,
    FEATURE_SETS,
    CheckpointError,
    ConfigError,
    InvalidDataError,
    event_hash,
    parse_config,
)
from rs3l_gnn.data import Views, gather_jets, write_views
from rs3l_gnn.evaluation import EvaluateConfig, evaluate
from rs3l_gnn.evaluation.scorers import JetInputs
from rs3l_gnn.evaluation.scoring import score_test_events
from rs3l_gnn.inference import FoldTagger
from rs3l_gnn.models import EdgeConvConfig, Head, HeadConfig, Tagger, load_tagger, make_encoder, save_tagger
from rs3l_gnn.models.export import export


def _document(config: EvaluateConfig, taggers: dict[str, str], network: Any, tmp_path: Path) -> dict[str, Any]:
    export(load_tagger(taggers["one"]), tmp_path / "exported", formats=["torchscript"])
    return {
        "views": list(map(str, config.views)),
        "taggers": {
            "one": taggers["one"],
            "script": {"kind": "torchscript", "file": str(tmp_path / "exported" / "model.pt")},
            "weaver": {"kind": "onnx", "file": str(network.file), "preprocess": str(network.preprocess)},
        },
        "discriminants": {"weaver": {"signal": ["label_Hbb"], "background": ["label_QCD"]}},
        "tables": {"formats": {"rows": {"ours": taggers["one"], "script": "script"}, "reference": "ours"}},
        "bootstrap": 10,
        "responses": None,
    }


def test_their_scores(
    config: EvaluateConfig, taggers: dict[str, str], all_views: Views, weaver_network: Any, tmp_path: Path
) -> None:
    document = _document(config, taggers, weaver_network, tmp_path)
    scored = score_test_events(parse_config(EvaluateConfig, document, where="here"))
    assert set(scored.embeddings) == {"one"}
    script, ours = (scored.scores[name].views for name in ("script", taggers["one"]))
    assert script is not None
    assert ours is not None
    np.testing.assert_allclose(script, ours, atol=2e-6)
    found = scored.scores["weaver"].views
    assert found is not None
    for place in (0, 5, scored.views.n_jets - 1):
        jet = scored.events.source_jet[place]
        features, _ = all_views.take(np.array([jet]))
        rows = [dict(zip(FEATURE_NAMES, row.astype(float), strict=True)) for row in features]
        axis = {"eta": float(all_views.eta[jet]), "phi": float(all_views.phi[jet])}
        momenta = [
            {
                "pt": np.exp(row["log_pt"]),
                "eta": row["deta"] + axis["eta"],
                "phi": row["dphi"] + axis["phi"],
                "energy": np.exp(row["log_e"]),
                "charge": row["charge"],
                "pdgId": 13 if row["is_muon"] else 211,
            }
            for row in rows
        ]
        energy = np.exp(rows[0]["log_e"] - rows[0]["log_e_rel"])
        qcd, hbb, _ = weaver_network.score({**axis, "energy": energy}, momenta)
        assert found[place] == pytest.approx(hbb / (hbb + qcd), abs=1e-5)


def test_views_with_other_features(all_views: Views) -> None:
    names = ("charge", "log_pt", "deta")
    some = dataclasses.replace(
        all_views,
        features=all_views.features[:, [FEATURE_NAMES.index(name) for name in names]],
        feature_names=names,
    )
    inputs = JetInputs.of(some, np.array([3, 1]))
    full, _ = all_views.take(np.array([3, 1]))
    for place, name in enumerate(FEATURE_NAMES):
        expected = full[:, place] if name in names else np.zeros(len(full))
        assert inputs.of_the_paper()[:, place].tolist() == expected.tolist()


def test_their_place_in_the_report(
    config: EvaluateConfig, taggers: dict[str, str], weaver_network: Any, tmp_path: Path
) -> None:
    document = _document(config, taggers, weaver_network, tmp_path) | {"variations": []}
    evaluate(parse_config(EvaluateConfig, document, where="here"), tmp_path / "out")
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert list(metrics["tagging"]) == ["n2", "one", "script", "weaver"]
    assert metrics["tagging"]["script"]["auc"] == pytest.approx(metrics["tagging"]["one"]["auc"], abs=1e-6)
    assert metrics["tables"]["formats"]["rows"]["script"]["auc"] == metrics["tagging"]["script"]["auc"]
    assert list(metrics["probes"]) == ["one"]
    origins = json.loads((tmp_path / "out" / "provenance.json").read_text())["trainings"]
    assert len(origins["weaver"]["sha256"]) == 64


def test_mistakes(config: EvaluateConfig, taggers: dict[str, str], weaver_network: Any, tmp_path: Path) -> None:
    document = _document(config, taggers, weaver_network, tmp_path)
    without = parse_config(EvaluateConfig, {**document, "discriminants": {}}, where="here")
    with pytest.raises(
        ConfigError, match="the tagger weaver gives a score for each of label_QCD, label_Hbb, label_Tbqq"
    ):
        score_test_events(without)
    with pytest.raises(ConfigError, match="discriminants name no tagger: other"):
        parse_config(EvaluateConfig, {**document, "discriminants": {"other": {"signal": ["a"]}}}, where="here")
    with pytest.raises(ConfigError, match="'pickle'.*'stored', 'onnx', 'torchscript'|kind"):
        parse_config(EvaluateConfig, {"taggers": {"x": {"kind": "pickle", "file": "a"}}}, where="here")
    gone = {"taggers": {"x": {"kind": "onnx", "file": "a.onnx", "preprocess": "b.json"}}}
    with pytest.raises(CheckpointError, match=r"cannot read b.json"):
        score_test_events(
            parse_config(EvaluateConfig, {**document, **gone, "discriminants": {}, "tables": {}}, where="x")
        )


def test_networks_of_other_features(config: EvaluateConfig, all_views: Views, tmp_path: Path) -> None:
    """Views that hold one more feature, in front: every network, and its export, is given its own columns."""
    weight = np.linspace(0, 1, len(all_views.features), dtype=np.float32)
    names = ("puppi_weight", *FEATURE_NAMES)
    more = np.concatenate([weight[:, None], all_views.features], axis=1)
    write_views(tmp_path / "v.h5", dataclasses.replace(all_views, features=more, feature_names=names))
    wanted = {"thirteen": FEATURE_SETS["nano"], "more": ("charge", "puppi_weight", "log_pt", "deta", "dphi")}
    taggers: dict[str, Any] = {}
    for name, features in wanted.items():
        encoder = make_encoder(EdgeConvConfig(width=16, layers=1, k=4, hidden=(8,), dim=4, features=features))
        save_tagger(tmp_path / f"{name}.safetensors", Tagger(encoder, Head(HeadConfig(), 4)))
        taggers[name] = str(tmp_path / f"{name}.safetensors")
    export(load_tagger(taggers["more"]), tmp_path / "exported", formats=["torchscript"])
    taggers["script"] = {"kind": "torchscript", "file": str(tmp_path / "exported" / "model.pt")}
    document = {"views": [str(tmp_path / "v.h5")], "taggers": taggers, "encoders": {"alone": taggers["more"]}}
    scored = score_test_events(parse_config(EvaluateConfig, document, where="here"))
    source = scored.events.source_jet
    for name, features in wanted.items():
        own = more[:, [names.index(one) for one in features]]
        expected = load_tagger(taggers[name]).score(*gather_jets(own, all_views.offsets, source))
        np.testing.assert_array_equal(scored.scores[taggers[name]].views, expected)
        if name == "more":
            np.testing.assert_allclose(scored.scores["script"].views, expected, atol=2e-6)  # type: ignore[arg-type]
    z = load_tagger(taggers["more"]).encoder.embed(
        *gather_jets(more[:, [names.index(one) for one in wanted["more"]]], all_views.offsets, source[scored.nominal])
    )
    np.testing.assert_array_equal(scored.embeddings["alone"], z)


def test_networks_of_folds(
    config: EvaluateConfig, fold_files: Callable[..., list[str]], all_views: Views, tmp_path: Path
) -> None:
    """Every event of all sides has the score of the one network that did not see it."""
    files = fold_files(3, samples=all_views.samples)
    folds = {"kind": "folds", "files": files[::-1]}
    document = {
        "views": list(map(str, config.views)),
        "taggers": {"folds": folds, "one": files[1]},
        "tables": {"t": {"rows": {"a": "folds", "b": "n2"}, "reference": "b"}},
        "splits": {"train": 0, "validation": 0, "test": 1},
        "bootstrap": 10,
        "responses": None,
    }
    with pytest.raises(InvalidDataError, match="fold1.safetensors was trained on .* of the .* events"):
        score_test_events(parse_config(EvaluateConfig, document, where="here"))
    document["taggers"] = {"folds": folds}
    scored = score_test_events(parse_config(EvaluateConfig, document, where="here"))
    assert scored.views.n_events == all_views.n_events
    found = scored.scores["folds"].views
    assert found is not None
    networks = [load_tagger(file) for file in files]
    for jet in range(0, scored.views.n_jets, 7):
        sample = scored.views.samples[scored.views.sample[jet]]
        fold = int(3 * event_hash(sample, scored.views.event[jet : jet + 1])[0])
        alone = networks[fold].score(*all_views.take(scored.events.source_jet[jet : jet + 1]))
        assert found[jet] == alone[0]
    evaluate(parse_config(EvaluateConfig, document, where="here"), tmp_path / "out")
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["tables"]["t"]["rows"]["a"]["auc"] == metrics["tagging"]["folds"]["auc"]
    origins = json.loads((tmp_path / "out" / "provenance.json").read_text())["trainings"]
    # The same in whatever order the files are named, as an analysis has it.
    assert origins["folds"]["digest"] == FoldTagger(files).digest == FoldTagger(files[::-1]).digest
    mixed = {**document, "taggers": {"folds": {"kind": "folds", "files": [*files[:2], files[0]]}}}
    with pytest.raises(ConfigError, match="both leave fold 0 out"):
        score_test_events(parse_config(EvaluateConfig, mixed, where="here"))
