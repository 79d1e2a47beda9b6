"""Each extra brings what its verbs import, and the light part needs nothing else: packages beyond are hidden."""

from __future__ import annotations

import json
import subprocess
import sys
from configparser import ConfigParser
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]

HIDE = '''
import importlib, json, pkgutil, sys

class Filtered:
    """A finder of modules that does not see some packages."""

    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, fullname, path=None, target=None):
        return None if fullname.partition(".")[0] in HIDDEN else self.finder.find_spec(fullname, path, target)

    def __getattr__(self, name):
        return getattr(self.finder, name)

HIDDEN = set(json.loads(sys.argv[1]))
sys.meta_path[:] = map(Filtered, sys.meta_path)

def room(name):
    package = importlib.import_module(f"rs3l_gnn.{name}")
    for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(info.name)
'''

SCORE = """
import awkward as ak, numpy as np
import rs3l_gnn
from rs3l_gnn.data import FORMATS
from rs3l_gnn.inference import JetTagger, shipped_networks
part = {"eta": 0.1, "phi": -3.1, "mass": 0.1, "pdgId": 211, "charge": 1, "d0": 0.01, "dz": -0.02}
jets = ak.Array([[{"pt": 500.0, "eta": 0.1, "phi": 3.1, "mass": 90.0}], []])
candidates = ak.Array([[[{"pt": 100.0, **part}, {"pt": 50.0, **part}]], []])
print(JetTagger("default-hbb")(jets, candidates).to_list())
assert FORMATS.parts and shipped_networks()
"""


_SLOW = pytest.mark.slow


def _requirements(extra: str | None) -> list[Requirement]:
    config = ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    text = config["options"]["install_requires"] + (config["options.extras_require"][extra] if extra else "")
    return [Requirement(line.strip()) for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _closure(extra: str | None) -> set[str]:
    """Distributions that an installation of the light part or of an extra brings, from what is installed here."""
    todo, found = [(one.name, frozenset(one.extras)) for one in _requirements(extra)], set[str]()
    seen = set()
    while todo:
        name, extras = todo.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        found.add(canonicalize_name(name))
        try:
            lines = requires(name) or []
        except PackageNotFoundError:  # for another system
            continue
        todo += [
            (one.name, frozenset(one.extras))
            for one in map(Requirement, lines)
            if one.marker is None or any(one.marker.evaluate({"extra": each}) for each in ("", *extras))
        ]
    return found


def _run(code: str, extra: str | None) -> str:
    inside = _closure(extra)
    hidden = [
        name
        for name, owners in packages_distributions().items()
        if name != "rs3l_gnn" and not {canonicalize_name(owner) for owner in owners} & inside
    ]
    command = [sys.executable, "-W", "ignore", "-c", f"{HIDE}\n{code}", json.dumps(hidden)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # our own interpreter and code
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_light_part_scores_jets_with_its_own_packages_and_the_same_bits() -> None:
    inside = _closure(None)
    assert len(inside) <= 30
    assert not inside & {"torch", "pydantic", "h5py", "coffea", "scipy", "matplotlib", "uproot"}
    assert _run(SCORE, None) == _run(SCORE, "all")


@_SLOW
@pytest.mark.parametrize(
    ("extra", "rooms"),
    [
        ("analysis", ("processors", "inference", "cli")),
        ("simulation", ("simulation", "cli")),
        ("training", ("data", "training", "evaluation", "cli")),
        ("fits", ("fits", "cli")),
    ],
)
def test_an_extra_brings_what_its_rooms_import(extra: str, rooms: tuple[str, ...]) -> None:
    _run("\n".join(f"room({room!r})" for room in rooms), extra)


@pytest.mark.parametrize(
    ("has", "command", "message"),
    [
        (None, ["fit", "x.yaml"], "rs3l fit needs: pip install 'rs3l_gnn[fits]'"),
        (None, ["--help"], "rs3l needs: pip install 'rs3l_gnn[all]'"),
        pytest.param("analysis", ["pretrain"], "rs3l pretrain needs: pip install 'rs3l_gnn[training]'", marks=_SLOW),
    ],
)
def test_a_verb_without_its_packages_says_the_extra(has: str | None, command: list[str], message: str) -> None:
    code = f"""
sys.argv = ["rs3l", *{command!r}]
sys.stderr = sys.stdout
from rs3l_gnn.__main__ import main
try:
    main()
except SystemExit as end:
    print(end.code)
"""
    assert _run(code, has).splitlines() == [message, "2"]
