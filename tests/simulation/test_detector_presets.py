"""What detectors by name measure of single particles and of Pythia's events, beside their numbers by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import pythia8mc
from numpy.typing import NDArray

from rs3l_gnn.conventions import parse_config
from rs3l_gnn.simulation import DetectorConfig
from rs3l_gnn.simulation.detector import FlowCandidates, detect
from rs3l_gnn.simulation.particles import Particles

MASSES = {211: 0.13957, 13: 0.105658, 11: 0.000511}  # GeV


def _detector(name: str, **numbers: Any) -> DetectorConfig:
    return parse_config(DetectorConfig, {"preset": name, **numbers}, where="x")


def _particles(eta: NDArray[np.float64], kind: int, charge: int = 0, *, energy: float = 100.0) -> Particles:
    """One particle in each event, from the beam, in all directions of phi; energy in GeV."""
    n = len(eta)
    phi = np.random.default_rng(abs(kind)).uniform(-np.pi, np.pi, n)
    pt, zeros = np.sqrt(energy**2 - MASSES.get(abs(kind), 0.0) ** 2) / np.cosh(eta), np.zeros(n)
    return Particles(
        event=np.arange(n),
        pdgid=np.full(n, kind, np.int32),
        charge=np.full(n, charge, np.int8),
        px=pt * np.cos(phi),
        py=pt * np.sin(phi),
        pz=pt * np.sinh(eta),
        energy=np.full(n, energy),
        vx=zeros,
        vy=zeros,
        vz=zeros,
        collision=np.zeros(n, np.int64),
        n_events=n,
    )


def _seen(particles: Particles, config: DetectorConfig) -> FlowCandidates:
    return detect(particles, config, [np.random.default_rng([5, event]) for event in range(particles.n_events)])


def _barrel(n: int) -> NDArray[np.float64]:
    return np.random.default_rng(2).uniform(-1.3, 1.3, n)


@pytest.mark.parametrize(
    ("eta", "kind", "expected"),
    [
        (1.0, 22, 0.01233),  # 10 %/sqrt(E) (+) 0.17 GeV/E (+) 0.7 %
        (2.5, 22, 0.01257),  # 10 %/sqrt(E) (+) 0.3 GeV/E (+) 0.7 %
        (1.0, 130, 0.05831),  # 50 %/sqrt(E) (+) 3 %
        (2.5, 130, 0.05831),
        (3.3, 130, 0.1414),  # 100 %/sqrt(E) (+) 10 %
    ],
)
def test_energy_resolution_of_atlas_at_100_gev(eta: float, kind: int, expected: float) -> None:
    n = 4000
    measured = _seen(_particles(np.full(n, eta), kind), _detector("atlas", pt_min=1e-3, abs_eta_max=5))
    assert len(measured) == n
    energy = measured.pt * np.cosh(measured.eta)
    assert np.std(energy) / 100 == pytest.approx(expected, rel=0.05)
    assert energy.mean() == pytest.approx(100, rel=0.01)


@pytest.mark.parametrize(("momentum", "expected"), [(10.0, 0.01118), (100.0, 0.05099)])
def test_tracks_of_atlas_in_the_middle_of_the_barrel(momentum: float, expected: float) -> None:
    """pT: 0.05 % pT (+) 1 %; d0: 10 um (+) 140 um GeV/pT; dz: 91 um (+) 209 um GeV/pT."""
    n = 4000
    particles = _particles(np.zeros(n), 13, -1, energy=momentum)
    seen = _seen(particles, _detector("atlas"))
    assert len(seen) / n == pytest.approx(0.99, abs=0.007)
    assert np.std(seen.pt) / momentum == pytest.approx(expected, rel=0.05)
    assert np.std(seen.d0) == pytest.approx(np.sqrt(0.010**2 + (0.140 / momentum) ** 2), rel=0.05)
    assert np.std(seen.dz) == pytest.approx(np.sqrt(0.091**2 + (0.209 / momentum) ** 2), rel=0.05)


def test_acceptance_of_atlas() -> None:
    """Tracks to 2.5 with the efficiency of each ring; what has none is in the calorimeters, beyond 3.2 the forward."""
    n = 12_000
    eta = np.random.default_rng(4).uniform(-3.4, 3.4, n)
    particles = _particles(eta, 211, 1, energy=300.0)
    seen = _seen(particles, _detector("atlas", pt_min=1e-3))
    tracked = np.zeros(n, dtype=bool)
    tracked[seen.event[seen.charge != 0]] = True
    rings = [(0.0, 0.9, 0.92), (0.9, 1.4, 0.89), (1.4, 2.5, 0.82), (2.5, 3.4, 0.0)]
    for low, high, efficiency in rings:
        inside = (np.abs(eta) > low) & (np.abs(eta) < high)
        error = np.sqrt(efficiency * (1 - efficiency) / inside.sum())
        assert tracked[inside].mean() == pytest.approx(efficiency, abs=4 * error), high
    assert set(seen.pdgid[np.abs(seen.eta) > 3.2].tolist()) == {1}
    assert 1 not in seen.pdgid[np.abs(seen.eta) < 3.2]


@pytest.mark.parametrize(("kind", "charge"), [(22, 0), (130, 0), (211, 1), (-11, 1), (13, -1)])
def test_the_ideal_detector_sees_what_is_there(kind: int, charge: int) -> None:
    n = 50
    particles = _particles(_barrel(n), kind, charge)
    seen = _seen(particles, _detector("ideal"))
    assert seen.event.tolist() == list(range(n))  # one candidate each, none twice
    assert set(seen.pdgid.tolist()) == {kind}
    np.testing.assert_allclose(seen.pt, particles.pt, rtol=1e-9)
    np.testing.assert_allclose(seen.eta, particles.eta, atol=1e-9)
    assert np.all(np.isnan(seen.d0)) if charge == 0 else np.abs(seen.d0).max() < 1e-9


@pytest.fixture(scope="module")
def events() -> Particles:
    """Visible particles of six di-jet events, straight from Pythia."""
    pythia = pythia8mc.Pythia("", False)
    for setting in (
        "Print:quiet=on",
        "HardQCD:all=on",
        "PhaseSpace:pTHatMin=300",
        "Random:setSeed=on",
        "Random:seed=3",
    ):
        pythia.readString(setting)
    assert pythia.init()
    rows: list[tuple[float, ...]] = []
    for event in range(6):
        while not pythia.next():
            pass
        rows += [
            (event, p.id(), p.charge(), p.px(), p.py(), p.pz(), p.e(), p.xProd(), p.yProd(), p.zProd())
            for p in pythia.event
            if p.isFinal() and p.isVisible() and abs(p.eta()) < 5
        ]
    whole = np.array(rows).T
    names = ("px", "py", "pz", "energy", "vx", "vy", "vz")
    return Particles(
        event=whole[0].astype(np.int64),
        pdgid=whole[1].astype(np.int32),
        charge=np.rint(whole[2]).astype(np.int8),
        **dict(zip(names, whole[3:], strict=True)),
        collision=np.zeros(len(rows), np.int64),
        n_events=6,
    )


def test_tracks_of_the_ideal_detector_are_the_charged_particles_of_pythia(events: Particles) -> None:
    """All of them above 1 GeV within 2.5, each with its momentum and its impact parameter, whatever its origin."""
    seen = _seen(events, _detector("ideal"))
    tracks = seen.where(seen.charge != 0)
    true = events.where((events.charge != 0) & (events.pt > 1) & (np.abs(events.eta) < 2.5))
    assert len(tracks) == len(true) > 150
    assert tracks.event.tolist() == true.event.tolist()
    np.testing.assert_allclose(tracks.pt, true.pt, rtol=1e-9)
    np.testing.assert_allclose(tracks.eta, true.eta, atol=1e-9)
    np.testing.assert_allclose(tracks.phi, true.phi, atol=1e-9)
    np.testing.assert_allclose(np.abs(tracks.d0), np.abs(true.vx * true.py - true.vy * true.px) / true.pt, atol=1e-9)


def test_the_ideal_detector_keeps_all_energy(events: Particles) -> None:
    """No energy is lost and none is counted twice; without muons, which leave none in the calorimeters."""
    events = events.where(np.abs(events.pdgid) != 13)
    seen = _seen(events, _detector("ideal", pt_min=1e-9, abs_eta_max=5))
    momentum = seen.pt * np.cosh(seen.eta)
    for event in range(events.n_events):
        assert momentum[seen.event == event].sum() == pytest.approx(events.energy[events.event == event].sum())
