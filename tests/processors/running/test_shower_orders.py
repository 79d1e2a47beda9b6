"""Order of the shower weights: from the files, from the configuration, or not known."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hist
import numpy as np
import pytest
import uproot
from boost_histogram.serialization import from_uhi

from rs3l_gnn.conventions import ConfigError
from rs3l_gnn.processors import AnalysisConfig, analyze
from rs3l_gnn.processors.files import FileInfo
from rs3l_gnn.processors.running.shower_orders import require_same_order, without_shower_weights

# Not today's order of NanoAOD, so that places alone would give other histograms; the last entry varies both.
TITLE = "[0] is ISR=0.5 FSR=1; [1] is ISR=1 FSR=2; [2] is ISR=2 FSR=1; [3] is ISR=2 FSR=2"
COLUMNS = {"psISRDown": 0, "psFSRUp": 1, "psISRUp": 2}

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(slim_data: Path, tmp_path: Path) -> Run:
    """Analyse the soft-drop mass of the leading jets of NanoAOD into a folder of a name."""

    def analysed(name: str, metadata: dict[str, Any] | None = None, **systematics: Any) -> dict[str, Any]:
        files = {str(slim_data / "cms" / "nano_tt_v15.root"): "Events"}
        document = {"tt": {"files": files, "metadata": {"xsec": 1.0, **(metadata or {})}}}
        (tmp_path / "tt.json").write_text(json.dumps(document))
        config = {"filesets": [tmp_path / "tt.json"], "jet": {"pt_min": 170}, "systematics": systematics}
        return analyze(AnalysisConfig.model_validate(config), tmp_path / name)

    return analysed


def test_the_title_of_the_branch_is_enough(
    run: Run, slim_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Histograms of every weight against a loop over the events that takes the entries as the title names them."""
    # uproot writes no titles of branches.
    monkeypatch.setattr(uproot.behaviors.TBranch.TBranch, "title", property(lambda _: TITLE))
    report = run("out")
    assert report["without_shower_weights"] == report["unknown_shower_weights"] == []
    document = json.loads((tmp_path / "out" / "histograms.json").read_text())
    assert document["datasets"]["tt"]["variations"] == ["nominal", "psFSRUp", "psISRDown", "psISRUp"]

    tree = uproot.open(slim_data / "cms" / "nano_tt_v15.root")["Events"]
    masses, weights, total = [], [], 0.0
    for event in tree.arrays(["FatJet_pt", "FatJet_eta", "FatJet_msoftdrop", "PSWeight", "genWeight"]):
        total += event["genWeight"]
        jets = [
            (pt, mass)
            for pt, eta, mass in zip(event["FatJet_pt"], event["FatJet_eta"], event["FatJet_msoftdrop"], strict=True)
            if pt > 170 and abs(eta) < 2.5
        ]
        if jets:
            masses.append(max(jets)[1])
            weights.append([event["genWeight"], *(event["genWeight"] * entry for entry in event["PSWeight"])])
    assert len(masses) > 40
    mass: Any = hist.Hist(from_uhi(document["histograms"]["mass"]))
    for name, column in {"nominal": 0, **{name: place + 1 for name, place in COLUMNS.items()}}.items():
        one: Any = mass[{"dataset": "tt", "variation": name}].project("mass")
        mine: Any = hist.Hist(one.axes[0], storage=hist.storage.Weight())
        mine.fill(masses, weight=[row[column] / total for row in weights])
        np.testing.assert_allclose(one.view(flow=True).value, mine.view(flow=True).value, rtol=1e-5)
    assert mass[{"variation": "psISRDown"}].sum(flow=True) != mass[{"variation": "psISRUp"}].sum(flow=True)


def test_an_order_that_nothing_says_is_told(run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    report = run("plain")
    assert report["unknown_shower_weights"] == ["tt"]
    (message,) = [record.getMessage() for record in caplog.records if "PSWeight" in record.getMessage()]
    assert "tt: what the 4 entries of its PSWeight vary is not known" in message
    assert "systematics.ps_order" in message
    document = json.loads((tmp_path / "plain" / "histograms.json").read_text())
    assert document["datasets"]["tt"]["variations"] == ["nominal"]
    caplog.clear()
    assert run("off", ps_weights=False)["unknown_shower_weights"] == []
    assert run("said", {"shower_weights": False})["unknown_shower_weights"] == []
    assert "PSWeight" not in caplog.text


def test_the_configuration_comes_before_the_title(
    run: Run, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(uproot.behaviors.TBranch.TBranch, "title", property(lambda _: TITLE))
    run("same", ps_order=["isrDown", "fsrUp", "isrUp", "-"])
    assert "ps_order" not in caplog.text
    run("other", ps_order=["isrUp", "fsrUp", "isrDown", "-"])
    assert "tt: systematics.ps_order is taken, though its files say: isr:muRfac=0.5, fsr:muRfac=2.0" in caplog.text


def test_files_of_one_data_set_share_the_order_of_weights() -> None:
    first = FileInfo("qcd", "a.root", "Events", 1, b"", ("isrUp", "isrDown"))
    other = FileInfo("qcd", "b.root", "Events", 1, b"", ("isrDown", "isrUp"))
    assert require_same_order([first]) == {"qcd": ("isrUp", "isrDown")}
    with pytest.raises(ConfigError, match=r"b\.root has another order"):
        require_same_order([first, other])


def test_a_dummy_is_told_from_shower_weights() -> None:
    """One entry in every file, whose first event is enough to see it; a file without events says nothing."""
    files = [
        FileInfo(name, f"{name}{number}.root", "Events", 1, b"", (), shower_weights=length)
        for name, lengths in {"old": [1, 1, None], "new": [4, None]}.items()
        for number, length in enumerate(lengths)
    ]
    assert without_shower_weights(files) == ["old"]
    mixed = FileInfo("old", "old3.root", "Events", 1, b"", (), shower_weights=4)
    with pytest.raises(ConfigError, match=r"old3\.root has shower weights and old1\.root has a dummy"):
        without_shower_weights([*files, mixed])
