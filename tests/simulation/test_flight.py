"""Helices and straight lines against tracks that are followed step by step."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from rs3l_gnn.simulation.detector_config import CylinderConfig
from rs3l_gnn.simulation.flight import directions_at, perigee
from rs3l_gnn.simulation.particles import Particles

FIELD = 3.8
FACE = CylinderConfig(radius=1290.0, half_length=3154.0)
Vector = tuple[float, float, float]


def _one(momentum: Vector, vertex: Vector, charge: int = 1) -> Particles:
    px, py, pz, vx, vy, vz = (np.array([part]) for part in (*momentum, *vertex))
    return Particles(
        event=np.zeros(1, dtype=np.int64),
        pdgid=np.array([211 * charge], dtype=np.int32),
        charge=np.array([charge], dtype=np.int8),
        px=px,
        py=py,
        pz=pz,
        energy=np.sqrt(px**2 + py**2 + pz**2 + 0.1396**2),
        vx=vx,
        vy=vy,
        vz=vz,
        collision=np.zeros(1, dtype=np.int64),
        n_events=1,
    )


def _along_x(pt: float, eta: float, vertex: Vector = (0.0, 0.0, 0.0)) -> Particles:
    return _one((pt, 0.0, pt * np.sinh(eta)), vertex)


def _followed(momentum: Vector, vertex: Vector, charge: int) -> Vector:
    """d0, dz, phi where a track is nearest to the beam: dp/ds = 0.2998 q (p / |p|) x B, in steps of 20 um both ways."""
    step, size = 0.02, float(np.linalg.norm(momentum))
    found: list[tuple[float, NDArray[np.float64], NDArray[np.float64]]] = []
    for way in (1.0, -1.0):
        x, p = np.array(vertex, dtype=float), np.array(momentum, dtype=float)
        angle = -way * 0.299792458e-3 * charge * FIELD * step / size
        turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
        for _ in range(8000):  # 160 mm of way
            found.append((float(np.hypot(x[0], x[1])), x, p))
            after = turn @ p
            x = x + way * step * (p + after) / 2 / size
            p = after
    _, x, p = min(found, key=lambda point: point[0])
    pt = np.hypot(p[0], p[1])
    return float((x[1] * p[0] - x[0] * p[1]) / pt), float(x[2]), float(np.arctan2(p[1], p[0]))


@pytest.mark.parametrize("charge", [1, -1])
@pytest.mark.parametrize(
    ("momentum", "vertex"),
    [
        ((1.0, 0.4, 0.7), (30.0, 14.0, 20.0)),
        ((-0.9, 1.2, -2.0), (-30.0, 55.0, -80.0)),
        ((20.0, 3.0, 5.0), (60.0, 12.0, 15.0)),
        ((0.8, 0.0, 0.1), (-20.0, 3.0, 1.0)),  # towards the beam
    ],
)
def test_helix_of_a_displaced_track(momentum: Vector, vertex: Vector, charge: int) -> None:
    d0, dz, phi = _followed(momentum, vertex, charge)
    found = perigee(_one(momentum, vertex, charge), FIELD)
    assert found.d0[0] == pytest.approx(d0, abs=1e-4)
    assert found.dz[0] == pytest.approx(dz, abs=0.04)
    assert found.phi[0] == pytest.approx(phi, abs=1e-3)


def test_bending_matters_far_from_the_beam_alone() -> None:
    """The sagitta r^2 / (2 R), R = 877 mm at 1 GeV: 5.7 mm at 100 mm, 14 um at 5 mm."""
    radius = 1 / (0.299792458e-3 * FIELD)
    for start, precision in ((100.0, 0.05), (5.0, 1e-4)):
        particles = _along_x(1.0, 0.0, (start, 0.0, 0.0))
        straight, bent = perigee(particles, 0.0), perigee(particles, FIELD)
        assert straight.d0[0] == 0
        assert abs(bent.d0[0]) == pytest.approx(start**2 / (2 * radius), abs=precision)
        assert bent.d0[0] < 0  # a positive particle turns clockwise: its circle passes the beam on that side


def test_a_stiff_track_is_straight_to_a_micrometre() -> None:
    particles = _along_x(1e6, 1.0, (5.0, 2.0, 7.0))
    straight, bent = perigee(particles, 0.0), perigee(particles, FIELD)
    for name in ("d0", "dz", "phi"):
        assert getattr(bent, name) == pytest.approx(getattr(straight, name), abs=1e-4)


def test_straight_tracks_have_cms_signs() -> None:
    # A track along x from 2 mm beside the axis, and 5 mm along the track.
    found = perigee(_along_x(10.0, 1.0, (5.0, 2.0, 7.0)), 0.0)
    assert found.d0 == pytest.approx([2.0])
    assert found.dz == pytest.approx([7.0 - 5.0 * np.sinh(1.0)])
    found = perigee(_along_x(10.0, 1.0, (5.0, 0.0, 5.0 * np.sinh(1.0))), 0.0)
    assert found.d0 == pytest.approx([0.0])
    assert found.dz == pytest.approx([0.0])


def test_the_way_to_the_calorimeters_by_steps() -> None:
    rng = np.random.default_rng(1)
    for _ in range(6):
        vertex, momentum = rng.uniform(-600, 600, 3), rng.normal(size=3) * np.array([1, 1, 3])
        x, step = vertex.copy(), momentum / np.linalg.norm(momentum)  # 1 mm
        while np.hypot(x[0], x[1]) < FACE.radius and abs(x[2]) < FACE.half_length:
            x += step
        eta, phi = directions_at(_one((*momentum,), (*vertex,)), FACE)
        assert float(eta[0]) == pytest.approx(np.arcsinh(x[2] / np.hypot(x[0], x[1])), abs=4e-3)
        assert float(phi[0]) == pytest.approx(np.arctan2(x[1], x[0]), abs=2e-3)


def test_from_the_beam_the_direction_is_that_of_the_momentum() -> None:
    for eta in (0.0, 1.0, -2.2, 3.3):
        particles = _along_x(5.0, eta)
        there = directions_at(particles, FACE)
        assert [float(part[0]) for part in there] == pytest.approx([eta, 0.0], abs=1e-12)
        assert [float(part[0]) for part in directions_at(particles, None)] == pytest.approx([eta, 0.0], abs=1e-12)
    behind = directions_at(_along_x(5.0, 0.0, (0.0, 1500.0, 0.0)), FACE)
    assert [float(part[0]) for part in behind] == pytest.approx([0.0, np.pi / 2])
