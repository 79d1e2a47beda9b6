from __future__ import annotations

import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from rs3l_gnn.conventions import ConfigError, InputFileError, OutputError, SimulationError, dump_config, parse_config
from rs3l_gnn.simulation import (
    JetConfig,
    SampleConfig,
    SimulationConfig,
    SimulationSummary,
    read_lhe,
    simulate,
    write_lhe,
)
from rs3l_gnn.simulation.hard_events import HardEvents


def content(directory: Path, sample: str, variation: str) -> list[dict[str, Any]]:
    """All entries of a variation, whatever the cut into files."""
    files = sorted((directory / sample).glob(f"{variation}_*.root"))
    return [entry for path in files for entry in uproot.open(path)["Events"].arrays().to_list()]


def test_summary(small: SimulationSummary) -> None:
    assert small.hard_events == 36
    assert small.showers == 108
    sample = small.samples["hbb"]
    assert sample.failed_events == []
    assert sample.sumw == 24
    assert 0 < sample.matched["all"] <= sample.matched["any"] <= sample.matched["nominal"] <= 24
    assert sample.match_efficiency == sample.matched["any"] / 24
    for variation in ("nominal", "seed", "fsrDefDown"):
        entries = content(small.output, "hbb", variation)
        assert sum(any(entry["FatJet_anchor"]) for entry in entries) == sample.matched[variation]
        assert sum(len(entry["FatJet_pt"]) for entry in entries) == sample.jets[variation]
    document = json.loads((small.output / "hbb" / "simulation.json").read_text())
    assert document["hard_events"] == 24
    assert document["match_efficiency"] == sample.match_efficiency
    assert set(document["showers_per_second"]) == {"nominal", "seed", "fsrDefDown"}
    assert document["provenance"]["seeds"] == {"run": 11}


def test_fileset(small: SimulationSummary) -> None:
    fileset = json.loads((small.output / "hbb" / "fileset.json").read_text())
    assert set(fileset) == {"hbb_nominal", "hbb_seed", "hbb_fsrDefDown"}
    entry = fileset["hbb_seed"]
    assert entry["files"] == {"seed_0000.root": "Events", "seed_0001.root": "Events"}
    assert entry["metadata"]["resimulated_of"] == "hbb_nominal"
    assert fileset["hbb_nominal"]["metadata"]["resimulated_of"] is None
    assert entry["metadata"]["sumw"] == 24
    assert entry["metadata"]["xsec"] == pytest.approx(small.samples["hbb"].xsec_pb)
    for path in entry["files"]:
        assert (small.output / "hbb" / path).exists()


def test_variations_differ_and_share_their_hard_events(small: SimulationSummary) -> None:
    nominal, other = content(small.output, "hbb", "nominal"), content(small.output, "hbb", "seed")
    assert [e["hardHash"] for e in nominal] == [e["hardHash"] for e in other]
    assert [e["FatJet_pt"] for e in nominal] != [e["FatJet_pt"] for e in other]
    for one, two in zip(nominal, other, strict=True):
        labels = set()
        for entry in (one, two):
            kinds = zip(entry["FatJet_jettype"], entry["FatJet_anchor"], strict=True)
            labels |= {kind for kind, is_anchor in kinds if is_anchor}
        assert len(labels) <= 1


def test_jets_do_not_depend_on_workers_and_chunks(
    small: SimulationSummary, small_config: SimulationConfig, tmp_path: Path
) -> None:
    part = {"samples": {"hbb": small_config.samples["hbb"]}, "variations": ("nominal", "fsrDefDown")}
    config = small_config.model_copy(update={"workers": 2, "chunk_size": 7, **part})
    other = simulate(config, tmp_path / "out")
    assert len(list((other.output / "hbb").glob("nominal_*.root"))) == 4
    for variation in ("nominal", "fsrDefDown"):
        assert content(other.output, "hbb", variation) == content(small.output, "hbb", variation)
    assert (other.output / "hbb" / "hard.lhe.gz").read_bytes() == (small.output / "hbb" / "hard.lhe.gz").read_bytes()


def test_a_variation_does_not_depend_on_the_others(
    small: SimulationSummary, small_config: SimulationConfig, tmp_path: Path
) -> None:
    samples = {"qcd": small_config.samples["qcd"]}
    config = small_config.model_copy(update={"variations": ("nominal", "fsrDefDown"), "samples": samples})
    alone = simulate(config, tmp_path / "out")
    assert content(alone.output, "qcd", "fsrDefDown") == content(small.output, "qcd", "fsrDefDown")
    for variation in ("nominal", "fsrDefDown"):  # what a file says of itself as well
        texts = []
        for output in (alone.output, small.output):
            with uproot.open(output / "qcd" / f"{variation}_0000.root") as file:
                texts.append(str(file["rs3l_metadata"]))
        assert texts[0] == texts[1]


def test_variations_are_added_to_hard_events_of_another_output(
    small: SimulationSummary, small_config: SimulationConfig, tmp_path: Path
) -> None:
    """The first chunk of the events again, without nominal: the same views as if all had been made at once."""
    document = {
        "samples": {"hbb": {"process": "hbb", "lhe": str(small.output / "hbb" / "hard.lhe.gz"), "events": 12}},
        "nominal": False,
        "variations": ["nominal", "fsrDefDown"],
        "seed": small_config.seed,
        "workers": 1,
    }
    config = parse_config(SimulationConfig, document, where="test")
    assert config.variations == ("fsrDefDown",)
    added = simulate(config, tmp_path / "added")
    assert added.showers == 12
    assert [path.name for path in (tmp_path / "added" / "hbb").glob("*.root")] == ["fsrDefDown_0000.root"]
    assert content(added.output, "hbb", "fsrDefDown") == content(small.output, "hbb", "fsrDefDown")[:12]
    sample = added.samples["hbb"]
    assert set(sample.matched) == {"fsrDefDown", "all", "any"}
    assert sample.matched["any"] == sample.matched["fsrDefDown"] > 0
    assert sample.xsec_pb == small.samples["hbb"].xsec_pb
    entry = json.loads((added.output / "hbb" / "fileset.json").read_text())["hbb_fsrDefDown"]
    assert entry["metadata"]["resimulated_of"] == "hbb_nominal"
    assert entry["metadata"]["sumw"] == entry["metadata"]["n_hard_events"] == 12

    with pytest.raises(ConfigError, match="nothing to simulate: no variation is named, and nominal is false"):
        parse_config(SimulationConfig, {**document, "variations": ["nominal"]}, where="test")


def test_a_killed_run_goes_on(small: SimulationSummary, small_config: SimulationConfig, tmp_path: Path) -> None:
    out, yaml = tmp_path / "out", tmp_path / "config.yaml"
    part = {"samples": {"hbb": small_config.samples["hbb"]}, "variations": ("nominal", "seed")}
    config = small_config.model_copy(update={"chunk_size": 4, **part})
    yaml.write_text(dump_config(config))
    code = (
        "import sys; from rs3l_gnn.conventions import load_config; from rs3l_gnn.simulation import *;"
        "simulate(load_config(SimulationConfig, sys.argv[1]), sys.argv[2])"
    )
    run = subprocess.Popen([sys.executable, "-c", code, str(yaml), str(out)])  # noqa: S603  # our own interpreter
    markers = out / "hbb" / "chunks"
    deadline = time.monotonic() + 120
    while len(list(markers.glob("[0-9]*.json"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(run.pid, signal.SIGKILL)
    assert run.wait() == -signal.SIGKILL
    done = {path: path.stat().st_mtime_ns for path in (out / "hbb").glob("*_0000.root")}
    assert len(done) == 2
    assert not (out / "hbb" / "simulation.json").exists()

    summary = simulate(config, out)
    assert 0 < summary.showers < 48
    assert {path: path.stat().st_mtime_ns for path in done} == done
    for variation in ("nominal", "seed"):
        assert content(out, "hbb", variation) == content(small.output, "hbb", variation)
    assert summary.samples["hbb"].matched["nominal"] == small.samples["hbb"].matched["nominal"]
    assert not [path for path in (out / "hbb").rglob("*") if "partial" in path.name]


def test_finished_output_is_not_replaced_by_chance(
    small: SimulationSummary, small_config: SimulationConfig, tmp_path: Path
) -> None:
    with pytest.raises(OutputError, match="holds a complete simulation.*--force"):
        simulate(small_config, small.output)
    foreign = tmp_path / "out" / "hbb"
    foreign.mkdir(parents=True)
    (foreign / "thesis.tex").write_text("years of work")
    with pytest.raises(OutputError, match="files that no simulation wrote"):
        simulate(small_config, tmp_path / "out", force=True)
    assert (foreign / "thesis.tex").exists()


def test_another_configuration_does_not_go_on(small_config: SimulationConfig, tmp_path: Path) -> None:
    directory = tmp_path / "hbb"
    (directory / "chunks").mkdir(parents=True)
    (directory / "config.yaml").write_text("seed: 3\n")
    (directory / "chunks" / "0000.json").write_text("{}")
    with pytest.raises(OutputError, match="the beginning of a simulation with another configuration"):
        simulate(small_config, tmp_path)


def test_a_lhe_file_of_the_user(hard_events: HardEvents, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "mine.lhe"
    write_lhe(path, hard_events, generator="someone")
    config = SimulationConfig(
        samples={"mine": SampleConfig(lhe=path, events=6)}, variations=("seed",), workers=1, shower_weights="none"
    )
    summary = simulate(config, tmp_path / "out")
    assert summary.samples["mine"].hard_events == 6
    assert summary.samples["mine"].xsec_pb == pytest.approx(hard_events.xsec, rel=1e-6)
    too_many = config.model_copy(update={"samples": {"mine": SampleConfig(lhe=path, events=50)}})
    with pytest.raises(InputFileError, match=r"holds 30 events; got samples.mine.events = 50; ask for fewer"):
        simulate(too_many, tmp_path / "other")
    assert not (tmp_path / "other").exists()
    hard_cut = {"samples": {"mine": SampleConfig(lhe=path, events=3)}, "jets": JetConfig(pt_min=4000.0)}
    assert "no event has its jet" not in caplog.text
    assert simulate(config.model_copy(update=hard_cut), tmp_path / "other").hard_events == 3
    assert "mine: no event of nominal has its jet: jet below 4000 GeV (3)" in caplog.text
    assert "mine: the hardest particle of the hard events has a pT of" in caplog.text
    assert "few jets or none will pass jets.pt_min = 4000 GeV" in caplog.text


def test_the_cross_section_of_weighted_events(
    lhe_of: Callable[..., Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = lhe_of([4, 0, 8, 2.5], strategy=-4, processes=["-1 -1 1 1"], after=["<weights> 2 </weights>\n"] * 4)

    def run(name: str, **options: object) -> dict[str, Any]:
        config = SimulationConfig(
            samples={"mine": SampleConfig(**{"lhe": path, **options})},
            variations=(),
            workers=1,
            shower_weights=False,
        )
        simulate(config, tmp_path / name)
        document: dict[str, Any] = json.loads((tmp_path / name / "mine" / "fileset.json").read_text())
        return dict(document["mine_nominal"]["metadata"])

    whole = run("whole")
    assert (whole["xsec"], whole["sumw"]) == (3.625, 14.5)
    assert whole["xsec_error"] == pytest.approx(np.std([4, 0, 8, 2.5]) / np.sqrt(3))
    told = (
        "mine: the cross-section (mean weight) is 3.625 +- 1.7 pb; take more events, or state it as samples.mine.xsec"
    )
    assert told in caplog.text
    assert "mine: 1 events have the weight 0 and count nowhere; 1 of them have further weights" in caplog.text
    with uproot.open(tmp_path / "whole" / "mine" / "nominal_0000.root") as file:
        assert file["Events"]["genWeight"].array().tolist() == [4, 0, 8, 2.5]
        assert file["Events"]["LHEReweightingWeight"].array()[:, 0].tolist() == [0.5, 1, 0.25, np.float32(0.8)]
    # A part has its own mean; a part of what was simulated before keeps the cross-section of the whole.
    part = run("part", events=3, further_weights="drop")
    assert (part["xsec"], part["sumw"]) == (4.0, 12.0)
    again = run("again", lhe=tmp_path / "whole" / "mine" / "hard.lhe.gz", events=3)
    assert (again["xsec"], again["xsec_error"], again["sumw"]) == (3.625, whole["xsec_error"], 12.0)
    assert run("stated", xsec=1.5)["xsec"] == 1.5
    lhe_of([1, 1], strategy=3, processes=["-1 -1 1 1"])
    with pytest.raises(InputFileError, match=r"some.lhe: its <init> block states no.*in pb as samples.mine.xsec"):
        run("none")
    assert not (tmp_path / "none").exists()
    assert run("none", xsec=7)["xsec"] == 7


def test_an_event_that_pythia_rejects_leaves_all_its_views(
    hard_events: HardEvents, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    part = hard_events.part(0, 5)
    rows = slice(part.offsets[2], part.offsets[3])
    for name in ("px", "py", "pz", "e", "m"):  # more energy than the beams have
        part.particles[name][rows] *= 20
    path = tmp_path / "broken.lhe.gz"
    write_lhe(path, part, generator="someone")
    for name in ("px", "py", "pz", "e", "m"):  # the events are shared with other tests
        part.particles[name][rows] /= 20
    config = SimulationConfig(samples={"x": SampleConfig(lhe=path)}, variations=("seed",), workers=1)
    with caplog.at_level(logging.INFO, logger="rs3l_gnn"):
        summary = simulate(config, tmp_path / "out")
    assert summary.samples["x"].failed_events == [2]
    assert "x: 1 of 5 hard events were rejected and are left out of all views, the first is number 2" in caplog.text
    (reason,) = summary.samples["x"].rejected
    assert reason.startswith("Error in ")
    assert json.loads((tmp_path / "out" / "x" / "simulation.json").read_text())["rejected"] == {reason: 1}
    assert summary.samples["x"].sumw == 4
    for variation in ("nominal", "seed"):
        assert [entry["event"] for entry in content(tmp_path / "out", "x", variation)] == [0, 1, 3, 4]


def _changed(hard: HardEvents, **columns: Any) -> HardEvents:
    particles = hard.particles.copy()
    for name, values in columns.items():
        particles[name] = values
    return replace(hard, particles=particles)


def test_a_run_whose_events_are_all_rejected_is_an_error(hard_events: HardEvents, tmp_path: Path) -> None:
    """Colour indices that do not match; Pythia's own words are quoted, and nothing is left that looks like a result."""
    part = hard_events.part(0, 4)
    coloured = part.particles["col1"] > 0
    path = tmp_path / "broken.lhe"
    write_lhe(path, _changed(part, col1=np.where(coloured, 900 + np.arange(len(coloured)), 0)), generator="someone")
    config = SimulationConfig(samples={"x": SampleConfig(lhe=path)}, variations=("seed",), workers=1)
    message = (
        r"^x: all 4 hard events were rejected, the first is number 0: Error in ProcessLevel::checkColours: "
        r"unphysical colour flow \(4\); the hard events are at fault"
    )
    with pytest.raises(SimulationError, match=message):
        simulate(config, tmp_path / "out")
    assert not (tmp_path / "out" / "x").exists()


def test_an_event_whose_kinematics_pythia_changes_is_left_out(hard_events: HardEvents, tmp_path: Path) -> None:
    """Incoming partons with 5 % more energy than goes out: Pythia takes the event, at another mass."""
    part = hard_events.part(0, 4)
    rows = np.arange(part.offsets[1], part.offsets[1] + 2)
    scale = np.ones(len(part.particles))
    scale[rows] = 1.05
    path = tmp_path / "moved.lhe"
    write_lhe(path, _changed(part, e=part.particles["e"] * scale, pz=part.particles["pz"] * scale), generator="someone")
    config = SimulationConfig(samples={"x": SampleConfig(lhe=path)}, variations=("seed",), workers=1)
    for start in ("hard", "shower"):
        summary = simulate(
            config.model_copy(update={"start": start, "shower_weights": False}), tmp_path / start
        ).samples["x"]
        assert summary.failed_events == [1]
        assert list(summary.rejected) == [
            "Pythia changes the mass of the hard process by more than the masses that it puts back explain"
        ]


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("25:onIfMatch=5 -5", r"particles 25 \(h0\) are decayed in the hard events"),
        ("Beams:eCM=14000", "the beams are those of the hard events"),
        ("HardQCD:all=on", "the hard events are made before"),
        ("PhaseSpace:pTHatMin=10", "with pt_hat_min alone"),
    ],
)
def test_settings_that_cannot_act(setting: str, reason: str, tmp_path: Path) -> None:
    sample = SampleConfig(process="hbb", events=2, settings=(setting,))
    config = SimulationConfig(samples={"x": sample}, variations=("seed",), workers=1)
    with pytest.raises(ConfigError, match=rf"samples.x.settings: '{re.escape(setting)}' cannot act: .*{reason}"):
        simulate(config, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_setting_that_pythia_refuses_is_quoted(tmp_path: Path) -> None:
    sample = SampleConfig(process="hbb", events=2, settings=("TimeShower:renormMultFac=blue",))
    config = SimulationConfig(samples={"x": sample}, variations=("seed",), workers=1)
    with pytest.raises(SimulationError, match="got variable recognized, but its value not meaningful"):
        simulate(config, tmp_path / "out")


def test_unknown_particles_and_invisible_ones(hard_events: HardEvents, tmp_path: Path) -> None:
    """A dark boson in place of the Z's neutrinos: Pythia does not know it, a detector does not see it."""
    part = hard_events.part(0, 4)
    dark = np.where(np.isin(np.abs(part.particles["id"]), (12, 14, 16)), 9990001, part.particles["id"])
    path = tmp_path / "dark.lhe"
    write_lhe(path, _changed(part, id=dark), generator="someone")
    sample = SampleConfig(lhe=path)
    config = SimulationConfig(samples={"x": sample}, variations=("seed",), workers=1)
    with pytest.raises(InputFileError, match=r"event 0 has a particle of identity 9990001, which Pythia does not know"):
        simulate(config, tmp_path / "out")
    given = {"x": sample.model_copy(update={"invisible": (9990001,)})}
    summary = simulate(config.model_copy(update={"samples": given}), tmp_path / "out").samples["x"]
    assert summary.failed_events == []
    assert summary.matched["nominal"] >= 1
    with uproot.open(tmp_path / "out" / "x" / "nominal_0000.root") as file:
        settings = json.loads(file["rs3l_metadata"])["settings"]
    assert [setting.split(" =")[0] for setting in settings if "9990001" in setting] == ["9990001:new"]


def test_room_below_the_jet_cut(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = SimulationConfig(
        samples={"qcd": SampleConfig(process="qcd", events=3)},
        variations=("seed",),
        workers=1,
        jets=JetConfig(pt_min=300.0),
    )
    simulate(config, tmp_path / "out")
    partons = read_lhe(tmp_path / "out" / "qcd" / "hard.lhe.gz").particles
    pt = np.hypot(partons["px"], partons["py"])[np.isin(np.abs(partons["id"]), (1, 2, 3, 4, 5, 21))]
    assert 234.0 <= pt[pt > 0].min() < 300.0
    assert "close to jets.pt_min" not in caplog.text
    tight = {"qcd": SampleConfig(process="qcd", events=1, pt_hat_min=290.0)}
    simulate(config.model_copy(update={"samples": tight}), tmp_path / "tight")
    assert "qcd: pt_hat_min = 290 GeV is close to jets.pt_min = 300 GeV" in caplog.text
    assert "234 GeV or less leaves room" in caplog.text


@pytest.mark.parametrize("name", ["madgraph5-3.5.8-pp_to_jj.lhe.gz", "powheg-box-v2-Zj.lhe"])
def test_files_of_other_generators(shared_data: Path, tmp_path: Path, name: str) -> None:
    config = parse_config(
        SimulationConfig,
        {
            "samples": {"mine": {"lhe": str(shared_data / "lhe" / name), "events": 30}},
            "variations": ["seed"],
            "jets": {"pt_min": 20.0},
            "workers": 1,
        },
        where="test",
    )
    summary = simulate(config, tmp_path / "out")
    assert summary.samples["mine"].failed_events == []
    assert summary.samples["mine"].matched["nominal"] > 3
    weights = [entry["genWeight"] for entry in content(tmp_path / "out", "mine", "nominal")]
    assert sum(weights) == pytest.approx(summary.samples["mine"].sumw, rel=1e-5)
    if name.startswith("madgraph"):
        first = content(tmp_path / "out", "mine", "nominal")[0]["LHEReweightingWeight"]
        assert len(first) == 145
        assert first[0] == pytest.approx(7.5079318 / 6.9967067, rel=1e-5)


@pytest.mark.parametrize(("start", "stage"), [("shower", "hadronisation"), ("particles", "detector")])
def test_later_starts(start: str, stage: str, tmp_path: Path) -> None:
    document = {
        "samples": {"hbb": {"process": "hbb", "events": 16, "pt_hat_min": 500}},
        "variations": ["seed"],
        "start": start,
        "workers": 1,
    }
    summary = simulate(parse_config(SimulationConfig, document, where="test"), tmp_path / "out")
    nominal, seed = (
        [ak.flatten(ak.Array([e["FatJet_pt"]]))[:1].to_list() for e in content(tmp_path / "out", "hbb", name)]
        for name in ("nominal", "seed")
    )
    both = [(one[0], other[0]) for one, other in zip(nominal, seed, strict=True) if one and other]
    assert len(both) >= 6
    spread = [abs(one / other - 1) for one, other in both]
    assert 0 < sorted(spread)[len(spread) // 2] < (0.2 if stage == "hadronisation" else 0.12)
    assert summary.samples["hbb"].failed_events == []


def test_a_variation_that_acts_too_early_is_refused() -> None:
    document = {"samples": {"a": {"process": "qcd", "events": 1}}, "variations": ["fsrRenHi"], "start": "shower"}
    message = r"^test: variation 'fsrRenHi' changes TimeShower:renormMultFac=0.707.*start: shower; name other"
    with pytest.raises(ConfigError, match=message):
        parse_config(SimulationConfig, document, where="test")
