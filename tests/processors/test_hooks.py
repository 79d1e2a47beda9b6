"""Code of the user's own: a subclass in coffea's Runner, and a module beside a configuration on workers."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import awkward as ak
import hist
import numpy as np
import pytest
import uproot
import yaml
from boost_histogram.serialization import from_uhi
from coffea import processor

from rs3l_gnn.conventions import ConfigError
from rs3l_gnn.processors import AnalysisConfig, JetSchema, ProcessorConfig, TaggingProcessor, analyze
from rs3l_gnn.processors.hooks import call, event_mask, load_object, values_of_jets

PAGE = Path(__file__).parents[2] / "docs" / "processors.md"
BINS = {"bins": 20, "start": 0, "stop": 2000}


class TwoJets(TaggingProcessor):
    """Events with two jets above 100 GeV."""

    def select(self, events: Any) -> Any:
        return ak.sum(events.FatJet.pt > 100, axis=1) >= 2


def test_a_subclass_in_coffeas_runner(slim_nano: Path) -> None:
    config = ProcessorConfig.model_validate(
        {"jet": {"pt_min": 100}, "systematics": {"momenta": {"mass": {"scale": {"up": 1.1}}}}}
    )
    run = processor.Runner(
        executor=processor.IterativeExecutor(status=False, compression=None, retries=0), schema=JetSchema, chunksize=70
    )
    out = run({"tt": {"files": {str(slim_nano): "Events"}}}, TwoJets(config))
    with uproot.open(slim_nano) as file:
        arrays = file["Events"].arrays(["FatJet_pt", "FatJet_eta"]).to_list()
    two = [event for event in arrays if sum(pt > 100 for pt in event["FatJet_pt"]) >= 2]
    flow = {step: counts["events"] for step, counts in out["cutflow"]["tt"].items()}
    good = [any(pt > 100 and abs(eta) < 2.5 for pt, eta in zip(*event.values(), strict=True)) for event in two]
    assert flow == {"events": 200, "split": 200, "select": len(two), "jet": sum(good), "channel signal": sum(good)}
    assert len(two) == 20


MODULE = """
import awkward as ak
import numpy as np
from rs3l_gnn.processors import TaggingProcessor


class MyAnalysis(TaggingProcessor):
    def select(self, events):
        hardest = ak.max(events.FatJet.pt, axis=1)
        return ak.fill_none(hardest > LIMIT, False)


LIMIT = 180


def scalar_sum(events, jets):
    return ak.sum(events.Jet.pt, axis=1)


def twice_the_mass(events, jets):
    return 2 * jets.msoftdrop


def second_pt(events, jets):
    return ak.pad_none(events.FatJet.pt, 2)[:, 1]


def broken(events, jets):
    return jets.no_such_field


def wrong(events, jets):
    return np.ones(3)
"""


@pytest.fixture
def folder(tmp_path: Path, slim_nano: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a module, a fileset and a configuration."""
    (tmp_path / "my_analysis.py").write_text(MODULE)
    (tmp_path / "fileset.json").write_text(json.dumps({"tt": {"files": {str(slim_nano): "Events"}}}))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    return tmp_path


def _config(**more: Any) -> dict[str, Any]:
    histograms = {
        name: {"function": f"my_analysis:{name}", **BINS} for name in ("scalar_sum", "twice_the_mass", "second_pt")
    }
    return {
        "filesets": "fileset.json",
        "jet": {"pt_min": 170},
        "processor_class": "my_analysis:MyAnalysis",
        "histograms": histograms,
        "systematics": {"momenta": {"mass": {"scale": {"up": 1.2}}}},
        **more,
    }


def test_a_module_beside_the_configuration(folder: Path, slim_nano: Path, command: str) -> None:
    """Through the command, on two processes: the module is nowhere but in the working directory."""
    run = {"executor": "futures", "workers": 2, "chunksize": 100}
    (folder / "config.yaml").write_text(yaml.safe_dump(_config(run=run)))
    subprocess.run([command, "analyze", "config.yaml", "--output", "out"], check=True, cwd=folder)  # noqa: S603  # our own command
    document = json.loads((folder / "out" / "histograms.json").read_text())
    with uproot.open(slim_nano) as file:
        arrays = file["Events"].arrays().to_list()
    filled: dict[str, list[tuple[float, float]]] = {}
    for event in arrays:
        if max(event["FatJet_pt"], default=0) > 180:
            jets = zip(event["FatJet_pt"], event["FatJet_eta"], event["FatJet_msoftdrop"], strict=True)
            good = [(pt, mass) for pt, eta, mass in jets if pt > 170 and abs(eta) < 2.5]
            if good:
                second = [*event["FatJet_pt"], np.nan, np.nan][1]
                values = {"scalar_sum": sum(event["Jet_pt"]), "twice_the_mass": 2 * max(good)[1], "second_pt": second}
                for name, value in values.items():
                    filled.setdefault(name, []).append((value, event["genWeight"]))
    for variation, scale in (("nominal", 1.0), ("jmsUp", 1.2)):
        for name, entries in filled.items():
            values, weights = np.array(entries).T
            values = values * (scale if name == "twice_the_mass" else 1)
            one: Any = hist.Hist(from_uhi(document["histograms"][name]))
            one = one[{"dataset": "tt", "channel": "signal", "variation": variation}]
            good_values = ~np.isnan(values)
            contents, _ = np.histogram(values[good_values], np.linspace(0, 2000, 21), weights=weights[good_values])
            np.testing.assert_allclose(one.values(), contents, rtol=1e-6)
            assert one.sum(flow=True).value == pytest.approx(weights.sum())
    report = json.loads((folder / "out" / "report.json").read_text())
    assert "select" in report["cutflow"]["tt"]
    needed = {"pt", "eta", "msoftdrop", "n2b1"}  # and those that a shift moves, below
    read = {name.removeprefix("FatJet_") for name in report["branches"] if name.startswith("FatJet_")}
    assert needed <= read <= needed | {"phi", "mass"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"processor_class": "nowhere:A"}, "processor_class: cannot import nowhere:A: ModuleNotFoundError"),
        ({"processor_class": "my_analysis:A"}, "the module my_analysis has no A; allowed: .*MyAnalysis"),
        ({"processor_class": "my_analysis:wrong"}, "must be a subclass of TaggingProcessor; got my_analysis:wrong"),
        ({"histograms": {"x": {"function": "my_analysis:broken", **BINS}}}, r"histograms.x failed: .*no_such_field"),
        (
            {"histograms": {"x": {"function": "my_analysis:wrong", **BINS}}},
            r"must give a number .* got float64 \(3,\); allowed: 200",
        ),
    ],
)
def test_mistakes_say_where(change: dict[str, Any], message: str, folder: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        analyze(AnalysisConfig.model_validate(_config(**change)), folder / "out")
    assert not (folder / "out").exists()


def test_a_module_that_cannot_be_imported(folder: Path) -> None:
    (folder / "half.py").write_text("import math\nmath.sqrt(-1)\n")
    with pytest.raises(ConfigError, match=r"here: cannot import half:f: ValueError: .*half.py, line 2"):
        load_object("half:f", where="here")
    assert str(folder) not in sys.path
    assert load_object("math:sqrt", where="here")(4) == 2


def test_answers_are_checked() -> None:
    counts = np.array([2, 0, 1])
    assert values_of_jets([1.0, 2.0, 3.0], counts, where="x").tolist() == [1, 1, 3]
    assert values_of_jets(ak.Array([[1, 2], [], [3]]), counts, where="x").tolist() == [1, 2, 3]
    assert np.isnan(values_of_jets(ak.Array([None, 2, None]), counts, where="x")).all()
    for wrong in ([1.0], ak.Array([[1], [], [3]]), ak.Array([{"a": 1}] * 3)):
        with pytest.raises(ConfigError, match="x must give a number"):
            values_of_jets(wrong, counts, where="x")
    assert event_mask(ak.Array([True, None, True]), 3, where="x").tolist() == [True, False, True]
    for wrong in (np.ones(3), np.ones(2, dtype=bool), ak.Array([[True], [], []]), None):
        with pytest.raises(ConfigError, match="x must give True or False"):
            event_mask(wrong, 3, where="x")
    with pytest.raises(ConfigError, match="x failed: ZeroDivisionError"):
        call(lambda: 1 / 0, where="x")


def test_the_example_of_the_page(folder: Path, slim_nano: Path) -> None:
    text = PAGE.read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(# my_analysis.py.*?)```", text, re.DOTALL)
    (block,) = (one for one in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if "processor_class" in one)
    (folder / "my_analysis.py").write_text(code)
    report = analyze(
        AnalysisConfig.model_validate({"filesets": "fileset.json", "jet": {"pt_min": 170}, **yaml.safe_load(block)}),
        folder / "out",
    )
    with uproot.open(slim_nano) as file:
        four = [sum(pt > 30 for pt in event) >= 4 for event in file["Events"]["Jet_pt"].array().to_list()]
    assert report["cutflow"]["tt"]["select"]["events"] == sum(four)
    assert 10 < report["cutflow"]["tt"]["jet"]["events"] < sum(four) < 200
