"""Each number of the detector by its own path, from files and options, and detectors by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rs3l_gnn.conventions import ConfigError, load_config, parse_config
from rs3l_gnn.simulation import DetectorConfig, SimulationConfig
from rs3l_gnn.simulation.detector import detect
from rs3l_gnn.simulation.particles import Particles

YAML = """
samples: {a: {process: qcd, events: 1}}
detector:
  ecal: {position: 0.3}
  hcal: {regions: {1: {stochastic: 0.9}}}
  tracker: {d0_constant: 0.02}
"""


def test_every_number_by_its_own_path(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(YAML)
    config = load_config(
        SimulationConfig,
        tmp_path / "a.yaml",
        [
            "detector.tracker.regions[0].efficiency=0.9",
            "detector.hcal.regions[1].constant=0.05",
            "detector.tracker.displaced_efficiency[2][1]=0.7",
            "detector.calorimeter_face.radius=1300",
        ],
    ).detector
    default = DetectorConfig()
    assert [region.efficiency for region in config.tracker.regions] == [0.9, 0.93, 0.88]
    assert config.tracker.regions[1:] == default.tracker.regions[1:]
    assert (config.hcal.regions[1].stochastic, config.hcal.regions[1].constant) == (0.9, 0.05)
    assert config.hcal.regions[::2] == default.hcal.regions[::2]
    assert (config.ecal.position, config.ecal.regions) == (0.3, default.ecal.regions)
    assert (config.tracker.d0_constant, config.tracker.dz_constant) == (0.02, default.tracker.dz_constant)
    assert config.tracker.displaced_efficiency[2] == (100, 0.7)
    assert config.calorimeter_face is not None
    assert (config.calorimeter_face.radius, config.calorimeter_face.half_length) == (1300, 3154)
    assert config.pileup == default.pileup


def test_entries_of_a_list_that_the_file_gives_whole(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(YAML + "  abs_eta_max: 2.5\n" + "variations: [seed, fsrRenLo]\n")
    config = load_config(SimulationConfig, tmp_path / "a.yaml", ["variations[1]=fsrRenHi"])
    assert config.variations == ("nominal", "seed", "fsrRenHi")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "detector.tracker.regions[3].efficiency=0.9",
            r"regions\[3\] is not there; allowed: regions\[0\] to regions\[2\]",
        ),
        ("detector.tracker.regions[0].eficiency=0.9", r"unknown key .*eficiency.*did you mean 'efficiency'"),
        ("detector.ecal.position[0]=1", "position"),
        ("detector.ecal.position.x=1", "position' is a value, not a section"),
        ("detector.tracker.regions[x].efficiency=1", r"'regions\[x\]' is not a key"),
        ("detector.tracker.regions[0].efficiency=2", "efficiency: Input should be less than or equal to 1, got 2"),
        ("detector.preset=cdf", "no detector is called 'cdf'; there are cms, atlas, ideal, paper"),
    ],
)
def test_paths_that_lead_nowhere(override: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(YAML)
    with pytest.raises(ConfigError, match=message):
        load_config(SimulationConfig, tmp_path / "a.yaml", [override])


def test_a_preset_with_other_numbers() -> None:
    cms = parse_config(DetectorConfig, {"preset": "cms"}, where="x")
    assert cms.model_copy(update={"preset": None}) == DetectorConfig()
    atlas = parse_config(
        DetectorConfig, {"preset": "atlas", "tracker": {"regions": {1: {"efficiency": 0.5}}}}, where="x"
    )
    assert [region.efficiency for region in atlas.tracker.regions] == [0.92, 0.5, 0.82]
    assert atlas.tracker.regions[0].muon_efficiency == 0.99
    assert [ring.abs_eta_max for ring in atlas.hcal.regions] == [1.7, 3.2, 4.9]
    assert parse_config(DetectorConfig, atlas.model_dump(mode="json"), where="again") == atlas


def test_the_energy_resolution_of_atlas_at_100_gev() -> None:
    """10 %/sqrt(E) (+) 0.17 GeV/E (+) 0.7 % is 1.23 %, 50 %/sqrt(E) (+) 3 % is 5.83 %, by hand."""
    atlas = parse_config(DetectorConfig, {"preset": "atlas"}, where="x")
    for calorimeter, kind, expected in ((atlas.ecal, 22, 0.01233), (atlas.hcal, 130, 0.05831)):
        n = 4000
        measured = detect(_particles(n, kind), atlas.model_copy(update={"pt_min": 1e-3}), _streams(n))
        assert len(measured) == n
        energy = measured.pt * np.cosh(measured.eta)
        assert np.std(energy) / 100 == pytest.approx(expected, rel=0.05), calorimeter
        assert energy.mean() == pytest.approx(100, rel=0.005)


@pytest.mark.parametrize(("kind", "charge"), [(22, 0), (130, 0), (211, 1), (-11, 1), (13, -1)])
def test_the_ideal_detector_sees_what_is_there(kind: int, charge: int) -> None:
    ideal = parse_config(DetectorConfig, {"preset": "ideal"}, where="x")
    n = 50
    particles = _particles(n, kind, charge)
    seen = detect(particles, ideal, _streams(n))
    assert seen.event.tolist() == list(range(n))  # one candidate each, none twice
    assert set(seen.pdgid.tolist()) == {kind}
    np.testing.assert_allclose(seen.pt, particles.pt, rtol=1e-9)
    np.testing.assert_allclose(seen.eta, particles.eta, atol=1e-9)
    assert np.all(np.isnan(seen.d0)) if charge == 0 else np.abs(seen.d0).max() < 1e-9


def _particles(n: int, kind: int, charge: int = 0) -> Particles:
    """One particle of 100 GeV in each event, in all directions of the barrel."""
    rng = np.random.default_rng(abs(kind))
    eta, phi = rng.uniform(-1.3, 1.3, n), rng.uniform(-np.pi, np.pi, n)
    momentum = np.sqrt(100.0**2 - {211: 0.13957, 13: 0.105658, 11: 0.000511}.get(abs(kind), 0.0) ** 2)
    pt, zeros = momentum / np.cosh(eta), np.zeros(n)
    return Particles(
        event=np.arange(n),
        pdgid=np.full(n, kind, np.int32),
        charge=np.full(n, charge, np.int8),
        px=pt * np.cos(phi),
        py=pt * np.sin(phi),
        pz=pt * np.sinh(eta),
        energy=np.full(n, 100.0),
        vx=zeros,
        vy=zeros,
        vz=zeros,
        collision=np.zeros(n, np.int64),
        n_events=n,
    )


def _streams(n: int) -> list[np.random.Generator]:
    return [np.random.default_rng([5, event]) for event in range(n)]
