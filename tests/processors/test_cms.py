"""Files of CMS through the command line, on two processes, with every kind of systematic."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hist
import pytest
import yaml
from boost_histogram.serialization import from_uhi

from rs3l_gnn.conventions import KINEMATIC_FEATURES

PREFIX = "Summer22_22Sep2023"
ORDER = ["isr:muRfac=2", "fsr:muRfac=2", "isr:muRfac=0.5", "fsr:muRfac=0.5"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "rho", "events"),
    [("nano_tt_v15", "Rho_fixedGridRhoFastjetAll", 200), ("pfnano", "fixedGridRhoFastjetAll", 10)],
)
def test_a_cms_file_on_a_dask_cluster(
    name: str,
    rho: str,
    events: int,
    *,
    shared_data: Path,
    make_tagger: Callable[..., Path],
    tmp_path: Path,
    command: str,
) -> None:
    pytest.importorskip("correctionlib")
    is_nano = name == "nano_tt_v15"
    tagger = make_tagger(features=KINEMATIC_FEATURES) if is_nano else make_tagger()
    path = shared_data / "cms" / f"{name}.root"
    document: dict[str, Any] = {"tt": {"files": {str(path): "Events"}, "metadata": {"xsec": 10.0}}}
    (tmp_path / "fileset.json").write_text(json.dumps(document))
    config: dict[str, Any] = {
        "filesets": [str(tmp_path / "fileset.json")],
        "taggers": {"n2": "n2", "mine": str(tagger)},
        "jet": {"pt_min": 200},
        "systematics": {
            "ps_weights": is_nano,
            "ps_order": ORDER,
            "momenta": {
                "file": str(shared_data / "cms" / "jet_jerc_Summer22_V3.json.gz"),
                "scale": {"jesTotal": f"{PREFIX}_V3_MC_Total_AK4PFPuppi"},
                "resolution": f"{PREFIX}_JRV1_MC_PtResolution_AK4PFPuppi",
                "resolution_factor": f"{PREFIX}_JRV1_MC_ScaleFactor_AK4PFPuppi",
                "rho": rho,
                "other_radius": True,  # the file holds AK4 jets only
            },
            "candidates": [
                {"name": "ces", "kind": "energy_scale", "size": 0.01},
                {"name": "trk", "kind": "tracking_efficiency", "size": 0.03},
            ],
        },
        "plots": True,
    }
    written = {}
    for executor, chunksize in (("dask", max(events // 4, 1)), ("iterative", events)):
        run = {"executor": executor, "workers": 2, "chunksize": chunksize}
        (tmp_path / "config.yaml").write_text(yaml.safe_dump({**config, "run": run}))
        output = tmp_path / executor
        subprocess.run([command, "analyze", "config.yaml", "--output", str(output)], check=True, cwd=tmp_path)  # noqa: S603 - our own command
        written[executor] = json.loads((output / "histograms.json").read_text())
    report = json.loads((tmp_path / "dask" / "report.json").read_text())
    assert (report["complete"], report["executor"], report["workers"]) == (True, "dask", 2)
    assert report["events"] == events
    assert report["jets"] > 5
    assert written["dask"]["histograms"] == written["iterative"]["histograms"]
    names = {
        "nominal",
        "trkUp",
        *(f"{source}{side}" for source in ("jesTotal", "jer", "ces") for side in ("Up", "Down")),
    }
    if is_nano:
        names |= {f"ps{source}{side}" for source in ("ISR", "FSR") for side in ("Up", "Down")}
    assert set(written["dask"]["variations"]) == names
    histogram: Any = hist.Hist(from_uhi(written["dask"]["histograms"]["pt"]))
    for variation in names:
        one = histogram[{"dataset": "tt", "channel": "signal", "variation": variation}]
        assert 0 < one.sum(flow=True).value < 20
    assert len(list((tmp_path / "dask" / "plots").glob("*.png"))) == 4


@pytest.mark.slow
def test_the_shipped_configuration_runs(
    shared_data: Path, make_tagger: Callable[..., Path], tmp_path: Path, command: str
) -> None:
    """``configs/analyze/cms.yaml`` with the files it names; only the cut on pT is lower, for a file of 200 events."""
    pytest.importorskip("correctionlib")
    (tmp_path / "nano").mkdir()
    shutil.copy(shared_data / "cms" / "nano_tt_v15.root", tmp_path / "nano")
    # The corrections of AK4 jets stand in for those of AK8 jets, which are not at hand.
    with gzip.open(shared_data / "cms" / "jet_jerc_Summer22_V3.json.gz", "rt") as source:
        corrections = source.read().replace("AK4PFPuppi", "AK8PFPuppi")
    with gzip.open(tmp_path / "fatJet_jerc.json.gz", "wt") as target:
        target.write(corrections)
    shutil.copy(make_tagger(features=KINEMATIC_FEATURES), tmp_path / "kinematic-tagger.safetensors")
    config = Path(__file__).parents[2] / "configs" / "analyze" / "cms.yaml"
    (line,) = (line for line in config.read_text().splitlines() if line.startswith("filesets: cms.json # "))
    (tmp_path / "cms.json").write_text(line.partition("# ")[2])
    arguments = [command, "analyze", str(config), "--output", "out", "--set", "jet.pt_min=200"]
    subprocess.run(arguments, check=True, cwd=tmp_path)  # noqa: S603 - our own command
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert (report["complete"], report["workers"], report["events"]) == (True, 2, 200)
    written = json.loads((tmp_path / "out" / "histograms.json").read_text())
    assert {"photonScaleDown", "trackLossUp", "jesTotalUp", "jerDown", "jmsUp", "jmrUp", "psISRUp"} <= set(
        written["variations"]
    )
    assert len(list((tmp_path / "out" / "plots").glob("*.png"))) == 8
