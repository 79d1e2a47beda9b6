from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from rs3l_gnn.conventions import ConfigError
from rs3l_gnn.simulation import DetectorConfig
from rs3l_gnn.simulation.detector import FlowCandidates, detect
from rs3l_gnn.simulation.detector_config import TrackerConfig
from rs3l_gnn.simulation.particles import Particles


def _particles(rows: list[tuple[int, int, int, float, float, float]], n_events: int) -> Particles:
    """Rows of event, pdgid, charge, pt, eta, phi."""
    event, pdgid, charge, pt, eta, phi = (np.array(column) for column in zip(*rows, strict=True))
    zeros = np.zeros(len(rows))
    return Particles(
        event=event.astype(np.int64),
        pdgid=pdgid.astype(np.int32),
        charge=charge.astype(np.int8),
        px=pt * np.cos(phi),
        py=pt * np.sin(phi),
        pz=pt * np.sinh(eta),
        energy=pt * np.cosh(eta),
        vx=zeros,
        vy=zeros,
        vz=zeros,
        collision=zeros.astype(np.int64),
        n_events=n_events,
    )


def _detect(particles: Particles, seeds: list[int]) -> FlowCandidates:
    return detect(particles, DetectorConfig(), [np.random.default_rng(seed) for seed in seeds])


ROWS = [(211, 1, 30.0, 0.1, 0.1), (22, 0, 20.0, 1.0, 2.0), (130, 0, 25.0, -1.0, -2.0), (13, -1, 40.0, 0.5, 3.0)]


def test_kinds_of_candidates() -> None:
    found = _detect(_particles([(0, *row) for row in ROWS], 1), [5])
    assert sorted(found.pdgid.tolist()) == [13, 22, 130, 211]
    photon = found.pdgid == 22
    assert found.pt[photon] == pytest.approx([20.0], rel=0.1)
    assert found.eta[photon] == pytest.approx([1.0], abs=0.02)
    assert found.charge[found.pdgid == 13].tolist() == [-1]
    neutral = found.charge == 0
    assert np.isnan(found.d0[neutral]).all()
    assert not np.isnan(found.d0[~neutral]).any()
    assert found.mass[found.pdgid == 211] == pytest.approx([0.13957])


def test_an_event_depends_on_its_own_generator_alone() -> None:
    alone = _detect(_particles([(0, *row) for row in ROWS], 1), [8])
    both = _detect(_particles([(event, *row) for event in (0, 1, 2) for row in ROWS], 3), [3, 8, 5])
    mine = both.event == 1
    for name in ("pt", "eta", "phi", "pdgid"):
        assert np.array_equal(getattr(both, name)[mine], getattr(alone, name))
    assert not np.array_equal(both.pt[both.event == 0], alone.pt)


def test_soft_and_forward() -> None:
    rows = [(0, 22, 0, 0.8, 0.0, 0.0), (0, 22, 0, 50.0, 3.2, 1.0), (0, 130, 0, 50.0, -3.2, 2.0)]
    found = _detect(_particles(rows, 1), [1])
    assert sorted(found.pdgid.tolist()) == [1, 2]
    assert (found.pt > 1).all()


def test_a_lost_charged_hadron_is_seen_in_the_calorimeter() -> None:
    n = 4000
    particles = _particles([(event, 211, 1, 60.0, 0.2, 0.0) for event in range(n)], n)
    found = _detect(particles, list(range(n)))
    without_track = n - np.unique(found.event[found.charge != 0]).size
    assert without_track / n == pytest.approx(0.05, abs=0.012)
    # Nearly every event has its energy back, with or without its track.
    assert np.unique(found.event).size == n


def test_an_empty_batch() -> None:
    particles = _particles([(0, *ROWS[0])], 1).where(np.zeros(1, dtype=bool))
    assert len(_detect(particles, [1])) == 0


def test_rings_must_rise() -> None:
    regions = TrackerConfig().regions
    with pytest.raises(ConfigError, match="rising abs_eta_max"):
        TrackerConfig(regions=regions[::-1])


@pytest.mark.parametrize("document", ["paper", {"preset": "paper"}])
def test_a_detector_by_name(document: object) -> None:
    """Round the file of the resolved configuration, with keys beside the name."""
    paper = DetectorConfig.model_validate(document)
    assert not paper.v0_decays
    assert paper.magnetic_field == 0
    assert paper.calorimeter_face is None
    assert paper.tracker.displaced_efficiency == ()
    default = DetectorConfig()
    assert paper.tracker.regions == default.tracker.regions
    assert (paper.ecal, paper.hcal, paper.pt_min) == (default.ecal, default.hcal, default.pt_min)
    assert DetectorConfig.model_validate(paper.model_dump(mode="json")) == paper
    mixed = DetectorConfig.model_validate({"preset": "paper", "v0_decays": True, "tracker": {"d0_constant": 0.02}})
    assert mixed.v0_decays
    assert (mixed.tracker.d0_constant, mixed.tracker.displaced_efficiency) == (0.02, ())
    assert DetectorConfig(preset="paper", tracker=TrackerConfig(d0_constant=0.02)).tracker == mixed.tracker


def test_an_unknown_detector() -> None:
    with pytest.raises(ValidationError, match="no detector is called 'cdf'; there are cms, atlas, ideal, paper"):
        DetectorConfig.model_validate("cdf")
    with pytest.raises(ConfigError, match="rising radii"):
        TrackerConfig(displaced_efficiency=((10, 1), (5, 0)))


def test_energy_from_a_displaced_vertex_lands_where_it_flies() -> None:
    """A photon that starts at (500, 0, 300) mm along y meets the face at (500, 1189, 300) mm."""
    particles = replace(_particles([(0, 22, 0, 50.0, 0.0, np.pi / 2)], 1), vx=np.array([500.0]), vz=np.array([300.0]))
    face = np.sqrt(1290.0**2 - 500.0**2)
    found = _detect(particles, [5])
    assert found.phi == pytest.approx([np.arctan2(face, 500.0)], abs=0.01)
    assert found.eta == pytest.approx([np.arcsinh(300.0 / 1290.0)], abs=0.01)
    paper = detect(particles, DetectorConfig(preset="paper"), [np.random.default_rng(5)])
    assert paper.phi == pytest.approx([np.pi / 2], abs=0.01)
    assert paper.eta == pytest.approx([0.0], abs=0.01)
