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
from typer.testing import CliRunner

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
ONE = ("simulate", "--process", "qcd", "-n", "1")
SENTENCES: dict[str, str] = {
    # inspect
    "inspect gone": "cannot read gone: No such file",
    "inspect taken": "taken is a directory; name one file in it",
    "inspect empty": "empty is empty",
    "inspect binary": "binary is of no known format; allowed: ROOT",
    "inspect cut.root": "cut.root is a damaged ROOT file",
    "inspect broken.json": "broken.json is not valid JSON",
    "inspect cut.lhe.gz": "cut.lhe.gz is a damaged gzip file",
    "inspect broken.lhe": "line 3: the <init> block is broken",
    "inspect words.lhe": "line 7: event 0 is broken",
    "inspect broken.pt": "broken.pt is not a checkpoint",
    "inspect broken.safetensors": "broken.safetensors is not a safetensors file",
    "inspect views.h5": "views.h5 is a damaged HDF5 file",
    # configurations and overrides
    "simulate list.yaml": "list.yaml must hold a mapping at its top level; got list",
    "pair broken.yaml": "broken.yaml is not valid YAML",
    "pretrain latin.yaml": "latin.yaml is not text in UTF-8",
    "finetune loop.yaml": "the chain of 'base:' files comes back to itself",
    "evaluate taken": "cannot read the configuration taken: it is a folder; give a file",
    "analyze gone.yaml": "cannot read the configuration gone.yaml: No such file",
    "fit --set =1": "an override must read dotted.key=value; got '=1'",
    "demo --set seeds": "an override must read dotted.key=value; got 'seeds'",
    "study --set seeds=[1": "cannot read the override 'seeds=[1': not valid YAML",
    "finetune --set target.signal=[H_BB]": "unknown key 'target' (did you mean 'targets'?)",
    # simulate
    "simulate": "key 'samples' is missing",
    "simulate --process moon -n 1": "moon",
    "simulate --process qcd -n 0": "samples.qcd.events: Input should be greater than 0, got 0",
    "simulate --process qcd -n 10000000000": "samples.qcd.events: Input should be less than or equal to 1000000000",
    "simulate --process qcd -n 1 --set jets.radius=1000": "jets.radius: Input should be less than or equal to 3",
    "simulate --process qcd -n 1 --set jets.beta=.nan": "jets.beta: Input should be a finite number",
    "simulate --sample a": "--sample names what --lhe, --process or --events is about; give one of them",
    "simulate --process qcd --workers 0": "workers: Input should be greater than 0",
    "simulate --lhe gone.lhe": "cannot read gone.lhe: No such file",
    "simulate --lhe taken": "cannot read taken: it is a folder; give a file",
    "simulate --lhe without.lhe": "without.lhe holds no events",
    "simulate --lhe empty": "empty is not an LHE file",
    "simulate --lhe words.lhe --sample a/b": "a sample's name holds letters, digits and _ only, got 'a/b'",
    "simulate --process qcd --from moon": "start: Input should be 'hard', 'shower' or 'particles', got 'moon'",
    "simulate --process qcd --set jets.radius=-1": "jets.radius: Input should be greater than 0",
    "simulate --process qcd -n 1 --output text": "text is no folder; choose another output",
    # pair, pretrain, finetune
    "pair": "nothing to pair",
    "pair -i gone": "gone is not a directory; name an output of rs3l simulate",
    "pair -i taken": "there are no ROOT files below taken",
    "pair -i taken --output text": "text exists already; choose another output or pass --force",
    "pretrain": "no file of views is given",
    "pretrain --set views=gone.h5": "gone.h5 does not exist",
    "pretrain --set views=text": "text is not a complete HDF5 file",
    "pretrain --set views=other.h5": "other.h5 is not a file of views",
    "pretrain --set views=views.h5": "views.h5 lacks features, offsets",
    "pretrain --set views=tree.root": "tree.root has no tree 'events'; got T",
    "pretrain --set loss.temperature=0": "loss.temperature: Input should be greater than 0, got 0",
    "pretrain --set loss.name=moon": "no loss that is known; allowed: nt_xent, supervised, vicreg",
    "pretrain --set encoder.backbone=moon": "no backbone that is known; allowed: edgeconv, transformer",
    "pretrain --output taken": "taken exists already",
    "finetune --set views=other.h5 --set encoder=gone.pt": "no checkpoint 'gone.pt'; allowed: default, default-hbb",
    "finetune --set views=other.h5 --set encoder=pickle.pt": "pickle.pt is not a checkpoint",
    "finetune --set mode=moon": "mode: Input should be 'fixed' or 'floating', got 'moon'",
    "finetune --set targets.signal=[Q]": "jet type 'Q' is in two classes",
    # evaluate, export
    "evaluate": "no file of views is given",
    "evaluate --set taggers={n2:x}": "the options",
    "evaluate --set efficiencies=[2]": "efficiencies.0: Input should be less than 1, got 2",
    "evaluate --set views=other.h5 --set histories.a=gone.csv": "cannot read the history gone.csv",
    "export gone": "no checkpoint 'gone'; allowed: default, default-hbb",
    "export default --format moon": "unknown export format; got ['moon']; allowed: onnx, torchscript, torch",
    "export text": "text is not a checkpoint",
    "export default --output taken": "taken exists already",
    # analyze
    "analyze": "key 'filesets' is missing",
    "analyze --set filesets=broken.json": "broken.json is not a fileset",
    "analyze --set filesets=list.json": "list.json holds no data sets",
    "analyze --set filesets=no_files.json": "data set 'a' in no_files.json names no files",
    "analyze --set filesets=gone_set.json": "gone.root does not exist; paths are relative to the fileset",
    "analyze --executor iterative --set filesets=of_trees_set.json": "tree.root has no tree 'Events'; got T",
    "analyze --executor iterative --set filesets=of_events_set.json": "the events hold no jets with candidates",
    "analyze --executor moon --set filesets=of_text_set.json": "no executor that is known; allowed: dask, futures",
    "analyze --limit-files 0 --set filesets=of_text_set.json": "run.limit_files: Input should be greater than or equal",
    # fit
    "fit": "key 'samples' is missing",
    "fit fit_gone.yaml": "cannot read gone.json: No such file",
    "fit fit_broken.yaml": "broken.json is not JSON",
    "fit fit_old.yaml": "old.json has an unknown version; allowed: 1",
    "fit fit_other.yaml": "other.json does not hold histograms of this package",
    "fit fit_root.yaml": "tree.root has no histograms named like",
    "fit fit_old.yaml --set luminosity.value=-1": "luminosity.value: Input should be greater than 0, got -1",
    # what a reader would wait for
    "inspect pipe": f"cannot read {_PIPE}",
    "inspect /dev/zero": "cannot read /dev/zero: it is a pipe or device",
    "simulate pipe": f"cannot read the configuration {_PIPE}",
    "simulate --lhe pipe": f"cannot read {_PIPE}",
    "pair -i pipes": "a.root: it is a pipe or device",
    "pretrain --set views=pipe": f"cannot read {_PIPE}",
    "pretrain --set views=pipe.root": "cannot read pipe.root: it is a pipe or device",
    "finetune --set views=other.h5 --set encoder=pipe": "no checkpoint 'pipe'; allowed: default",
    "evaluate --set views=other.h5 --set histories.a=pipe": f"cannot read the history {_PIPE}",
    "export pipe": "no checkpoint 'pipe'; allowed: default",
    "analyze --set filesets=pipe": f"cannot read the fileset {_PIPE}",
    "analyze --set filesets=of_pipe_set.json": "pipe.root: it is a pipe or device",
    "fit fit_pipe.yaml": f"cannot read {_PIPE}",
    "tag pipe.root --output a.root": "cannot read pipe.root: it is a pipe or device",
    # demo, study, benchmark, fetch
    "demo --output taken": "taken exists already",
    "demo --set seeds=[1,2]": "the demo trains once, with one seed",
    "demo --set pretrain={}": "one step for each verb and two taggers, and pretrain is not so",
    "study slash.yaml": "the name of a step holds letters, digits, - and _ only, got pair.a/b",
    "study gone_study.yaml --only moon/*": "no step of the study fits the pattern; got moon/*; allowed: pair/main",
    "study gone_study.yaml --output text": "cannot make the folder text: File exists",
    "benchmark moon": "unknown benchmark 'moon'; allowed: encoder",
    "benchmark encoder --json text": "text exists already",
    "fetch --url file:///etc": "url: String should match pattern",
    "fetch --url http://127.0.0.1:9 --set attempts=1": "127.0.0.1:9",
}
_WITHOUT_OUTPUT = ("inspect", "benchmark")


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


@pytest.mark.parametrize("line", SENTENCES)
def test_a_mistake_ends_with_its_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    monkeypatch.chdir(folder)
    before = sorted(folder.rglob("*"))
    arguments = line.split()
    if arguments[0] not in _WITHOUT_OUTPUT and "--output" not in arguments:
        arguments += ["--output", "out"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2, result.stderr
    assert f"rs3l {arguments[0]}: " in result.stderr
    assert SENTENCES[line] in result.stderr
    assert "Traceback" not in result.stderr
    assert sorted(folder.rglob("*")) == before
