"""Bins of score distributions."""

import numpy as np
import pytest
from scipy.special import expit, logit

from rs3l_gnn.evaluation.figures.shapes import score_edges


def test_spread_scores_get_even_bins() -> None:
    edges, stretched = score_edges(np.random.default_rng(1).random(1000))
    assert not stretched
    np.testing.assert_allclose(edges, np.linspace(0, 1, 26))


def test_crowded_scores_get_bins_even_in_the_logarithm_of_their_odds() -> None:
    scores = expit(np.random.default_rng(2).normal(0, 5, 4000))
    edges, stretched = score_edges(scores)
    assert stretched
    steps = np.diff(logit(edges))
    np.testing.assert_allclose(steps, steps[0])
    assert edges[0] == pytest.approx(np.quantile(scores, 0.005))
    ends, _ = score_edges(np.concatenate([np.zeros(500), np.ones(500)]))
    assert 0 < ends[0] < ends[-1] < 1
