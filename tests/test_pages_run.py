"""Commands and Python of the pages run as they stand, one page after another, on small samples."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
from typer.testing import CliRunner

from rs3l_gnn.cli import app, load_verbs
from rs3l_gnn.inference import JetTagger

ROOT = Path(__file__).parents[1]
MARK = re.compile(r"\*Not run by the tests: [^*]+\*$")
FENCE = re.compile(r"^```(\S*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LOOP = re.compile(r"for (\w+) in ([\w ]+); do (.*); done$")
SETS = {
    # What is said after the words of the page, so that a command takes seconds.
    "simulate.demo": ["samples.qcd.events=160", "samples.hbb.events=200", "samples.wqq.events=60", "chunk_size=70"],
    "pretrain": ["batch_events=25", "trainer.epochs=1", "trainer.buffer_events=null", "encoder={width: 16, layers: 1}"],
    "finetune": ["trainer.epochs=1", "trainer.buffer_events=null", "trainer.patience=null", "trainer.keep=last"],
    "evaluate": ["bootstrap=10"],
    "analyze": ["run.executor=iterative", "bootstrap.replicas=0"],
    "fit": [
        "rebin={signal_efficiency: [0.5], efficiency_tolerance: 0.45}",
        "inference={ranking: false, scan: false, limit: false, significance: false}",
        "problems={negative_bins: clip, empty_bins: merge, empty_samples: drop, full_variation: clip}",
        "template_formats=[json, zip, coffea]",
    ],
}
ELSEWHERE = {
    "docs/extending.md": "tests/training/test_plugins.py",
    "docs/tutorials/nanoaod.md": "tests/test_nanoaod_page.py",
    "docs/reference/features.md": "tests/conventions/features/test_page.py",
}
"""Pages with files or packages of their own."""
NOT_COMMANDS = ("source", "mkdir", "export")
IN_REPOSITORY = {"configs", "docs"}
QUICK_EVENTS = ["--events", "20"]
EXCUSED_IN_README = ("make demo", "pip install")


def _blocks(page: str) -> Iterator[tuple[str, str]]:
    text = (ROOT / page).read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        above = text[: found.start()].rstrip().rsplit("\n", 1)[-1]
        excused = page == "README.md" and found[2].startswith(EXCUSED_IN_README)
        if not MARK.search(above) and not excused and found[1] in {"bash", "python", "yaml"}:
            yield found[1], found[2]


def _invoke(words: list[str]) -> None:
    verb = words[0]
    if verb == "simulate":
        demo = "../configs/simulate/demo.yaml" in words
        extra = SETS["simulate.demo"] if demo else []
        words = [*words, *([] if demo or any(w in {"simulate.yaml", "own.yaml"} for w in words) else QUICK_EVENTS)]
    else:
        extra = SETS.get(verb, [])
    options = [part for setting in extra for part in ("--set", setting)]
    forced = [] if verb in {"inspect", "weights"} else ["--force"]
    done = CliRunner().invoke(app, [*words, *options, *forced, "--debug"])
    assert done.exit_code == 0, f"rs3l {shlex.join(words)}: {done.output}"


def _unrolled(text: str) -> Iterator[str]:
    """Lines of a block, those of a loop of one line once for each of its words."""
    for line in text.splitlines():
        loop = LOOP.match(line)
        if loop is None:
            yield line
        else:
            yield from (loop[3].replace(f"${loop[1]}", word) for word in loop[2].split())


def _run_bash(text: str) -> None:
    for line in _unrolled(text):
        words = shlex.split(line, comments=True)
        if not words or words[0] in NOT_COMMANDS:
            continue
        if words[0] == "python":
            subprocess.run([sys.executable, *words[1:]], check=True)  # noqa: S603  # the text of our own page
            continue
        assert words[0] == "rs3l", f"{line}: neither run nor marked"
        _invoke(
            [
                part
                for word in words[1:]
                for part in (sorted(map(str, Path().glob(word))) if "*" in word and "=" not in word else [word])
            ]
        )


WRITTEN = {
    "docs/data.md": ("views.h5", "views.report.json"),
    "docs/encoder.md": ("exported",),
    "docs/fits.md": ("fit-rs3l",),
    "docs/simulation.md": ("simulation",),
}
"""Outputs that the first block of Python of a page writes again, where a command has written them before."""


def _run_page(page: str, folder: Path, scope: dict[str, Any]) -> None:
    before = Path.cwd()
    os.chdir(folder)
    try:
        for language, text in _blocks(page):
            named = re.match(r"# (\w+\.yaml)\n", text)
            if language == "bash":
                _run_bash(text)
            elif language == "yaml" and named:
                Path(named[1]).write_text(text)
            elif language == "python":
                for name in WRITTEN.pop(page, ()):
                    _remove(Path(name))
                small = text.replace("events=1000", "events=20").replace('zh_hbb.yaml")', 'zh_hbb.yaml", SMALL_FIT)')
                scope["SMALL_FIT"] = SETS["fit"]
                exec(compile(small, page, "exec"), scope)  # noqa: S102 - the text of our own page
    finally:
        os.chdir(before)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory, toy_directory: Path) -> Path:
    """The folder ``work`` of README, after its commands, with the files of the reader's that pages speak of."""
    load_verbs()
    folder = tmp_path_factory.mktemp("pages")
    (folder / "configs").symlink_to(ROOT / "configs")
    work = folder / "work"
    work.mkdir()
    for name in ("nano.root", "nano_1.root"):
        shutil.copyfile(toy_directory / "hbb" / "nominal_0000.root", work / name)
    _run_page("README.md", work, _scope(toy_directory))
    shutil.copyfile(work / "taggers" / "rs3l" / "tagger.safetensors", work / "mine.safetensors")
    shutil.copyfile(work / "taggers" / "rs3l" / "tagger.safetensors", work / "tagger.safetensors")
    shutil.copyfile(work / "simulation" / "qcd" / "hard.lhe.gz", work / "events.lhe.gz")
    shutil.copyfile(work / "simulation" / "qcd" / "hard.lhe.gz", work / "zjets.lhe.gz")
    shutil.copyfile(work / "simulation" / "hbb" / "hard.lhe.gz", work / "zh.lhe.gz")
    (work / "demo-output" / "simulate").mkdir(parents=True)
    shutil.copytree(work / "simulation", work / "demo-output" / "simulate" / "main")
    (work / "configs").symlink_to(ROOT / "configs")
    return work


def _scope(toy_directory: Path) -> dict[str, Any]:
    """What the text above a block says is there: arrays of two jets, events, networks."""
    import torch
    from coffea.nanoevents import NanoEventsFactory

    import rs3l_gnn
    from rs3l_gnn.processors import JetSchema

    path = toy_directory / "hbb" / "nominal_0000.root"
    events = NanoEventsFactory.from_root({str(path): "Events"}, schemaclass=JetSchema, mode="eager").events()
    rng = np.random.default_rng(1)
    return {
        "features": rng.normal(size=(50, 15)).astype(np.float32),
        "offsets": np.array([0, 30, 50]),
        "jet_pt": np.array([500.0, 600.0]),
        "encoder": rs3l_gnn.load_encoder("default"),
        "tagger": rs3l_gnn.load_tagger("default-hbb"),
        "torch": torch,
        "events": events,
        "ak": ak,
    }


PAGES = [
    path.relative_to(ROOT).as_posix()
    for path in sorted((ROOT / "docs").rglob("*.md"))
    if any(language in {"bash", "python"} for language, _ in _blocks(path.relative_to(ROOT).as_posix()))
]


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # samples so small that much is warned of
@pytest.mark.parametrize("page", PAGES)
def test_a_page_runs(
    page: str, work: Path, tmp_path: Path, toy_directory: Path, request: pytest.FixtureRequest
) -> None:
    if page in ELSEWHERE:
        pytest.skip(f"{ELSEWHERE[page]} runs it")
    folder = tmp_path / "work"
    shutil.copytree(work, folder, symlinks=True)
    scope = _scope(toy_directory)
    if page in {"docs/checkpoints.md", "docs/encoder.md"}:
        from rs3l_gnn.models import load_tagger

        scope["tagger"] = load_tagger("default-hbb")  # of torch, with gradients
    if page == "docs/data.md":
        from rs3l_gnn.models import load_encoder

        scope["encoder"] = load_encoder("default")  # of torch, too
    if page == "docs/checkpoints.md":
        _remove(folder / "tagger.safetensors")
    if page == "docs/encoder.md":
        shared = request.getfixturevalue("shared_data")
        shutil.copyfile(shared / "published" / "mar20_run0.pt", folder / "mar20_run0.pt")
    if page == "docs/processors.md":
        jets = scope["events"].FatJet
        scope["tagger"] = JetTagger("default-hbb")
        candidates, links = scope["events"].PFCands, scope["events"].FatJetPFCands
        per_jet = ak.sum(links.jetIdx[:, np.newaxis] == ak.local_index(jets.pt)[:, :, np.newaxis], axis=-1)
        nested = ak.unflatten(candidates[links.pFCandsIdx], ak.flatten(per_jet), axis=1)
        scope |= {"jets": jets, "candidates": candidates, "links": links, "nested_candidates": nested}
    if page == "docs/fits.md":
        for path in (work / "fit").glob("templates.*"):
            shutil.copyfile(path, folder / path.name)
    _run_page(page, folder, scope)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_the_first_page_leaves_what_it_says(work: Path) -> None:
    for name in ("fit/fit.json", "fit/workspace.json", "fit/shapes.root", "fit/card.txt", "evaluation/metrics.json"):
        assert (work / name).is_file()
