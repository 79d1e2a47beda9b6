"""Observables of jets against loops, and against fastjet where it is there."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from rs3l_gnn.conventions import ConfigError
from rs3l_gnn.evaluation.responses.observables import particle_observables, prong_distance

COLUMNS = ("log_pt_rel", "deta", "dphi")
NAMES = ("multiplicity", "soft_fraction", "prong_distance", "msoftdrop")


def rows(z: NDArray[np.float64], deta: NDArray[np.float64], dphi: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.stack([np.log(z), deta, dphi], axis=1).astype(np.float32)


def test_soft_share_and_multiplicity_by_hand() -> None:
    z = np.array([0.9, 0.095, 0.005, 0.5, 0.25, 0.009])
    found = particle_observables(rows(z, 0 * z, 0 * z), np.array([0, 3, 3, 6]), NAMES, soft_z=0.01, columns=COLUMNS)
    assert set(found) == {"multiplicity", "soft_fraction", "prong_distance"}
    assert found["multiplicity"].tolist() == [3, 0, 3]
    assert found["soft_fraction"] == pytest.approx([0.005, 0, 0.009 / 0.759], rel=1e-6)
    assert found["prong_distance"].tolist() == [0, 0, 0]


def test_views_without_a_feature() -> None:
    z, offsets = np.array([0.5, 0.5]), np.array([0, 2])
    found = particle_observables(rows(z, z, z)[:, :1], offsets, NAMES[:2], soft_z=0.01, columns=COLUMNS[:1])
    assert set(found) == {"multiplicity", "soft_fraction"}
    with pytest.raises(ConfigError, match=r"the particles have no deta, of which .*prong_distance"):
        particle_observables(rows(z, z, z)[:, :1], offsets, NAMES, soft_z=0.01, columns=COLUMNS[:1])


def two_prongs(
    rng: np.random.Generator, distance: float, share: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Candidates around two axes [n] each."""
    n = 20
    angle = rng.uniform(0, 2 * np.pi)
    side = np.arange(n) % 2
    centre = distance * (side - share)[:, None] * [np.cos(angle), np.sin(angle)]
    position = centre + rng.normal(0, 0.02, (n, 2))
    z = rng.exponential(1, n) * np.where(side == 1, share, 1 - share)
    return z / z.sum(), position[:, 0], position[:, 1]


def test_prongs_are_where_they_were_put() -> None:
    rng = np.random.default_rng(1)
    for distance, share in ((0.3, 0.4), (0.5, 0.2), (0.7, 0.5)):
        z, deta, dphi = two_prongs(rng, distance, share)
        assert prong_distance(z, deta, dphi, np.array([0, len(z)]))[0] == pytest.approx(distance, abs=0.04)


def test_no_other_split_of_a_small_jet_is_better() -> None:
    """Of all ways to give the candidates of a jet to two axes, for most jets the best."""
    rng = np.random.default_rng(2)
    best = 0
    for _ in range(40):
        z, deta, dphi = rng.exponential(1, 6), rng.normal(0, 0.3, 6), rng.normal(0, 0.3, 6)
        spreads = {}
        for code in range(1, 2**5):
            axes, spread = [], 0.0
            for side in (0, 1):
                mine = [i for i in range(6) if (code >> i) & 1 == side]
                total = sum(z[i] for i in mine)
                axis = [sum(z[i] * x[i] for i in mine) / total for x in (deta, dphi)]
                spread += sum(z[i] * ((deta[i] - axis[0]) ** 2 + (dphi[i] - axis[1]) ** 2) for i in mine)
                axes.append(axis)
            spreads[spread] = math.dist(*axes)
        found = prong_distance(z, deta, dphi, np.array([0, 6]))[0]
        assert min(abs(found - distance) for distance in spreads.values()) < 1e-9  # one of the ways
        best += abs(found - spreads[min(spreads)]) < 1e-9
    assert best > 20


def test_jets_do_not_see_each_other() -> None:
    rng = np.random.default_rng(3)
    jets = [two_prongs(rng, 0.4, 0.3) for _ in range(5)]
    alone = [prong_distance(*jet, np.array([0, 20]))[0] for jet in jets]
    z, deta, dphi = (np.concatenate(part) for part in zip(*jets, strict=True))
    together = prong_distance(z, deta, dphi, 20 * np.arange(6))
    np.testing.assert_allclose(together, alone, rtol=1e-12)
    assert prong_distance(z[:0], deta[:0], dphi[:0], np.zeros(3, np.int64)).tolist() == [0, 0]


def test_against_subjets_of_fastjet() -> None:
    fastjet = pytest.importorskip("fastjet")
    rng = np.random.default_rng(4)
    for _ in range(10):
        z, deta, dphi = two_prongs(rng, 0.5, 0.4)
        particles = [
            fastjet.PseudoJet(p * math.cos(phi), p * math.sin(phi), p * math.sinh(eta), p * math.cosh(eta))
            for p, eta, phi in zip(500 * z, deta, dphi, strict=True)
        ]
        definition = fastjet.JetDefinition(fastjet.kt_algorithm, 1.0)
        one, other = fastjet.ClusterSequence(particles, definition).exclusive_jets(2)
        assert prong_distance(z, deta, dphi, np.array([0, 20]))[0] == pytest.approx(one.delta_R(other), abs=0.01)
