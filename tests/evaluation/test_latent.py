"""Directions of embeddings against loops."""

import itertools

import numpy as np
import pytest

from rs3l_gnn.evaluation.latent import cosine_similarities, directions, principal_components


def test_cosines_against_loops() -> None:
    rng = np.random.default_rng(1)
    unit = directions(rng.normal(0.3, 1, (30, 5)))
    groups = [np.arange(30) < 12, np.arange(30) >= 12]
    got = cosine_similarities(unit, groups)
    for a, b in itertools.product(range(2), repeat=2):
        pairs = [
            float(unit[i] @ unit[j])
            for i, j in itertools.product(np.flatnonzero(groups[a]), np.flatnonzero(groups[b]))
            if i != j
        ]
        assert got[a, b] == pytest.approx(np.mean(pairs), abs=1e-12)


def test_equal_and_opposite_directions() -> None:
    unit = directions(np.array([[2.0, 0.0], [5.0, 0.0], [-1.0, 0.0], [-3.0, 0.0]]))
    groups = [np.array([True, True, False, False]), np.array([False, False, True, True])]
    assert cosine_similarities(unit, groups).tolist() == [[1, -1], [-1, 1]]


def test_length_does_not_matter_and_zero_stays() -> None:
    assert directions(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist() == [[0.6, 0.8], [0, 0]]
    huge = directions(np.array([[3e9, 4e9]], np.float32))
    np.testing.assert_allclose(huge, [[0.6, 0.8]], rtol=1e-6)


def test_components_carry_the_variance() -> None:
    rng = np.random.default_rng(2)
    axes = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    values = np.stack([rng.exponential(scale, 4000) for scale in (4.0, 2.0, 1.0, 0.5)], axis=1)
    coordinates, shares = principal_components(values @ axes, 3)
    expected = np.array([16, 4, 1]) / 21.25
    np.testing.assert_allclose(shares, expected, rtol=0.1)
    np.testing.assert_allclose(coordinates.var(axis=0), [16, 4, 1], rtol=0.15)
    # The sign is the one of the long tail, so that the picture does not flip.
    assert (np.sum(coordinates**3, axis=0) > 0).all()
    flipped, _ = principal_components(-(values @ axes), 3)
    np.testing.assert_allclose(np.abs(flipped), np.abs(coordinates), atol=1e-9)
