"""The tagger in coffea 0.7 with awkward 1, in coffea 2026 and its dask mode: each in an environment of its own.

``make frameworks`` makes the environments; a test is skipped where its own is not there.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from rs3l_gnn.inference import JetTagger, event_inputs

ROOT = Path(__file__).parents[2]
ENVIRONMENTS = ROOT / "build" / "frameworks"

pytestmark = pytest.mark.frameworks


@pytest.fixture(scope="module")
def pfnano(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small PFNano file of invented jets, the number of an event that of its place."""
    rng = np.random.default_rng(0)
    jets = rng.integers(0, 3, 60)
    counts = rng.integers(1, 70, jets.sum())
    axis = {"eta": rng.uniform(-2, 2, len(counts)), "phi": rng.uniform(-3.1, 3.1, len(counts))}
    jet_of = np.repeat(np.arange(len(counts)), counts)
    n = len(jet_of)
    columns = {
        "pt": rng.uniform(1, 80, n),
        "eta": axis["eta"][jet_of] + rng.normal(0, 0.2, n),
        "phi": (axis["phi"][jet_of] + rng.normal(0, 0.2, n) + np.pi) % (2 * np.pi) - np.pi,
        "mass": rng.uniform(0, 0.2, n),
        "d0": rng.normal(0, 0.02, n),
        "dz": rng.normal(0, 0.02, n),
    }
    in_event = np.asarray([counts[a:b].sum() for a, b in zip(np.cumsum(jets) - jets, np.cumsum(jets), strict=True)])
    identity = rng.choice([211, -211, 22, 130], n).astype(np.int32)
    charge = np.where(abs(identity) == 211, np.sign(identity), 0).astype(np.int32)
    candidates = {name: ak.unflatten(values.astype(np.float32), in_event) for name, values in columns.items()}
    candidates |= {"pdgId": ak.unflatten(identity, in_event), "charge": ak.unflatten(charge, in_event)}
    local = np.concatenate([np.arange(k) for k in jets])
    links = {
        "jetIdx": ak.unflatten(local[jet_of].astype(np.int32), in_event),
        "pFCandsIdx": ak.unflatten(np.concatenate([np.arange(k) for k in in_event]).astype(np.int32), in_event),
    }
    momenta = {**axis, "pt": rng.uniform(450, 900, len(counts)), "mass": rng.uniform(20, 150, len(counts))}
    momenta["rawFactor"] = rng.uniform(0, 0.2, len(counts))
    fat = {name: ak.unflatten(values.astype(np.float32), jets) for name, values in momenta.items()}
    tree = {"FatJet": ak.zip(fat), "PFCands": ak.zip(candidates), "FatJetPFCands": ak.zip(links)}
    numbers: dict[str, Any] = {name: np.arange(60, dtype=np.uint64) for name in ("run", "luminosityBlock", "event")}
    numbers["genWeight"] = np.ones(60, np.float32)
    path = tmp_path_factory.mktemp("frameworks") / "pfnano.root"
    with uproot.recreate(path) as file:
        types = {name: ak.type(values).content for name, values in tree.items()}
        file.mktree("Events", {**{name: values.dtype for name, values in numbers.items()}, **types})
        file["Events"].extend({**numbers, **tree})
    return path


def _found(environment: str, pfnano: Path) -> dict[str, Any]:
    python = ENVIRONMENTS / environment / "bin" / "python"
    if not python.exists():
        pytest.skip(f"no environment {environment}: make frameworks")
    command = [python, Path(__file__).with_name("in_environment.py"), pfnano]
    # Processes that a framework starts import the recipes by name, too.
    variables = {**os.environ, "PYTHONPATH": str(ROOT / "docs" / "frameworks")}
    variables["PATH"] = f"{python.parent}:{variables['PATH']}"  # where Parsl looks for its own programs
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=variables)  # noqa: S603  # our own script
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _scores(pfnano: Path) -> tuple[list[float], list[float]]:
    """Scores here, from plain arrays that no framework has touched: of all events, and of every second one."""
    with uproot.open(pfnano) as file:
        branches = file["Events"].arrays()
    events = ak.zip({"event": branches["event"]}, depth_limit=1)
    for table in ("FatJet", "PFCands", "FatJetPFCands"):
        fields = [name for name in branches.fields if name.startswith(f"{table}_")]
        events[table] = ak.zip({name.removeprefix(f"{table}_"): branches[name] for name in fields})
    jets = event_inputs(events)
    score = jets.jagged(JetTagger("default-hbb").score(jets))
    return ak.flatten(score).to_list(), ak.flatten(score[::2]).to_list()


@pytest.mark.parametrize("environment", ["coffea07", "pocketcoffea", "coffea2026", "dask", "columnflow"])
def test_scores_to_the_last_bit_in_every_mode(environment: str, pfnano: Path) -> None:
    found = _found(environment, pfnano)
    all_jets, every_second = _scores(pfnano)
    assert len(all_jets) > 40
    for name, value in found.items():
        if name.endswith("executor"):
            assert value == {"jets": len(all_jets), "tagged": sum(p > 0.5 for p in all_jets)}, name
        elif name.endswith("columns"):
            assert "run" not in value, name  # nothing but what the scores need is read
            assert {"FatJet_pt", "PFCands_pt", "FatJetPFCands_jetIdx"} <= set(value), name
        else:
            assert value == (every_second if name.endswith("masked") else all_jets), name
    assert len(found) >= {"coffea07": 8, "pocketcoffea": 11, "coffea2026": 16, "dask": 23, "columnflow": 2}[environment]
