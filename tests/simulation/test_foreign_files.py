"""Every LHE file of other generators through the whole chain; what each has special is said beside its name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rs3l_gnn.conventions import parse_config
from rs3l_gnn.simulation import SampleSummary, SimulationConfig, read_lhe, simulate

pylhe = pytest.importorskip("pylhe", reason="an independent reader of LHE files")

# Name: sample settings, hard events, rejected events, cross-section in pb and where it comes from.
FILES: dict[str, tuple[dict[str, Any], int, list[int], float]] = {
    "madgraph5-3.5.8-pp_to_jj.lhe.gz": ({"events": 20}, 20, [], 699670670.0),  # XSECUP
    "powheg-box-v2-Zj.lhe": ({}, 100, [], 139.157),  # the mean weight of these events
    "pylhe-testfile-madgraph-2.0.0-wbj.lhe": ({}, 59, [], 50.109086),  # XSECUP; W undecayed
    "pylhe-testfile-powheg-box-v2-hvq.lhe": ({}, 6, [4], 7217.2),  # massless charm quarks just above threshold
    "pylhe-testfile-powheg-box-v2-trijet.lhe": ({}, 100, [], 1.238e11),  # XSECUP = -1: the mean weight
    "pylhe-testfile-pr180.lhe": ({}, 10, [], 2.894732e-19),  # new particles in <slha>
    "pylhe-testfile-sherpa-3.0.1-eejjj.lhe": (
        {"merging": "none"},
        100,
        [],
        206.6,
    ),  # no colours; sum of weights over sum of trials
}


def _simulate(directory: Path, sample: dict[str, Any], **config: Any) -> SampleSummary:
    document = {"samples": {"x": sample}, "workers": 1, "shower_weights": False, **config}
    return simulate(parse_config(SimulationConfig, document, where="test"), directory).samples["x"]


@pytest.mark.slow
@pytest.mark.parametrize("name", list(FILES))
def test_a_file_of_another_generator(shared_data: Path, tmp_path: Path, name: str) -> None:
    sample, n_events, rejected, xsec = FILES[name]
    path = shared_data / "lhe" / name
    summary = _simulate(
        tmp_path / "out",
        {"lhe": str(path), "scalup": "repair", **sample},
        variations=["seed"],
        jets={"pt_min": 20.0},
    )
    assert summary.hard_events == n_events
    assert summary.failed_events == rejected
    assert summary.xsec_pb == pytest.approx(xsec, rel=1e-3)
    hard = read_lhe(tmp_path / "out" / "x" / "hard.lhe.gz")
    coloured = np.isin(np.abs(hard.particles["id"]), [1, 2, 3, 4, 5, 6, 21])
    assert ((hard.particles["col1"] != 0) | (hard.particles["col2"] != 0))[coloured].all()


def test_no_file_is_forgotten(shared_data: Path) -> None:
    merged = ["pylhe-testfile-madgraph-2.2.1-Z-mlm.lhe.gz"]  # several multiplicities; it has tests of its own
    assert sorted([*FILES, *merged]) == sorted(path.name for path in (shared_data / "lhe").iterdir())


@pytest.mark.slow
def test_sherpas_own_events_beside_those_of_pythia(shared_data: Path, tmp_path: Path) -> None:
    """The hard events of Sherpa as Pythia's nominal view, Sherpa's shower and hadrons as a further view."""
    pytest.importorskip("pyhepmc", reason="the extra 'hepmc' is not installed")
    folder = shared_data / "sherpa"
    lhe = folder / "sherpa-3.0.3-Zj.lhe.gz"
    sample = {
        "lhe": str(lhe),
        "decays": "keep",
        "hepmc": {"herwig": {"path": str(folder / "sherpa-3.0.3-Zj.hepmc.gz"), "first_number": 0}},
    }
    summary = _simulate(tmp_path / "out", sample, variations=["herwig"], detector={"preset": "paper"})
    assert (summary.hard_events, summary.failed_events) == (80, [])
    # 80 events of pT > 430 GeV: most have their jet above 450 GeV in each view, and mostly the same ones.
    assert summary.matched["nominal"] > 40
    assert summary.matched["herwig"] > 30
    assert summary.matched["all"] > 25
    weights, trials = [], 0.0
    for event in pylhe.LHEFile.fromfile(str(lhe)).events:
        weights.append(event.eventinfo.weight)
        trials += float(event.attributes["trials"])
    assert summary.xsec_pb == pytest.approx(sum(weights) / trials, rel=1e-6)
