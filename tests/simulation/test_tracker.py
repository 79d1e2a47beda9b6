from __future__ import annotations

import numpy as np
import pytest

from rs3l_gnn.simulation.detector_config import TrackerConfig
from rs3l_gnn.simulation.particles import Particles
from rs3l_gnn.simulation.tracker import Tracks, reconstruct_tracks

CONFIG = TrackerConfig()


def make_particles(
    pt: float, eta: float, n: int, *, pdgid: int = 211, charge: int = 1, vertex: tuple[float, float, float] = (0, 0, 0)
) -> Particles:
    """``n`` equal particles of one event, going along the x axis."""
    return Particles(
        event=np.zeros(n, dtype=np.int64),
        pdgid=np.full(n, pdgid, dtype=np.int32),
        charge=np.full(n, charge, dtype=np.int8),
        px=np.full(n, pt),
        py=np.zeros(n),
        pz=np.full(n, pt * np.sinh(eta)),
        energy=np.full(n, pt * np.cosh(eta)),
        vx=np.full(n, vertex[0]),
        vy=np.full(n, vertex[1]),
        vz=np.full(n, vertex[2]),
        collision=np.zeros(n, dtype=np.int64),
        n_events=1,
    )


def _tracks(particles: Particles) -> Tracks:
    rng = np.random.default_rng(3)
    draws = rng.random((len(particles), 2)), rng.normal(size=(len(particles), 3))
    return reconstruct_tracks(particles, CONFIG, *draws, magnetic_field=3.8)


@pytest.mark.parametrize(("eta", "ring"), [(0.3, 0), (-1.2, 1), (2.0, 2)])
def test_efficiency_and_resolution(eta: float, ring: int) -> None:
    region, n = CONFIG.regions[ring], 20000
    tracks = _tracks(make_particles(50.0, eta, n))
    expected = region.efficiency
    assert len(tracks.pt) / n == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / n))
    sigma = np.hypot(region.pt_constant, region.pt_linear * 50)
    assert np.std(tracks.pt) / 50 == pytest.approx(sigma, rel=0.03)
    assert np.mean(tracks.pt) == pytest.approx(50, rel=4 * sigma / np.sqrt(len(tracks.pt)))


@pytest.mark.parametrize("pt", [1.0, 100.0])
def test_impact_parameter_resolution(pt: float) -> None:
    tracks = _tracks(make_particles(pt, 0.0, 20000))
    assert np.std(tracks.d0) == pytest.approx(np.hypot(0.010, 0.085 / pt), rel=0.03)
    assert np.std(tracks.dz) == pytest.approx(np.hypot(0.030, 0.090 / pt), rel=0.03)
    sine, momentum = 1 / np.cosh(2.0), pt * np.cosh(2.0)
    forward = _tracks(make_particles(pt, 2.0, 20000))
    assert np.std(forward.d0) == pytest.approx(np.hypot(0.010, 0.085 / (momentum * sine**1.5)), rel=0.03)
    assert np.std(forward.dz) == pytest.approx(np.hypot(0.030, 0.090 / (momentum * sine**2.5)), rel=0.03)


@pytest.mark.parametrize(("radius", "factor"), [(0.0, 1.0), (10.0, 1.0), (60.0, 0.9), (250.0, 0.575), (601.0, 0.0)])
def test_tracks_that_start_away_from_the_beam(radius: float, factor: float) -> None:
    """Points in between the table's are on straight lines; beyond 600 mm CMS looks for no tracks."""
    n, expected = 20000, CONFIG.regions[0].efficiency * factor
    vertex = (radius * 0.6, -radius * 0.8, 40.0)
    found = len(_tracks(make_particles(50.0, 0.3, n, vertex=vertex)).pt)
    assert found / n == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / n))


def test_without_pairs_the_radius_does_not_matter() -> None:
    particles, config = (
        make_particles(50.0, 0.3, 2000, vertex=(900.0, 0.0, 0.0)),
        TrackerConfig(displaced_efficiency=()),
    )
    rng = np.random.default_rng(3)
    draws = rng.random((2000, 2)), rng.normal(size=(2000, 3))
    tracks = reconstruct_tracks(particles, config, *draws, magnetic_field=0.0)
    assert np.array_equal(tracks.particle, np.flatnonzero(draws[0][:, 0] < config.regions[0].efficiency))


def test_neutral_soft_and_far_particles_have_no_track() -> None:
    assert len(_tracks(make_particles(50.0, 0.0, 50, pdgid=130, charge=0)).pt) == 0
    assert len(_tracks(make_particles(0.5, 0.0, 50)).pt) == 0
    assert len(_tracks(make_particles(50.0, 2.6, 50)).pt) == 0


@pytest.mark.parametrize(("pdgid", "charge"), [(11, -1), (-13, 1)])
def test_leptons_keep_their_sign(pdgid: int, charge: int) -> None:
    tracks = _tracks(make_particles(20.0, 0.0, 5000, pdgid=pdgid, charge=charge))
    identified = tracks.pdgid == pdgid
    chance = CONFIG.electron_identification if abs(pdgid) == 11 else CONFIG.muon_identification
    assert identified.mean() == pytest.approx(chance, abs=0.02)
    assert set(tracks.pdgid[~identified]) == {211 * charge}
