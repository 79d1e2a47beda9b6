"""``configs/analyze/systematics.yaml``: every kind of systematic on simulated files, on two Dask processes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import hist
import pytest
import yaml
from boost_histogram.serialization import from_uhi

ROOT = Path(__file__).parents[2]
TWO_SIDED = ("fsr", "psISR", "multiplicity", "jes", "jer", "jms", "candidateScale", "photonScale")

ONE_SIDED = {"nominal", "seed", "trackLossUp", "jmrUp"}


@pytest.mark.slow
def test_every_kind_of_systematic(toy_directory: Path, tagger_path: Path, tmp_path: Path, command: str) -> None:
    pytest.importorskip("correctionlib")
    # The names in the configuration are relative to the folder that holds the demo's output.
    (tmp_path / "demo-output" / "simulate").mkdir(parents=True)
    (tmp_path / "demo-output" / "simulate" / "main").symlink_to(toy_directory)
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    (tmp_path / "mine.yaml").write_text(
        yaml.safe_dump({"base": "configs/analyze/systematics.yaml", "taggers": {"rs3l": str(tagger_path)}})
    )
    arguments = [command, "analyze", "mine.yaml", "--output", "out", "--set", "channels=[{name: signal}]"]
    arguments += ["--set", "split=null", "--set", "jet.pt_min=470"]
    subprocess.run(arguments, check=True, cwd=tmp_path)  # noqa: S603 - our own command
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert (report["complete"], report["executor"], report["workers"]) == (True, "dask", 2)
    written = json.loads((tmp_path / "out" / "histograms.json").read_text())
    names = {f"{source}{side}" for source in TWO_SIDED for side in ("Up", "Down")} | ONE_SIDED
    assert set(written["variations"]) == names
    pt: Any = hist.Hist(from_uhi(written["histograms"]["pt"]))[{"dataset": "qcd", "channel": "signal"}]
    yields = {name: pt[{"variation": name}].sum(flow=True).value for name in names}
    assert all(value > 0 for value in yields.values())
    # More momentum, more jets above the cut; a weight that falls below 25 candidates and rises above.
    assert yields["jesUp"] >= yields["nominal"] >= yields["jesDown"]
    assert yields["candidateScaleUp"] >= yields["nominal"] >= yields["trackLossUp"]
    assert yields["candidateScaleUp"] > yields["candidateScaleDown"]
    assert yields["multiplicityUp"] + yields["multiplicityDown"] == pytest.approx(2 * yields["nominal"])
    score: Any = hist.Hist(from_uhi(written["histograms"]["score_rs3l"]))[{"dataset": "qcd", "channel": "signal"}]
    one = {name: score[{"variation": name}].values() for name in ("nominal", "psISRUp", "trackLossUp", "fsrUp")}
    assert len({values.tobytes() for values in one.values()}) == 4
    assert len(list((tmp_path / "out" / "plots").glob("*.png"))) == 4
