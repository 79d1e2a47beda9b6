"""The compiled soft drop and N2 against FastJet, tree by tree, and against loops over pairs and triplets."""

from __future__ import annotations

from itertools import combinations, pairwise

import fastjet
import numpy as np
import pytest
from numpy.typing import NDArray

from rs3l_gnn.simulation.grooming import energy_correlation, soft_drop

COUNTS = [1, 2, 3, 4, 7, 20, 33, 60, 150]


def soft_drop_by_fastjet(
    rows: NDArray[np.float64], zcut: float, beta: float, radius: float
) -> tuple[float, NDArray[np.bool_]]:
    """Declusters the tree of FastJet from one object to the next: mass, and which particles are left."""
    particles = [fastjet.PseudoJet(*row) for row in rows.tolist()]
    for index, particle in enumerate(particles):
        particle.set_user_index(index)
    clustering = fastjet.ClusterSequence(particles, fastjet.JetDefinition(fastjet.cambridge_algorithm, 100.0))
    jet = clustering.exclusive_jets(1)[0]
    one, other = fastjet.PseudoJet(), fastjet.PseudoJet()
    while jet.has_parents(one, other):
        fraction = min(one.pt(), other.pt()) / (one.pt() + other.pt())
        if fraction > zcut * (one.delta_R(other) / radius) ** beta:
            break
        jet = fastjet.PseudoJet(one if one.pt() >= other.pt() else other)
    left = np.zeros(len(rows), dtype=np.bool_)
    left[[part.user_index() for part in jet.constituents()]] = True
    return max(jet.m(), 0.0), left


def n2_by_loops(rows: NDArray[np.float64]) -> float:
    particles = [fastjet.PseudoJet(*row) for row in rows.tolist()]
    z = np.array([one.pt() for one in particles]) / sum(one.pt() for one in particles)
    apart = {(i, j): particles[i].delta_R(particles[j]) for i, j in combinations(range(len(particles)), 2)}
    two = sum(z[i] * z[j] * distance for (i, j), distance in apart.items())
    three = 0.0
    for i, j, k in combinations(range(len(particles)), 3):
        angles = sorted([apart[i, j], apart[i, k], apart[j, k]])
        three += z[i] * z[j] * z[k] * angles[0] * angles[1]
    return float(three / two**2) if len(particles) > 2 else 0.0


@pytest.fixture(scope="module")
def jets() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Jets with and without mass, narrow and wide ones, one on either side of the seam in phi, one far forward."""
    rng = np.random.default_rng(5)
    rows = []
    for repeat in range(4):
        for number, n in enumerate(COUNTS):
            pt, mass = rng.exponential(10, n) + 0.1, rng.choice([0.0, 0.13957], n)
            width = [0.3, 1e-3][repeat % 2]
            eta = rng.normal([0.5, -2.0, 6.0][number % 3], width, n)
            phi = rng.normal(np.pi if repeat > 1 else 0.1, width, n)
            energy = np.sqrt((pt * np.cosh(eta)) ** 2 + mass**2)
            rows.append(np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), energy], axis=1))
    offsets = np.cumsum([0, *(len(one) for one in rows)])
    return np.concatenate(rows), offsets


@pytest.mark.parametrize(("zcut", "beta", "radius"), [(0.1, 0.0, 0.8), (0.05, 1.0, 1.0), (0.2, -0.5, 0.4), (0, 0, 1)])
def test_soft_drop(
    jets: tuple[NDArray[np.float64], NDArray[np.int64]], zcut: float, beta: float, radius: float
) -> None:
    momenta, offsets = jets
    masses, left = soft_drop(momenta, offsets, zcut, beta, radius)
    for jet, (start, stop) in enumerate(pairwise(offsets)):
        mass, kept = soft_drop_by_fastjet(momenta[start:stop], zcut, beta, radius)
        np.testing.assert_array_equal(left[start:stop], kept)
        assert masses[jet] == mass


def test_energy_correlation(jets: tuple[NDArray[np.float64], NDArray[np.int64]]) -> None:
    momenta, offsets = jets
    # The loops over triplets take long for many particles.
    few = np.flatnonzero(np.diff(offsets) <= 33)
    found = energy_correlation(momenta, offsets)[few]
    expected = [n2_by_loops(momenta[offsets[jet] : offsets[jet + 1]]) for jet in few]
    np.testing.assert_allclose(found, expected, rtol=1e-11)


def test_particles_along_the_beam_and_at_one_place() -> None:
    """Neither has a distance that could be divided by; the first two lie beyond all rapidities, and carry no pT."""
    beam = np.array([[0.0, 0.0, 5.0, 5.0], [0.0, 0.0, -7.0, 7.0], [3.0, 4.0, 0.0, 5.0]])
    same = np.repeat([[3.0, 4.0, 0.0, 5.0]], 3, axis=0)
    momenta, offsets = np.concatenate([beam, same]), np.array([0, 3, 6])
    masses, left = soft_drop(momenta, offsets, 0.1, 0.0, 0.8)
    assert masses.tolist() == [0.0, 0.0]
    assert left.tolist() == [False, False, True, True, True, True]
    assert energy_correlation(momenta, offsets)[1] == 0


def test_no_jets() -> None:
    masses, left = soft_drop(np.empty((0, 4)), np.zeros(1, dtype=np.int64), 0.1, 0.0, 0.8)
    assert len(masses) == len(left) == 0
    assert len(energy_correlation(np.empty((0, 4)), np.zeros(1, dtype=np.int64))) == 0
