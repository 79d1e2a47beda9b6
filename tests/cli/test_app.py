from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import NoReturn

import pytest
from typer.testing import CliRunner

from rs3l_gnn.cli import VERBS, app
from rs3l_gnn.conventions import SimulationError
from rs3l_gnn.simulation import SimulationConfig

for _name in VERBS:
    import_module(f"rs3l_gnn.cli.{_name}")


@pytest.fixture
def runner() -> CliRunner:
    return CliRunner()


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(runner: CliRunner, verb: str) -> None:
    result = runner.invoke(app, [verb, "--help"])
    assert result.exit_code == 0
    assert "--debug" in result.output
    assert "--quiet" in result.output


def test_no_verb_shows_the_verbs_in_the_order_of_the_chain(runner: CliRunner) -> None:
    text = runner.invoke(app, ["--help"]).output
    places = [text.index(f"  {verb} ") for verb in VERBS]
    assert places == sorted(places)


def test_help_is_made_of_whole_sentences_and_words(runner: CliRunner) -> None:
    text = runner.invoke(app, ["--help"]).output
    assert "..." not in text.partition("Commands:")[2]
    assert "one PFNano-like ROOT file each." in " ".join(text.split())
    for verb in VERBS:
        told = runner.invoke(app, [verb, "--help"]).output
        assert not re.search(r"<(str|path|int|float|list|bool)\b|\bNone\b", told), verb


def test_the_shell_completes_verbs_and_options(runner: CliRunner) -> None:
    def completed(words: str) -> set[str]:
        ask = {"_RS3L_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
        return set(runner.invoke(app, [], prog_name="rs3l", env=ask).output.split())

    assert completed("rs3l f") == {"finetune", "fit", "fetch"}
    assert {"--plan", "--json"} <= completed("rs3l evaluate --")


def test_version(runner: CliRunner) -> None:
    assert runner.invoke(app, ["--version"]).output.startswith("rs3l_gnn 0.")


def test_a_mistake_is_one_message_and_status_two(runner: CliRunner, tmp_path: Path) -> None:
    result = runner.invoke(app, ["inspect", str(tmp_path / "none.root")])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == f"rs3l inspect: cannot read {tmp_path / 'none.root'}: No such file or directory\n"


def test_debug_shows_where_it_happened(runner: CliRunner, tmp_path: Path) -> None:
    result = runner.invoke(app, ["inspect", str(tmp_path / "none.root"), "--debug"])
    assert result.exit_code == 2
    assert "Traceback (most recent call last)" in result.stderr
    assert "InputFileError" in result.stderr


@pytest.mark.parametrize(
    "verb", ["simulate", "pair", "pretrain", "finetune", "evaluate", "analyze", "fit", "demo", "study"]
)
def test_unknown_keys_stop_every_verb_before_it_writes(runner: CliRunner, tmp_path: Path, verb: str) -> None:
    output = tmp_path / "out"
    result = runner.invoke(app, [verb, "--set", "no_such_key=1", "--output", str(output)])
    assert result.exit_code == 2
    assert "unknown key 'no_such_key'" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "verb", ["simulate", "pair", "pretrain", "finetune", "evaluate", "analyze", "fit", "demo", "study"]
)
def test_a_configuration_that_is_not_there(runner: CliRunner, tmp_path: Path, verb: str) -> None:
    result = runner.invoke(app, [verb, str(tmp_path / "none.yaml"), "--output", str(tmp_path / "out")])
    assert result.exit_code == 2
    assert "cannot read the configuration" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_unknown_benchmark(runner: CliRunner) -> None:
    result = runner.invoke(app, ["benchmark", "warp"])
    assert result.exit_code == 2
    assert "unknown benchmark 'warp'; allowed: encoder, " in result.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["all", "--only", "warp"], "--only: unknown warp; allowed: encoder, kernels, "),
        (["all", "--tries", "3"], "benchmark all: no tries"),
        (["load", "--tries", "3"], "benchmark load: no tries"),
        (["encoder", "--only", "training"], "benchmark encoder: no parts, tries or table"),
    ],
)
def test_options_of_a_benchmark_that_it_does_not_have(runner: CliRunner, options: list[str], message: str) -> None:
    result = runner.invoke(app, ["benchmark", *options])
    assert result.exit_code == 2
    assert message in result.stderr


def test_all_rates_are_benchmarks() -> None:
    from rs3l_gnn.benchmarks import rates
    from rs3l_gnn.cli import benchmark

    assert set(rates.RATES) <= set(benchmark._BENCHMARKS)


def test_simulate_names_an_unknown_variation(runner: CliRunner, tmp_path: Path) -> None:
    arguments = ["simulate", "--process", "qcd", "--events", "1", "--set", "variations=[fsr_dn]"]
    result = runner.invoke(app, [*arguments, "--output", str(tmp_path / "out")])
    assert result.exit_code == 2
    assert "unknown variation 'fsr_dn'" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("sample", "expected"), [(None, {"a": 7, "b": 7}), ("b", {"a": 5, "b": 7})])
def test_events_of_a_configuration(
    runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sample: str | None, expected: dict[str, int]
) -> None:
    seen: dict[str, int | None] = {}

    def look(config: SimulationConfig, output: Path, *, force: bool) -> NoReturn:
        seen.update({name: one.events for name, one in config.samples.items()})
        raise SimulationError("seen")

    monkeypatch.setattr("rs3l_gnn.simulation.simulate", look)
    (tmp_path / "two.yaml").write_text("samples: {a: {process: qcd, events: 5}, b: {process: hbb, events: 5}}")
    named = ["--sample", sample] if sample else []
    result = runner.invoke(app, ["simulate", str(tmp_path / "two.yaml"), "--events", "7", *named])
    assert result.exit_code == 2
    assert seen == expected


def test_simulate_refuses_a_file_that_is_no_lhe(runner: CliRunner, tmp_path: Path) -> None:
    wrong = tmp_path / "events.lhe"
    wrong.write_text("not an event\n")
    result = runner.invoke(app, ["simulate", "--lhe", str(wrong), "--output", str(tmp_path / "out")])
    assert result.exit_code == 2
    assert "events.lhe" in result.stderr
    assert not list(tmp_path.rglob("*.root"))


@pytest.mark.parametrize(
    ("verb", "key"),
    [
        ("simulate", "variations"),
        ("pair", "directories"),
        ("pretrain", "loss.temperature"),
        ("finetune", "trainer.epochs"),
        ("evaluate", "bootstrap"),
        ("analyze", "run.limit_files"),
        ("fit", "luminosity.value"),
        ("demo", "simulate"),
        ("study", "pretrain"),
    ],
)
def test_keys_lists_the_keys_of_the_configuration(runner: CliRunner, verb: str, key: str) -> None:
    result = runner.invoke(app, [verb, "--keys"])
    assert result.exit_code == 0
    assert any(line.split()[0].startswith(key) for line in result.stdout.splitlines())


def test_options_of_analyze_reach_its_configuration(runner: CliRunner, tmp_path: Path) -> None:
    arguments = ["--resume", "--limit-files", "1", "--set", f"filesets={tmp_path / 'none.json'}"]
    result = runner.invoke(app, ["analyze", "--output", str(tmp_path / "out"), *arguments])
    assert result.exit_code == 2
    assert "resume needs a checkpoints folder" in result.stderr
    arguments = ["--scheduler", "tcp://127.0.0.1:1", "--executor", "futures", *arguments[3:]]
    result = runner.invoke(app, ["analyze", "--output", str(tmp_path / "out"), *arguments])
    assert result.exit_code == 2
    assert "goes with the executor dask" in result.stderr
