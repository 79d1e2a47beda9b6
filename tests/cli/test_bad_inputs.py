"""What users get wrong, over all verbs: exit status 2, the sentence that says it, and nothing written."""

from __future__ import annotations

import json
import os
from importlib import import_module
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import uproot
import yaml
from typer.testing import CliRunner

from rs3l_gnn.benchmarks.reliability.seeds import LHE
from rs3l_gnn.cli import VERBS, app

for _name in VERBS:
    import_module(f"rs3l_gnn.cli.{_name}")

_INIT = "<init>\n2212 2212 6500 6500 0 0 0 0 3 1\n1 1 1 1\n</init>\n"
_FIT = "inputs: {}\nhistogram: a\nsamples: {{s: {{signal: true}}}}\n"
FILES: dict[str, str | bytes] = {
    "empty": b"",
    "text": "hello\n",
    "binary": bytes(range(256)),
    "cut.root": b"root" + bytes(30),
    "list.yaml": "- 1\n",
    "broken.yaml": "a: [1\n",
    "latin.yaml": b"\xff\xfe\x00",
    "loop.yaml": "base: loop.yaml\n",
    "broken.json": "{",
    "list.json": "[1]",
    "empty.json": "{}",
    "no_files.json": '{"a": {"files": {}}}',
    "broken.lhe": "<LesHouchesEvents>\n<init>\n 1 2 3\n</init>\n</LesHouchesEvents>\n",
    "without.lhe": f"<LesHouchesEvents>\n{_INIT}</LesHouchesEvents>\n",
    "words.lhe": f"<LesHouchesEvents>\n{_INIT}<event>\n x y z\n</event>\n</LesHouchesEvents>\n",
    "cut.lhe.gz": b"\x1f\x8b\x08\x00garbage",
    "broken.pt": b"PK\x03\x04garbage",
    "pickle.pt": b"\x80\x04N.",
    "broken.safetensors": b'\x08\0\0\0\0\0\0\0{"a": 1}',
    "old.json": '{"format": "rs3l-histograms"}',
    "other.json": '{"a": 1}',
    "double.yaml": "seed: 1\nseed: 2\n",
    "deep.yaml": "[" * 3000,
    "nan_xwgtup.lhe": LHE.replace(" 5 1 10.0 500", " 5 1 nan 500"),
    "inf_xsec.lhe": LHE.replace(" 10.0 0.1 10.0 1", " inf 0.1 10.0 1"),
    "huge_id.lhe": LHE.replace(" 22 1 1 2", " 99999999999 1 1 2"),
    "nup_zero.lhe": LHE.replace(" 5 1 10.0 500", " 0 1 10.0 500"),
    "nup_negative.lhe": LHE.replace(" 5 1 10.0 500", " -5 1 10.0 500"),
    "mother.lhe": LHE.replace(" 22 1 1 2", " 22 1 21883 2"),
    "status.lhe": LHE.replace(" 22 1 1 2", " 22 77 1 2"),
    "negative.lhe": LHE.replace("0. 0. 0. 233.80962103 233", "0. 0. 0. -233.80962103 233"),
    "nan_beam.lhe": LHE.replace("6500 6500", "nan 6500"),
    "cut.lhe": LHE[:700],
    "events.hepmc": "HepMC::Version 3\nE 0 1 1\n",
    "bad_study.yaml": "pair: {main: {moon: 1}}\n",
    "bad_histograms.json": '{"format": "rs3l-histograms", "version": 1}',
    "bad_xsec_set.json": '{"a": {"files": {"events.root": "Events"}, "metadata": {"xsec": -1}}}',
    "bad_parent_set.json": '{"a": {"files": {"events.root": "Events"}, "metadata": {"resimulated_of": "b"}}}',
    "bad_files_set.json": '{"a": {"files": [1]}}',
    "taken/inside": b"",
    "fit_old.yaml": _FIT.format("old.json"),
    "fit_other.yaml": _FIT.format("other.json"),
    "fit_gone.yaml": _FIT.format("gone.json"),
    "fit_broken.yaml": _FIT.format("broken.json"),
    "fit_pipe.yaml": _FIT.format("pipe"),
    "fit_root.yaml": _FIT.format("tree.root"),
    "slash.yaml": "pair: {'a/b': {directories: [x]}}\n",
    "gone_study.yaml": "pair: {main: {directories: [gone]}}\n",
}
PIPES = ("pipe", "pipe.root", "pipes/a.root")
_PIPE = "pipe: it is a pipe or device, and reading it could wait for ever; give a file"
FILESETS = {
    "gone": "gone.root",
    "of_pipe": "pipe.root",
    "of_text": "text",
    "of_trees": "tree.root",
    "of_events": "events.root",
}
MISTAKES = {
    f"{verb} {arguments}".strip(): sentence
    for verb, lines in yaml.safe_load(Path(__file__).with_name("mistakes.yaml").read_text(encoding="utf-8")).items()
    for arguments, sentence in lines.items()
}
_WITHOUT_OUTPUT = ("inspect", "benchmark", "weights")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every kind of broken file."""
    root = tmp_path_factory.mktemp("bad")
    for name, content in FILES.items():
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    for name in PIPES:
        (root / name).parent.mkdir(exist_ok=True)
        os.mkfifo(root / name)
    for name, file in FILESETS.items():
        metadata: dict[str, Any] = {"process": "a", "sample": "a", "variation": "nominal", "xsec": 1.0, "sumw": 1.0}
        document = {"a": {"files": {file: "Events"}, "metadata": {**metadata, "isMC": True}}}
        (root / f"{name}_set.json").write_text(json.dumps(document))
    for name, attributes in (("other.h5", {}), ("views.h5", {"format": "rs3l-views", "version": 1})):
        with h5py.File(root / name, "w") as views:
            views["a"] = np.arange(3)
            views.attrs.update(attributes)
    for name, tree in (("tree.root", "T"), ("events.root", "Events")):
        with uproot.recreate(root / name) as file:
            file.mktree(tree, {"a": "int32"})
            file[tree].extend({"a": np.arange(3, dtype=np.int32)})
    return root


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_ends_with_its_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    monkeypatch.chdir(folder)
    before = sorted(folder.rglob("*"))
    arguments = line.split()
    if arguments[0] not in _WITHOUT_OUTPUT and "--output" not in arguments:
        arguments += ["--output", "out"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2, result.stderr
    assert f"rs3l {arguments[0]}: " in result.stderr or result.stderr.startswith("Usage: ")
    assert MISTAKES[line] in result.stderr
    assert "Traceback" not in result.stderr
    assert sorted(folder.rglob("*")) == before


def test_the_table_is_long_and_of_all_verbs() -> None:
    assert len(MISTAKES) >= 200
    assert {line.partition(" ")[0] for line in MISTAKES} == set(VERBS)
