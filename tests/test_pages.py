"""The pages: each is in the site, each link leads somewhere, settings are taken, commands are known.

What is not marked as 'Not run by the tests' runs in ``test_pages_run.py``.
"""

from __future__ import annotations

import html
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from rs3l_gnn.cli import app, load_verbs
from rs3l_gnn.conventions import parse_config

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
MARK = re.compile(r"\*Not run by the tests: ([^*]+)\*")
FENCE = re.compile(r"^```(\S*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DIRECTIVES = ("{toctree}", "{config-keys}", "{verb-help}", "{eval-rst}", "{mermaid}")


@dataclass(frozen=True)
class Block:
    """A block of code of a page."""

    page: str
    line: int
    language: str
    text: str
    mark: str | None

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def _blocks() -> Iterator[Block]:
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        for found in FENCE.finditer(text):
            if found[1].startswith("{"):
                assert found[1] in DIRECTIVES, f"{path} has a block {found[1]}"
                continue
            before = text[: found.start()].rstrip().rsplit("\n", 1)[-1]  # the last line above
            mark = MARK.search(before)
            line = text.count("\n", 0, found.start()) + 1
            yield Block(path.relative_to(ROOT).as_posix(), line, found[1], found[2], mark[1] if mark else None)


BLOCKS = list(_blocks())


def test_every_page_is_in_the_site_once() -> None:
    listed = []
    for path in DOCS.rglob("*.md"):
        for block in re.findall(r"```\{toctree\}\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL):
            names = [line for line in block.splitlines() if line and not line.startswith(":")]
            listed += [(path.parent / name).resolve().relative_to(DOCS).as_posix() for name in names]
    there = {
        path.relative_to(DOCS).with_suffix("").as_posix() for path in [*DOCS.rglob("*.md"), *DOCS.rglob("*.ipynb")]
    }
    assert sorted(listed) == sorted(there - {"index"})


def _anchors(path: Path) -> set[str]:
    """Places of a page, named as code hosts and the site do."""
    text = FENCE.sub("", path.read_text(encoding="utf-8"))
    titles = [
        re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", title) for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    ]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_inside_lead_somewhere(path: Path) -> None:
    text = FENCE.sub("", path.read_text(encoding="utf-8"))
    lost = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        name, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", link):
            continue
        target = (path.parent / name).resolve() if name else path
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            lost.append(link)
    assert lost == []


def test_blocks_are_of_known_kinds_and_marks_give_a_reason() -> None:
    languages = {"bash", "python", "yaml", "json", "toml", "text"}
    assert [str(block) for block in BLOCKS if block.language not in languages] == []
    assert all(len(block.mark or "a reason") > 5 for block in BLOCKS)


# Settings ------------------------------------------------------------------------------------------------------------

FIT: dict[str, Any] = {"inputs": "a.json", "histogram": "score", "samples": {"s": {"signal": True}}}
ANALYSIS = ("rs3l_gnn.processors", "AnalysisConfig", {"filesets": "a.json"})
SIMULATION = ("rs3l_gnn.simulation", "SimulationConfig", {"samples": {"a": {"process": "qcd", "events": 1}}})
BY_NAME: dict[str, tuple[str, str, dict[str, Any]]] = {
    "simulate": SIMULATION,
    "own": SIMULATION,
    "pretrain": ("rs3l_gnn.training", "PretrainConfig", {"views": "views.h5"}),
    "finetune": ("rs3l_gnn.training", "FinetuneConfig", {"views": "views.h5"}),
    "evaluate": ("rs3l_gnn.evaluation", "EvaluateConfig", {"views": "views.h5", "taggers": {"supervised": "tagger"}}),
    "pair": ("rs3l_gnn.data", "PairConfig", {}),
    "analyze": ANALYSIS,
    "fit": ("rs3l_gnn.fits", "FitConfig", FIT),
}
BY_PAGE: dict[str, str] = {
    "docs/simulation.md": "simulate",
    "docs/variations.md": "simulate",
    "docs/data.md": "pair",
    "docs/evaluation.md": "evaluate",
    "docs/training.md": "pretrain",
    "docs/processors.md": "analyze",
    "docs/fits.md": "fit",
    "docs/tutorials/dask.md": "analyze",
}
ELSEWHERE = {"docs/extending.md": "tests/training/test_plugins.py"}  # with the parts that its settings name
SETTINGS = [block for block in BLOCKS if block.language in {"yaml", "json", "toml"} and block.mark is None]


@pytest.mark.parametrize("block", SETTINGS, ids=str)
def test_settings_are_taken(block: Block) -> None:
    if block.language == "json":
        assert all("files" in entry for entry in json.loads(block.text).values())  # a fileset
        return
    if block.page in ELSEWHERE:
        assert f'"{block.page}", "{block.language}"' in (ROOT / ELSEWHERE[block.page]).read_text(encoding="utf-8")
        return
    named = re.match(r"# (\w+)\.yaml\n", block.text)
    document = yaml.safe_load(block.text)
    wanted = named[1] if named else BY_PAGE[block.page]
    choices = [BY_NAME[wanted], *(() if named else BY_NAME.values())]
    configs = [(getattr(import_module(module), name), base, name) for module, name, base in choices]
    # A page may also hold settings of another verb: those whose keys they are.
    fitting = [choice for choice in configs if set(document) <= set(choice[0].model_fields)]
    config, base, name = (fitting or configs)[0]
    parse_config(config, _whole(document, base, name), where=str(block))


def _whole(document: dict[str, Any], base: dict[str, Any], name: str) -> dict[str, Any]:
    """A block that is one section of a configuration, in its place, with what must stand beside it."""
    if name == "AnalysisConfig" and list(document) == ["mass"] and "scale" in document["mass"]:
        document = {"systematics": {"momenta": document}}
    if name == "FitConfig" and "year" in str(document):
        base = {**base, "years": {"2018": {"inputs": "a.json"}}}
        del base["inputs"]
    return {**base, **document}


# Commands ------------------------------------------------------------------------------------------------------------


def _commands(block: Block) -> list[list[str]]:
    """Commands of a block as words; comments, and what joins two commands, are left out."""
    text = block.text.replace("\\\n", " ")
    found = []
    for line in text.splitlines():
        if '"\n' in line or not line.strip():
            continue
        try:
            words = shlex.split(line, comments=True)
        except ValueError:  # a text of several lines
            continue
        joined = " ".join(shlex.quote(word) for word in words)
        found += [shlex.split(part) for part in joined.split(" '&&' ")]
    return [words for words in found if words]


VERBS = [
    (block, words) for block in BLOCKS if block.language == "bash" for words in _commands(block) if words[0] == "rs3l"
]


@pytest.mark.parametrize(("block", "words"), VERBS, ids=lambda part: part if isinstance(part, Block) else part[1])
def test_commands_are_known(block: Block, words: list[str]) -> None:
    """Marked or not: each option is one of the verb's, and each configuration of ours is there."""
    load_verbs()
    root = typer.main.get_command(app)
    if words[1].startswith("-"):
        root.make_context("rs3l", ["--help"], resilient_parsing=True)
        return
    verb = root.commands[words[1]]  # type: ignore[attr-defined] # typer's group of the verbs
    verb.make_context(words[1], words[2:], resilient_parsing=False)
    for word in words[2:]:
        if word.removeprefix("../").startswith("configs/"):
            assert (ROOT / word.removeprefix("../")).is_file()


def test_targets_of_make_are_there() -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {
        word
        for block in BLOCKS
        if block.language == "bash"
        for words in _commands(block)
        if words[0] == "make"
        for word in words[1:]
        if "=" not in word  # a variable
    }
    assert named <= targets


# The site -----------------------------------------------------------------------------------------------------------


def _build(source: Path, output: Path, *options: str) -> subprocess.CompletedProcess[str]:
    for package in ("sphinx", "furo", "myst_nb"):
        pytest.importorskip(package, reason="the extra docs is not installed")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", *options, str(source), str(output)]
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # our own pages


@pytest.mark.slow
def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    done = _build(DOCS, tmp_path / "site")
    assert done.returncode == 0, done.stderr
    keys = (tmp_path / "site" / "reference" / "keys.html").read_text(encoding="utf-8")
    assert keys.count("<dt>") > 400
    assert "trainer.buffer_events" in keys
    notebook = (tmp_path / "site" / "notebooks" / "tagger_in_your_processor.html").read_text(encoding="utf-8")
    # Its last cells have run. Which signs are escaped is a matter of the version of Pygments.
    assert "'tagged': " in html.unescape(notebook)
    assert (tmp_path / "site" / "searchindex.js").stat().st_size > 100_000


@pytest.mark.slow
def test_a_link_that_leads_nowhere_ends_the_build(tmp_path: Path) -> None:
    source = tmp_path / "docs"
    source.mkdir()
    shutil.copytree(DOCS / "_ext", source / "_ext")
    shutil.copyfile(DOCS / "conf.py", source / "conf.py")
    for link, good in (("other.md#there", True), ("other.md#nowhere", False), ("nobody.md", False)):
        (source / "index.md").write_text(f"# Start\n\n[link]({link})\n\n```{{toctree}}\nother\n```\n")
        (source / "other.md").write_text("# Other\n\n## There\n")
        assert (_build(source, tmp_path / "out", "-E").returncode == 0) is good, link
