"""A tagger of several classes, trained here, through every verb that takes one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import hist
import numpy as np
import pytest
import uproot
from boost_histogram.serialization import from_uhi
from typer.testing import CliRunner
from uhi.io import from_sparse

from rs3l_gnn.cli import app
from rs3l_gnn.cli import tag as _tag  # noqa: F401  # registers the verb
from rs3l_gnn.conventions import parse_config
from rs3l_gnn.data import PairConfig, pair, read_views
from rs3l_gnn.data.event_tables import read_events
from rs3l_gnn.data.format_registry import get_format
from rs3l_gnn.evaluation import EvaluateConfig, evaluate
from rs3l_gnn.inference import JetInputs, JetTagger, event_inputs
from rs3l_gnn.models import load_tagger
from rs3l_gnn.processors import AnalysisConfig, analyze
from rs3l_gnn.training import FinetuneConfig, finetune
from rs3l_gnn.workflows.inspection import describe
from rs3l_gnn.workflows.publishing import publish

CLASSES = {"qcd": ["Q"], "hbb": ["H_BB"], "wqq": ["W_QQ"]}
TEST = {"train": 0.0, "validation": 0.0, "test": 1.0}


@pytest.fixture(scope="module")
def folder(toy_sample: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of three processes, their views, and a tagger of three classes that saw other samples."""
    out = tmp_path_factory.mktemp("multi")
    fileset = {}
    for sample in CLASSES:
        for variation in ("nominal", "seed"):
            toy_sample(sample).write(out / "files" / f"{sample}_{variation}.root", variation)
        files = {str(out / "files" / f"{sample}_nominal.root"): "Events"}
        fileset[sample] = {"files": files, "metadata": {"xsec": 1.0, "process": sample, "sample": sample}}
    (out / "fileset.json").write_text(json.dumps(fileset))
    pair(PairConfig(directories=(out / "files",)), out / "views.h5")
    document = {
        "views": [str(out / "views.h5")],
        "targets": {"classes": CLASSES},
        "head": {"n_classes": 3, "hidden": []},
        "architecture": {"width": 8, "layers": 1, "k": 4, "hidden": [8], "dim": 4},
        "batch_events": 30,
        "trainer": {"epochs": 1, "threads": 1},
    }
    finetune(parse_config(FinetuneConfig, document, where="test"), out / "tagger")
    return out


def _scores(folder: Path, sample: str) -> tuple[Any, Any]:
    """Momenta of the jets of a file and what the network says of them, by itself [n_jets, 3]."""
    form = get_format("pfnano")
    names = form.branches(["pt", "eta", "phi", "mass"], candidates=True)
    with uproot.open(folder / "files" / f"{sample}_nominal.root") as file:
        events = read_events(file["Events"], form, names)
    inputs = event_inputs(events)
    network = load_tagger(folder / "tagger" / "tagger.safetensors")
    return ak.to_numpy(ak.flatten(events["FatJet"]["pt"])), network.score(inputs.features, inputs.offsets)


def test_tag(folder: Path, tmp_path: Path) -> None:
    files = [str(folder / "files" / f"{sample}_nominal.root") for sample in CLASSES]
    name = str(folder / "tagger" / "tagger.safetensors")
    result = CliRunner().invoke(app, ["tag", *files, "--tagger", name, "--output", str(tmp_path / "s.root")])
    assert result.exit_code == 0, result.output
    with uproot.open(tmp_path / "s.root") as file:
        table = file["Scores"].arrays()
    expected = np.concatenate([_scores(folder, sample)[1] for sample in CLASSES])
    for place, which in enumerate(CLASSES):
        np.testing.assert_array_equal(ak.to_numpy(table[f"score_{which}"]), expected[:, place])
    assert "score" not in table.fields


def test_analyze_by_classes_and_discriminants(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Templates of one class, and of one against another, of a network that runs once for both."""
    calls = []
    own = JetTagger.class_scores

    def counted(tagger: JetTagger, inputs: JetInputs, **memory: Any) -> Any:
        calls.append(tagger.digest)
        return own(tagger, inputs, **memory)

    monkeypatch.setattr(JetTagger, "class_scores", counted)
    name = str(folder / "tagger" / "tagger.safetensors")
    document = {
        "filesets": [str(folder / "fileset.json")],
        "taggers": {"p_wqq": name, "bb": name},
        "discriminants": {"p_wqq": {"signal": ["wqq"]}, "bb": {"signal": ["hbb"], "background": ["qcd"]}},
        "jet": {"pt_min": 400.0},
        "score": {"bins": 2000, "start": 0.0, "stop": 1.0},
        "allow_training_events": True,
        "run": {"executor": "iterative"},
    }
    analyze(parse_config(AnalysisConfig, document, where="test"), tmp_path / "out")
    histograms = json.loads((tmp_path / "out" / "histograms.json").read_text())["histograms"]
    for sample in CLASSES:
        pt, p = _scores(folder, sample)
        assert (pt > 400).all()
        for tagger, values in (("p_wqq", p[:, 2] / p.sum(axis=1)), ("bb", p[:, 1] / (p[:, 1] + p[:, 0]))):
            found: Any = hist.Hist(from_uhi(from_sparse(histograms[f"score_{tagger}"])))
            counts = np.histogram(values.astype(np.float32), np.linspace(0, 1, 2001))[0]
            assert np.count_nonzero(counts) > 5
            nominal = found[{"dataset": sample, "variation": "nominal", "channel": sum}].values()
            np.testing.assert_allclose(nominal * 60, counts, atol=1e-4)
    assert len(calls) == len(CLASSES)  # chunks


def test_evaluate(folder: Path, tmp_path: Path) -> None:
    name = str(folder / "tagger")
    document = {
        "views": [str(folder / "views.h5")],
        "taggers": {"bb": name, "ww": [name]},
        "discriminants": {
            "bb": {"signal": ["hbb"], "background": ["qcd"]},
            "ww": {"signal": ["wqq", "hbb"], "background": ["qcd"]},
        },
        "signal": {"name": "h", "jettypes": ["H_BB"]},
        "background": {"name": "q", "jettypes": ["Q"]},
        "others": [{"name": "w", "jettypes": ["W_QQ"]}],
        "splits": TEST,
        "allow_training_events": True,
        "bootstrap": 5,
        "responses": None,
    }
    evaluate(parse_config(EvaluateConfig, document, where="test"), tmp_path / "out")
    tagging = json.loads((tmp_path / "out" / "metrics.json").read_text())["tagging"]
    views = read_views(folder / "views.h5")
    nominal = views.first[:-1]
    p = load_tagger(folder / "tagger" / "tagger.safetensors").score(*views.take(nominal)).astype(np.float64)
    types = views.jettype[nominal]
    for tagger, signal in (("bb", p[:, 1]), ("ww", p[:, 1] + p[:, 2])):
        score = (signal / (signal + p[:, 0])).astype(np.float32)
        higgs, qcd = score[types == 4], score[types == 1]
        area = np.mean([(one > qcd).mean() + (one == qcd).mean() / 2 for one in higgs])
        assert tagging[tagger]["auc"] == pytest.approx(area, abs=1e-9)


def test_inspect_says_the_classes(folder: Path) -> None:
    assert describe(folder / "tagger" / "tagger.safetensors")["classes"] == list(CLASSES)


def test_the_card_shows_how_to_use_several_scores(folder: Path, tmp_path: Path) -> None:
    metrics = {"tagging": {"n2": {}, "bb": {"auc": 0.9, "auc_error": 0.01, "rejection": {"50": {"value": 20.0}}}}}
    (tmp_path / "metrics.json").write_text(json.dumps(metrics))
    publish(folder / "tagger", tmp_path / "out", repository="me/three", metrics=tmp_path / "metrics.json")
    card = (tmp_path / "out" / "README.md").read_text()
    assert "| Scores | qcd, hbb, wqq |" in card
    assert "| AUC of bb | 0.9000 ± 0.0100 |" in card
    assert "| 1/FPR of bb at 50 % | 20 |" in card
    code = (
        card.partition("```python\n")[2]
        .partition("```")[0]
        .replace("hf://me/three", str(folder / "tagger" / "tagger.safetensors"))
    )
    with uproot.open(folder / "files" / "hbb_nominal.root") as file:
        form = get_format("pfnano")
        events = read_events(file["Events"], form, form.branches(["pt", "eta", "phi", "mass"], candidates=True))
    scope: dict[str, Any] = {"events": events}
    exec(code, scope)  # noqa: S102 - what the card tells its reader to run
    np.testing.assert_array_equal(ak.to_numpy(ak.flatten(scope["p"])), _scores(folder, "hbb")[1][:, 2])
    assert scope["one"].discriminant.signal == ("wqq",)
