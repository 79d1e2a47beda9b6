"""Files of other people are read as data: who in the package could run what a file holds, and that nobody does."""

from __future__ import annotations

import ast
import gzip
import pickle
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import lz4.frame  # type: ignore[import-untyped]  # ships no type information
import pytest
import torch
from typer.testing import CliRunner

import rs3l_gnn
from rs3l_gnn.cli import VERBS, app

for _name in VERBS:
    import_module(f"rs3l_gnn.cli.{_name}")

ROOT = Path(rs3l_gnn.__file__).parents[1]
RUNNING = {
    *("eval", "exec", "compile", "torch.jit.load", "torch.export.load", "torch.hub.load", "torch.package"),
    *("pickle.load", "pickle.loads", "pickle.Unpickler", "cloudpickle.load", "cloudpickle.loads", "dill.load"),
    *("joblib.load", "marshal.load", "marshal.loads", "shelve.open", "pandas.read_pickle", "coffea.util.load"),
    *("yaml.load", "yaml.unsafe_load", "yaml.full_load", "runpy.run_path", "importlib.import_module"),
}
"""Calls that run, or may run, what they are given."""
SAFE_WITH = {"torch.load": ("weights_only", True), "numpy.load": ("allow_pickle", False)}
"""Calls that run nothing when a word is given, which must be there."""
KNOWN = {
    ("rs3l_gnn/running/stored_results.py", "pickle.Unpickler"): "makes results only, see its test",
    ("rs3l_gnn/running/checkpoints.py", "importlib.import_module"): "rooms of the package",
    ("processors/running/execution.py", "cloudpickle.loads"): "the processor that the run itself made bytes of",
    ("processors/hooks.py", "importlib.import_module"): "what a configuration names as processor_class or function",
    ("rs3l_gnn/training/extensions.py", "importlib.import_module"): "what a configuration names in trainer.callbacks",
    ("rs3l_gnn/conventions/yaml_text.py", "yaml.load"): "with a SafeLoader",
    ("rs3l_gnn/conventions/registry.py", "importlib.import_module"): "modules of the package",
    ("rs3l_gnn/cli/__init__.py", "importlib.import_module"): "verbs of the package",
    ("rs3l_gnn/cli/app.py", "importlib.import_module"): "modules of the package",
    ("rs3l_gnn/workflows/steps.py", "importlib.import_module"): "rooms of the package",
    ("rs3l_gnn/models/geometric.py", "importlib.import_module"): "modules of torch_geometric",
    ("rs3l_gnn/models/export.py", "torch.jit.load"): "the program written a line before",
    ("rs3l_gnn/models/export.py", "torch.export.load"): "the program written a line before",
    ("rs3l_gnn/models/exported/runtime.py", "torch.jit.load"): "a program that a user asks for by kind: torchscript",
    ("rs3l_gnn/simulation/workers.py", "importlib.import_module"): "distributed, by its name",
}


def _calls(source: str) -> Iterator[str]:
    """Full names of called functions and base classes that run something, whatever they are imported as."""
    tree = ast.parse(source)
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                names[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    for node in ast.walk(tree):
        used = [node.func] if isinstance(node, ast.Call) else node.bases if isinstance(node, ast.ClassDef) else []
        for one in used:
            first, _, rest = ast.unparse(one).partition(".")
            name = names.get(first, first) + (f".{rest}" if rest else "")
            word = SAFE_WITH.get(name)
            said = {k.arg: ast.unparse(k.value) for k in node.keywords} if isinstance(node, ast.Call) else {}
            if name in RUNNING or (word is not None and said.get(word[0]) != str(word[1])):
                yield name


def test_only_known_places_could_run_what_a_file_holds() -> None:
    found = {
        (str(path.relative_to(ROOT)), name)
        for folder in ("rs3l_gnn", "processors")
        for path in (ROOT / folder).rglob("*.py")
        for name in _calls(path.read_text(encoding="utf-8"))
    }
    assert found == set(KNOWN)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import numpy as np\nnp.load(a)", ["numpy.load"]),
        ("import numpy as np\nnp.load(a, allow_pickle=True)", ["numpy.load"]),
        ("import numpy as np\nnp.load(a, allow_pickle=False)", []),
        ("from torch import load as read\nread(a, weights_only=False)", ["torch.load"]),
        ("import torch\ntorch.load(a, weights_only=True)", []),
        ("def f():\n    from coffea.util import load\n    load(a)", ["coffea.util.load"]),
        ("import coffea.util\ncoffea.util.load(a)", ["coffea.util.load"]),
        ("import pickle as p\nclass A(p.Unpickler): ...", ["pickle.Unpickler"]),
        ("eval(a); model.eval()", ["eval"]),
    ],
)
def test_the_scan_sees_what_runs(source: str, found: list[str]) -> None:
    assert list(_calls(source)) == found


class _Trap:
    """Makes a file where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def _write(name: str, trap: Path) -> None:
    path, content = trap.parent / name, pickle.dumps({"model": _Trap(trap)})
    if name == "torch.pt":
        torch.save({"model": _Trap(trap)}, path)
    else:
        packings = {".coffea": lz4.frame.compress, ".gz": gzip.compress}
        path.write_bytes(packings.get(path.suffix, bytes)(content))


FIT = "inputs: {name}\nhistogram: a\nsamples: {{s: {{signal: true}}}}\n"
LINES = {
    "export torch.pt": "torch.pt asks to import getattr; nothing of it was run",
    "export bare.pt": "bare.pt is not a checkpoint; nothing of it was run; got Unsupported operand",
    "inspect torch.pt": "torch.pt asks to import getattr; nothing of it was run",
    "inspect bare.pt": "bare.pt is not a checkpoint; nothing of it was run; got Unsupported operand",
    "inspect bare.pkl.gz": "bare.pkl.gz is not a checkpoint",
    "fit fit_output.coffea.yaml": "output.coffea is not JSON",
    "fit fit_bare.pt.yaml": "bare.pt is not JSON",
    "analyze --set filesets=output.coffea": "output.coffea",
    "pretrain --set views=bare.pt": "bare.pt is not a complete HDF5 file",
    "simulate --lhe bare.pkl.gz": "bare.pkl.gz is not an LHE file",
    "simulate bare.pt": "bare.pt is not text in UTF-8",
}


@pytest.fixture(scope="module")
def trap(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that appears when one of those beside it is unpickled."""
    trap = tmp_path_factory.mktemp("received") / "ran"
    for name in ("torch.pt", "bare.pt", "bare.pkl.gz", "output.coffea"):
        _write(name, trap)
        (trap.parent / f"fit_{name}.yaml").write_text(FIT.format(name=name))
    pickle.loads((trap.parent / "bare.pt").read_bytes())  # noqa: S301  # to see that the trap works
    trap.unlink()
    return trap


@pytest.mark.parametrize("line", LINES)
def test_a_received_file_runs_nothing(line: str, trap: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(trap.parent)
    output = [] if line.startswith("inspect") else ["--output", "out"]
    result = CliRunner().invoke(app, [*line.split(), *output])
    assert result.exit_code == 2, result.output
    assert LINES[line] in result.stderr
    assert "Traceback" not in result.stderr
    assert "weights_only" not in result.stderr  # torch's advice to run it after all
    assert not trap.exists()


def test_inspection_leaves_outputs_of_coffea_closed(trap: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(trap.parent)
    result = CliRunner().invoke(app, ["inspect", "output.coffea"])
    assert result.exit_code == 0, result.stderr
    assert "not opened, because reading it runs whatever code it holds" in result.stdout
    assert not trap.exists()
