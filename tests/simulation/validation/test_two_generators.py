"""``rs3l plot`` of Pythia and Sherpa on the same hard events; every number once more by a loop over the files.

Half a minute, so these tests run with ``-m slow``.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot

from rs3l_gnn.conventions import parse_config
from rs3l_gnn.simulation import SimulationConfig, simulate
from rs3l_gnn.simulation.validation import VARIABLES, PlotReport, plot_simulation, read_anchor_jets
from rs3l_gnn.simulation.validation.figures import draw_shapes

pytestmark = pytest.mark.slow

SHOWN = ("multiplicity", "msoftdrop", "n2b1", "charged")
Jets = dict[int, dict[str, float]]


@pytest.fixture(scope="module")
def sample(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directory of 80 Z + jet events of Sherpa, showered by Pythia and by Sherpa."""
    pytest.importorskip("pyhepmc", reason="the extra 'hepmc' is not installed")
    lhe, events = (str(shared_data / "sherpa" / f"sherpa-3.0.3-Zj.{kind}.gz") for kind in ("lhe", "hepmc"))
    document = {
        "samples": {"zj": {"lhe": lhe, "decays": "keep", "hepmc": {"sherpa": {"path": events}}}},
        "jets": {"pt_min": 250.0},
        "variations": [],
        "shower_weights": "none",
        "seed": 3,
    }
    out = tmp_path_factory.mktemp("generators") / "out"
    return simulate(parse_config(SimulationConfig, document, where="test"), out).output / "zj"


@pytest.fixture(scope="module")
def plots(sample: Path) -> PlotReport:
    return plot_simulation(sample, sample.parent.parent / "plots")


@pytest.fixture(scope="module")
def jets(sample: Path) -> dict[str, Jets]:
    """Anchor jets of both generators by event, from the files by a loop."""
    return {name: _by_loops(sample / f"{name}_0000.root") for name in ("nominal", "sherpa")}


def _by_loops(path: Path) -> Jets:
    with uproot.open(path) as file:
        events = file["Events"].arrays().to_list()
    found: Jets = {}
    for event in events:
        if not any(event["FatJet_anchor"]):
            continue
        jet = event["FatJet_anchor"].index(True)
        links = zip(event["FatJetPFCands_jetIdx"], event["FatJetPFCands_pFCandsIdx"], strict=True)
        mine = [candidate for owner, candidate in links if owner == jet]
        pt, charge = event["PFCands_pt"], event["PFCands_charge"]
        found[event["event"]] = {
            "weight": event["genWeight"],
            "multiplicity": len(mine),
            "msoftdrop": event["FatJet_msoftdrop"][jet],
            "n2b1": event["FatJet_n2b1"][jet],
            "charged": math.fsum(pt[k] for k in mine if charge[k]) / math.fsum(pt[k] for k in mine),
        }
    return found


def test_the_table_holds_both(plots: PlotReport, jets: dict[str, Jets]) -> None:
    with (plots.folder / "means.csv").open(newline="") as stream:
        rows = {row["variable"]: row for row in csv.DictReader(stream) if row["variation"] == "sherpa"}
    both = sorted(set(jets["nominal"]) & set(jets["sherpa"]))
    assert len(both) == 72
    # The events of Sherpa are unweighted, so that means are plain ones.
    assert len({jets["nominal"][event]["weight"] for event in both}) == 1
    for name in SHOWN:
        before = [jets["nominal"][event][name] for event in both]
        change = [jets["sherpa"][event][name] - value for event, value in zip(both, before, strict=True)]
        shift = math.fsum(change) / 72
        error = math.sqrt(math.fsum((one - shift) ** 2 for one in change)) / 72
        assert int(rows[name]["events"]) == 72
        found = [float(rows[name][column]) for column in ("nominal", "shift", "error", "significance")]
        assert found == pytest.approx([math.fsum(before) / 72, shift, error, shift / error], rel=1e-5)
    assert "zj & sherpa & multiplicity & 72" in (plots.folder / "means.tex").read_text()


def test_no_difference_is_seen_with_72_jets(plots: PlotReport) -> None:
    for name in SHOWN:
        significance = plots.shifts["zj", "sherpa", name].significance
        assert significance is not None
        assert abs(significance) < 3


@pytest.mark.parametrize("name", SHOWN)
def test_the_figure_holds_both(plots: PlotReport, sample: Path, jets: dict[str, Jets], name: str) -> None:
    assert {f"zj_{name}.png", f"zj_{name}.pdf", f"means_{name}.png", f"means_{name}.pdf"} <= set(plots.figures)
    variable = next(one for one in VARIABLES if one.name == name)
    views = {view: read_anchor_jets(sample, view) for view in ("nominal", "sherpa")}
    axes: Any = draw_shapes(views, ("sherpa",), variable, "zj").axes
    upper, lower = axes
    assert [text.get_text() for text in upper.get_legend().get_texts()] == ["nominal", "sherpa"]
    unit = len(jets["nominal"]) * (variable.high - variable.low) / variable.bins
    for line, view in zip(upper.lines, ("nominal", "sherpa"), strict=True):
        values = np.clip([jet[name] for jet in jets[view].values()], variable.low, np.nextafter(variable.high, 0))
        counts = np.histogram(values, variable.bins, (variable.low, variable.high))[0]
        assert line.get_ydata()[:-1] == pytest.approx(counts / unit, rel=1e-5), view
    # So few jets leave no bin with an error below 15 %; half of the ratios are within the limits all the same.
    ratio = np.asarray(lower.lines[0].get_ydata()[:-1])
    low, high = lower.get_ylim()
    inside = (ratio > low) & (ratio < high)
    assert 2 * inside.sum() >= np.isfinite(ratio).sum() >= 3
