from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from rs3l_gnn.conventions import VARIATIONS, delta_phi, dump_config
from rs3l_gnn.simulation import SimulationConfig, SimulationSummary, read_lhe, simulate

# coffea warns of its own accord about branches without cross-references.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning:coffea")


def _events(path: Path) -> ak.Array:
    with uproot.open(path) as file:
        return file["Events"].arrays()


def test_one_entry_for_each_hard_event(small_output: Path) -> None:
    hard = read_lhe(small_output / "hbb" / "hard.lhe.gz")
    prints = hard.fingerprints()
    for variation in ("nominal", "seed", "fsrDefDown"):
        first = _events(small_output / "hbb" / f"{variation}_0000.root")
        second = _events(small_output / "hbb" / f"{variation}_0001.root")
        assert first.event.tolist() == list(range(12))
        assert second.event.tolist() == list(range(12, 24))
        assert first.hardHash.tolist() == prints[:12].tolist()
        assert set(first.run) == {1}
        assert set(first.luminosityBlock) == {1}
        assert first.genWeight.tolist() == [1.0] * 12


def test_constituents_add_up_to_their_jets(small_output: Path) -> None:
    events = _events(small_output / "hbb" / "nominal_0000.root")
    found = 0
    for event in events:
        for jet in range(event.nFatJet):
            mine = event.FatJetPFCands_pFCandsIdx[event.FatJetPFCands_jetIdx == jet]
            pt, phi = event.PFCands_pt[mine], event.PFCands_phi[mine]
            px, py = np.sum(pt * np.cos(phi)), np.sum(pt * np.sin(phi))
            assert np.hypot(px, py) == pytest.approx(event.FatJet_pt[jet], rel=1e-4)
            assert delta_phi(np.arctan2(py, px), event.FatJet_phi[jet]) == pytest.approx(0, abs=1e-4)
            pz = np.sum(pt * np.sinh(event.PFCands_eta[mine]))
            energy = np.sum(np.hypot(pt * np.cosh(event.PFCands_eta[mine]), event.PFCands_mass[mine]))
            mass = np.sqrt(energy**2 - px**2 - py**2 - pz**2)
            assert mass == pytest.approx(event.FatJet_mass[jet], rel=2e-3)
            assert event.FatJet_msoftdrop[jet] <= event.FatJet_mass[jet] * 1.001
            found += 1
    assert found >= 5


def test_ranges_and_sentinels(small_output: Path) -> None:
    events = _events(small_output / "hbb" / "nominal_0000.root")
    assert ak.all(events.FatJet_pt > 450)
    assert ak.all(abs(events.FatJet_eta) < 2.5)
    assert ak.all(events.PFCands_pt > 1)
    assert set(ak.flatten(abs(events.PFCands_pdgId))) <= {11, 13, 22, 130, 211, 1, 2}
    neutral = events.PFCands_charge == 0
    assert ak.all(events.PFCands_d0[neutral] == -1)
    assert ak.all(events.PFCands_dz[neutral] == -1)
    # Centimetres: b hadrons fly millimetres; tracks of K0S and hyperons start up to 60 cm away.
    assert ak.mean(abs(events.PFCands_d0[~neutral]) < 1) > 0.95
    assert ak.all(abs(events.PFCands_d0[~neutral]) < 60)
    assert ak.sum(events.FatJet_anchor, axis=1).tolist() <= [1] * 12
    assert set(ak.flatten(events.FatJet_jettype[events.FatJet_anchor])) == {4}


def test_shower_weights_are_in_nominal_alone(small_output: Path) -> None:
    with uproot.open(small_output / "hbb" / "nominal_0000.root") as file:
        assert file["Events"]["PSWeight"].array().type.content.content.primitive == "float32"
        assert ak.num(file["Events"]["PSWeight"].array()).tolist() == [4] * 12
        names = json.loads(str(file["rs3l_metadata"]))["psweight_names"]
    assert names == ["isr:muRfac=2.0", "fsr:muRfac=2.0", "isr:muRfac=0.5", "fsr:muRfac=0.5"]
    assert "PSWeight" not in _events(small_output / "hbb" / "seed_0000.root").fields


def test_metadata(small_output: Path) -> None:
    with uproot.open(small_output / "hbb" / "fsrDefDown_0001.root") as file:
        metadata = json.loads(str(file["rs3l_metadata"]))
    assert metadata["format"] == "rs3l-simulation"
    assert metadata["variation"] == VARIATIONS["fsrDefDown"].record()
    assert metadata["sumw"] == 12
    assert "TimeShower:renormMultFac=0.25" in metadata["settings"]
    assert metadata["run_seed"] == 11
    assert metadata["xsec_pb"] > 0


def test_coffea_opens_the_files(small_output: Path) -> None:
    nanoevents = pytest.importorskip("coffea.nanoevents")
    path = small_output / "hbb" / "nominal_0000.root"
    events = nanoevents.NanoEventsFactory.from_root(
        {str(path): "Events"}, schemaclass=nanoevents.PFNanoAODSchema, mode="eager"
    ).events()
    plain = _events(path)
    assert ak.flatten(events.FatJet.pt).tolist() == ak.flatten(plain.FatJet_pt).tolist()
    assert ak.num(events.PFCands).tolist() == plain.nPFCands.tolist()


_FULL = """
import resource, sys, threading, time
from pathlib import Path
from rs3l_gnn.conventions import OutputError, load_config
from rs3l_gnn.simulation import SimulationConfig, simulate

output = Path("out/hbb")


def fill_up():
    while not (output / "chunks" / "0000.json").exists():
        time.sleep(0.001)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))


threading.Thread(target=fill_up, daemon=True).start()
try:
    simulate(load_config(SimulationConfig, "config.yaml"), "out")
except OutputError as error:
    sys.exit(f"OutputError: {error}")
"""


def test_a_disk_that_fills_up_loses_nothing(
    small: SimulationSummary, small_config: SimulationConfig, tmp_path: Path
) -> None:
    pytest.importorskip("resource", reason="needs limits of a process")
    part = {"samples": {"hbb": small_config.samples["hbb"]}, "variations": ("nominal", "seed")}
    config = small_config.model_copy(update=part)
    (tmp_path / "config.yaml").write_text(dump_config(config))
    (tmp_path / "run.py").write_text(_FULL)
    run = subprocess.run(  # our own interpreter and script
        [sys.executable, "run.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert run.stdout == ""  # no library's banner between our own words
    assert "FastJet" not in run.stderr
    assert "OutputError: cannot write out/hbb/nominal_0001.root: File too large" in run.stderr
    assert "make room, then run the same command again, it goes on where it stopped" in run.stderr
    directory = tmp_path / "out" / "hbb"
    found = {path.name for path in directory.rglob("*") if path.is_file()}
    begun = {"config.yaml", "hard.lhe.gz", "hard_events.json", "0000.json"}
    assert found == {"nominal_0000.root", "seed_0000.root"} | begun
    summary = simulate(config, tmp_path / "out")
    assert summary.showers == 24  # the second chunk alone
    for variation in ("nominal", "seed"):
        one, other = (
            uproot.concatenate([f"{path}:Events" for path in sorted(folder.glob(f"{variation}_*.root"))]).to_list()
            for folder in (directory, small.output / "hbb")
        )
        assert one == other
