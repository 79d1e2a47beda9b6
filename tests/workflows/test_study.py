"""The study: its steps, what makes a step done, and a run that stops and goes on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from rs3l_gnn.cli import app
from rs3l_gnn.cli import study as _study  # noqa: F401 - registers the verb
from rs3l_gnn.conventions import ConfigError, OutputError, Rs3lError, load_config
from rs3l_gnn.training import FinetuneConfig
from rs3l_gnn.workflows.steps import Step, waves
from rs3l_gnn.workflows.study import StudyConfig, default_config, run_study, state_of, steps_of

SMALL = """
seeds: [1, 2]
pair:
  main: {directories: [simulate]}
pretrain:
  recipe:
    views: pair/main.h5
    encoder: {k: 4, width: 8, layers: 1, hidden: [8], dim: 4}
    batch_events: 20
    trainer: {epochs: 1}
finetune:
  rs3l:
    views: pair/main.h5
    encoder: pretrain/recipe-{seed}/encoder.safetensors
    mode: fixed
    batch_events: 20
    trainer: {epochs: 1}
evaluate:
  report:
    views: pair/main.h5
    taggers: {rs3l: "finetune/rs3l-{seed}"}
    bootstrap: 10
    variations: []
    responses: null
"""


@pytest.fixture
def folder(tmp_path: Path, toy_directory: Path) -> Path:
    """A study whose simulation is there already."""
    shutil.copytree(toy_directory, tmp_path / "study" / "simulate")
    return tmp_path / "study"


@pytest.fixture
def config(tmp_path: Path) -> StudyConfig:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    return load_config(StudyConfig, path)


def test_trainings_are_repeated_for_each_seed(config: StudyConfig) -> None:
    steps = {step.key: step.config for step in steps_of(config)}
    assert list(steps) == [
        "pair/main",
        "pretrain/recipe-1",
        "pretrain/recipe-2",
        "finetune/rs3l-1",
        "finetune/rs3l-2",
        "evaluate/report",
    ]
    second = steps["finetune/rs3l-2"].model_dump()
    assert (second["seed"], second["encoder"]) == (2, "pretrain/recipe-2/encoder.safetensors")
    assert steps["evaluate/report"].model_dump()["taggers"] == {"rs3l": ("finetune/rs3l-1", "finetune/rs3l-2")}


def test_it_goes_on_where_it_stopped_and_repeats_nothing(config: StudyConfig, folder: Path) -> None:
    first = run_study(config, folder, only=["pair/*", "pretrain/recipe-1"])
    assert [step.key for step, _ in first] == ["pair/main", "pretrain/recipe-1"]
    written = (folder / "pretrain/recipe-1/encoder.safetensors").stat().st_mtime_ns
    rest = run_study(config, folder)
    assert [step.key for step, _ in rest] == [
        "pretrain/recipe-2",
        "finetune/rs3l-1",
        "finetune/rs3l-2",
        "evaluate/report",
    ]
    assert (folder / "pretrain/recipe-1/encoder.safetensors").stat().st_mtime_ns == written
    assert run_study(config, folder) == []
    metrics = json.loads((folder / "evaluate/report/metrics.json").read_text())
    assert 0 <= metrics["tagging"]["rs3l"]["auc"] <= 1
    provenance = json.loads((folder / "finetune/rs3l-2/provenance.json").read_text())
    assert list(provenance["inputs"]) == ["pair/main.h5"]  # relative, so the study may move


@pytest.mark.slow
def test_several_at_once_give_the_same(config: StudyConfig, folder: Path, tmp_path: Path) -> None:
    run_study(config, folder)
    shutil.copytree(folder / "simulate", tmp_path / "again" / "simulate")
    keys = [step.key for step, _ in run_study(config, tmp_path / "again", workers=2)]
    assert set(keys) == {step.key for step in steps_of(config)}
    assert (keys[0], keys[-1]) == ("pair/main", "evaluate/report")
    one, two = (
        json.loads((study / "evaluate/report/metrics.json").read_text())["tagging"]
        for study in (folder, tmp_path / "again")
    )
    assert one == two


def test_an_error_in_a_worker_arrives_and_the_others_finish(config: StudyConfig, folder: Path) -> None:
    run_study(config, folder, only=["pair/*", "pretrain/*"])
    (folder / "pretrain/recipe-1/encoder.safetensors").unlink()
    with pytest.raises(Rs3lError, match="recipe-1/encoder.safetensors"):
        run_study(config, folder, only=["finetune/*"], workers=2)
    assert not (folder / "finetune/rs3l-1").exists()
    assert (folder / "finetune/rs3l-2/tagger.safetensors").exists()


def test_a_step_of_other_settings_is_refused_before_anything_runs(config: StudyConfig, folder: Path) -> None:
    run_study(config, folder, only=["pair/main", "pretrain/recipe-1"])
    recipe = config.pretrain["recipe"]
    other = config.model_copy(
        update={"pretrain": {"recipe": recipe.model_copy(update={"batch_events": 10})}, "finetune": {}, "evaluate": {}}
    )
    step = steps_of(other)[1]
    assert state_of(step, folder) == "changed"
    with pytest.raises(OutputError, match="pretrain/recipe-1 in .* came from other settings"):
        run_study(other, folder)
    assert not (folder / "pretrain/recipe-2").exists()
    assert [done.key for done, _ in run_study(other, folder, only=["pretrain/recipe-1"], force=True)] == [step.key]
    assert state_of(step, folder) == "done"


def test_what_was_made_from_a_repeated_step_is_repeated(
    config: StudyConfig, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run_study(config, folder, only=["pair/main", "pretrain/recipe-*", "finetune/rs3l-*"])
    recipe = config.pretrain["recipe"]
    other = config.model_copy(update={"pretrain": {"recipe": recipe.model_copy(update={"batch_events": 10})}})
    steps = {step.key: step for step in steps_of(other)}
    before = (folder / "finetune/rs3l-2/tagger.safetensors").read_bytes()
    ran = run_study(other, folder, only=["pretrain/recipe-*", "finetune/rs3l-1"], force=True)
    assert [step.key for step, _ in ran] == ["pretrain/recipe-1", "pretrain/recipe-2", "finetune/rs3l-1"]
    assert "finetune/rs3l-2 came from outputs that are made anew now" in caplog.text
    states = {key: state_of(steps[key], folder) for key in ("pair/main", "finetune/rs3l-1", "finetune/rs3l-2")}
    assert states == {"pair/main": "done", "finetune/rs3l-1": "done", "finetune/rs3l-2": "changed"}
    with pytest.raises(OutputError, match=r"finetune/rs3l-2 in .* from inputs that were made anew since"):
        run_study(other, folder, only=["finetune/*"])
    assert (folder / "finetune/rs3l-2/tagger.safetensors").read_bytes() == before
    assert [step.key for step, _ in run_study(other, folder, only=["finetune/rs3l-2"], force=True)] == [
        "finetune/rs3l-2"
    ]
    assert state_of(steps["finetune/rs3l-2"], folder) == "done"
    assert not list(folder.rglob("*.outdated"))
    assert (folder / "finetune/rs3l-2/tagger.safetensors").read_bytes() != before


def test_patterns_and_names_are_checked(config: StudyConfig, folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"no step of the study fits the pattern.*finetune/hbb"):
        run_study(config, folder, only=["finetune/hbb*"])
    strange = config.model_copy(update={"pair": {"../main": config.pair["main"]}})
    with pytest.raises(ConfigError, match="letters, digits"):
        steps_of(strange)


def test_the_list_tells_what_is_done(config: StudyConfig, folder: Path, tmp_path: Path) -> None:
    run_study(config, folder, only=["pair/main"])
    result = CliRunner().invoke(app, ["study", str(tmp_path / "small.yaml"), "--output", str(folder), "--list"])
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[0].split() == ["done", "pair/main"]
    assert lines[1].split() == ["missing", "pretrain/recipe-1"]


def test_the_shipped_study_holds_together() -> None:
    """Every path that a step reads is the output of a step before it."""
    config = load_config(StudyConfig, default_config())
    steps = steps_of(config)
    assert len({step.key for step in steps}) == len(steps)
    known: set[str] = set()
    for step in steps:
        document = step.config.model_dump(mode="json")
        for path in _paths(document):
            assert any(path == name or path.startswith(f"{name}/") for name in known), (step.key, path)
        known.add(str(step.output))


def _paths(node: object) -> list[str]:
    """Strings that read like an output of the study."""
    verbs = ("simulate/", "pair/", "pretrain/", "finetune/", "evaluate/", "analyze/", "fit/")
    if isinstance(node, dict):
        return [path for value in node.values() for path in _paths(value)]
    if isinstance(node, list):
        return [path for value in node for path in _paths(value)]
    return [node] if isinstance(node, str) and node.startswith(verbs) else []


def test_who_learns_from_others_comes_after_them() -> None:
    """In whatever order they are written; a circle is refused."""

    def step(name: str, *teachers: str) -> Step:
        mix = {"teachers": [f"finetune/{one}/tagger.safetensors" for one in teachers]} if teachers else None
        return Step("finetune", name, FinetuneConfig.model_validate({"distillation": mix}))

    tilted = Step("finetune", "t-1", FinetuneConfig(tagger="finetune/a-1", robustness=0.5))
    steps = [step("c-1", "b-1", "a-1"), tilted, step("b-1", "a-1"), step("a-1"), step("a-10")]
    assert [[one.name for one in wave] for wave in waves(steps)] == [["a-1", "a-10"], ["t-1", "b-1"], ["c-1"]]
    with pytest.raises(ConfigError, match="read the outputs of each other; got finetune/a-1, finetune/b-1"):
        list(waves([step("a-1", "b-1"), step("b-1", "a-1")]))


def test_a_step_waits_for_what_it_reads_alone() -> None:
    """Its own file, all of a folder, or a pattern; a step whose files are named otherwise waits for earlier verbs."""

    def order(**sections: dict[str, Any]) -> list[list[str]]:
        config = StudyConfig.model_validate({"seeds": [1], **sections})
        return [[step.key for step in wave] for wave in waves(steps_of(config))]

    samples = {"q": {"process": "qcd", "events": 1}}
    simulate = {name: {"samples": samples} for name in ("a", "b")}
    first = ["simulate/a", "simulate/b"]
    for directories, kept in (("simulate/a", "a"), ("simulate", "all"), ("simulate/*", "pattern"), ("/x", "other")):
        pair = {kept: {"directories": [directories]}, "b": {"directories": ["simulate/b"]}}
        trained = {"t": {"views": f"pair/{kept}.h5"}}
        found = order(simulate=simulate, pair=pair, pretrain=trained)
        assert found == [first, [f"pair/{kept}", "pair/b"], ["pretrain/t-1"]]
    found = order(
        simulate={"a": simulate["a"]},
        pair={"a": {"directories": ["simulate/a"]}, "b": {"directories": ["/elsewhere"]}},
        pretrain={"t": {"views": "pair/a.h5"}},
        finetune={
            "new": {"views": "pair/b.h5", "encoder": None},
            "old": {"views": "pair/a.h5", "encoder": "pretrain/t-{seed}/encoder.safetensors"},
            "other": {"views": "/elsewhere.h5", "encoder": None},
        },
        evaluate={"e": {"views": "pair/a.h5", "taggers": {"x": "finetune/old-{seed}"}}},
    )
    assert found == [
        ["simulate/a"],
        ["pair/a", "pair/b"],
        ["pretrain/t-1", "finetune/new-1"],
        ["finetune/old-1", "finetune/other-1"],
        ["evaluate/e"],
    ]
