"""One call: folder, provenance, refusal to overwrite, the same bytes again."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from rs3l_gnn.conventions import (
    InputFileError,
    InvalidDataError,
    OutputError,
    UnknownVariationError,
    file_digest,
    load_config,
)
from rs3l_gnn.evaluation import ClassConfig, EvaluateConfig, evaluate
from rs3l_gnn.evaluation.metrics import measure


def test_the_folder_tells_all(
    evaluated: Path, metrics: dict[str, Any], config: EvaluateConfig, toy_views: Path, taggers: dict[str, str]
) -> None:
    names = {"metrics.json", "config.yaml", "provenance.json", "plots", "report.html"}
    assert {path.name for path in evaluated.iterdir()} == names
    assert (metrics["format"], metrics["version"]) == ("rs3l-metrics", 3)
    assert load_config(EvaluateConfig, evaluated / "config.yaml") == config
    record = json.loads((evaluated / "provenance.json").read_text())
    assert record["inputs"][str(toy_views)] == file_digest(toy_views)
    assert set(record["trainings"]) == set(taggers.values())
    one, two = (record["trainings"][taggers[name]] for name in ("one", "two"))
    assert one["sha256"] == file_digest(taggers["one"])
    assert one["command"] is None
    assert two["sha256"] == file_digest(Path(taggers["two"]) / "tagger.safetensors")
    assert (two["seeds"], two["config_digest"]) == ({"seed": 1}, "abc")
    assert two["command"] == f"rs3l finetune {taggers['two']}/config.yaml --output {taggers['two']}"


def test_the_same_inputs_give_the_same_bytes(evaluated: Path, config: EvaluateConfig, tmp_path: Path) -> None:
    evaluate(config, tmp_path / "again")
    files = sorted(path.relative_to(evaluated) for path in evaluated.rglob("*") if path.is_file())
    assert len(files) > 20
    for name in files:
        assert (tmp_path / "again" / name).read_bytes() == (evaluated / name).read_bytes(), name


def test_a_result_is_replaced_only_by_force(config: EvaluateConfig, tmp_path: Path) -> None:
    few = EvaluateConfig(views=config.views, bootstrap=2, efficiencies=(0.5,), variations=())
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="exists already; .*--force"):
        evaluate(few, tmp_path / "out")
    assert (tmp_path / "out" / "mine.txt").read_text() == "mine"
    found = evaluate(few, tmp_path / "out", force=True)
    assert list(found.tagging) == ["n2"]  # the baseline needs no network
    assert found.robustness == {"n2": {"qcd": {}, "higgs": {}}}
    plots = json.loads((tmp_path / "out" / "metrics.json").read_text())["plots"]
    assert plots == ["roc.png", "roc.pdf", "rejection.png", "rejection.pdf"]
    assert not (tmp_path / "out" / "mine.txt").exists()


def test_a_failure_leaves_nothing(config: EvaluateConfig, tmp_path: Path) -> None:
    (tmp_path / "history.csv").write_text("epoch,loss\n1,2\n")
    wrong = EvaluateConfig(views=config.views, bootstrap=2, histories={"x": tmp_path / "history.csv"})
    with pytest.raises(InputFileError, match="history.csv is not the history of a training; got .*val_loss"):
        evaluate(wrong, tmp_path / "out")
    with pytest.raises(InputFileError, match="cannot read the history .*gone.csv"):
        evaluate(wrong.model_copy(update={"histories": {"x": tmp_path / "gone.csv"}}), tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["history.csv"]


def test_mistakes_show_before_anything_is_scored(
    config: EvaluateConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rs3l_gnn.evaluation.run.score_test_events", lambda _: pytest.fail("scored"))
    top = ClassConfig(name="top", jettypes=("TOP_BQQ",))
    curve, table = config.curves["labels"], config.tables["ablation"]
    for changes, error in (
        ({"variations": ("herwig",)}, UnknownVariationError),
        ({"signal": top}, InvalidDataError),
        ({"curves": {"c": curve.model_copy(update={"signal": top})}}, InvalidDataError),
        ({"tables": {"t": table.model_copy(update={"background": top})}}, InvalidDataError),
        ({"histories": {"x": tmp_path / "gone.csv"}}, InputFileError),
    ):
        with pytest.raises(error):
            evaluate(config.model_copy(update=changes), tmp_path / "out")


def test_views_that_change_while_they_are_scored(
    config: EvaluateConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, views = measure, tmp_path / "views.h5"
    shutil.copy(config.views[0], views)

    def change(meter: Any) -> Any:
        os.utime(views)
        return real(meter)

    monkeypatch.setattr("rs3l_gnn.evaluation.run.measure", change)
    with pytest.raises(InputFileError, match=r"views\.h5 changed while it was read"):
        evaluate(config.model_copy(update={"views": (views,)}), tmp_path / "out")
    assert not (tmp_path / "out").exists()
