"""Sums that do not depend on order, and the histograms made of them."""

from __future__ import annotations

import math
from fractions import Fraction

import hist
import numpy as np
import pytest

from rs3l_gnn.conventions import ConfigError, InvalidDataError
from rs3l_gnn.processors.running.exact import ExactHistogram, ExactSums, Variable, empty_hist

SCORE = Variable("score", "Score", 4, 0.0, 1.0)


def test_sums_are_exact_whatever_the_order() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=3000) * 10.0 ** rng.integers(-9, 9, size=3000)
    index = rng.integers(3, size=3000)
    whole = ExactSums((3,))
    whole.add(index, values)
    parts = ExactSums((3,))
    for part in np.array_split(rng.permutation(3000), 17):
        piece = ExactSums((3,))
        piece.add(index[part], values[part])
        parts = piece + parts
    assert parts == whole
    assert np.array_equal(parts.values(), whole.values())
    for entry in range(3):
        exact = sum((Fraction(float(v)) for v in values[index == entry]), Fraction(0))
        assert whole.values()[entry] == pytest.approx(float(exact), rel=1e-15)


def test_floats_alone_would_depend_on_the_order() -> None:
    values = np.array([1e16, 1.0, -1e16, 1.0])
    sums = ExactSums((1,))
    sums.add(np.zeros(4, dtype=np.int64), values)
    assert sums.values()[0] == 2.0 == math.fsum(values)
    assert values.cumsum()[-1] != 2.0


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e40])
def test_unusable_weights_are_refused(bad: float) -> None:
    with pytest.raises(InvalidDataError, match="1 weights"):
        ExactSums((1,)).add(np.zeros(2, dtype=np.int64), np.array([1.0, bad]))


def test_the_histogram_agrees_with_hist() -> None:
    rng = np.random.default_rng(2)
    values, weights = rng.uniform(-0.2, 1.2, 500), rng.normal(1, 0.5, 500)
    mine = ExactHistogram(["sr"], ["nominal", "fsrUp"], SCORE)
    mine.fill(channel="sr", variation="fsrUp", bins=SCORE.index(values), weight=weights)
    target = empty_hist(["qcd", "hbb"], ["sr"], ["nominal", "fsrUp"], SCORE)
    mine.add_to(target, "hbb", 2.0)
    theirs = hist.Hist(SCORE.axis(), storage=hist.storage.Weight()).fill(values, weight=weights)
    filled = target[{"dataset": "hbb", "channel": "sr", "variation": "fsrUp"}].view(flow=True)
    np.testing.assert_allclose(filled.value, 2 * theirs.view(flow=True).value, rtol=1e-13)
    np.testing.assert_allclose(filled.variance, 4 * theirs.view(flow=True).variance, rtol=1e-13)
    assert target.sum(flow=True).value == pytest.approx(2 * weights.sum())
    assert target[{"dataset": "qcd"}].sum(flow=True).value == 0


def test_the_upper_edge_belongs_to_the_last_bin() -> None:
    assert SCORE.index([0.0, 0.25, 1.0, 1.0001, -0.1, np.nan]).tolist() == [1, 2, 4, 5, 0, 5]


def test_an_unknown_name_is_an_error_and_not_overflow() -> None:
    histogram = ExactHistogram(["sr"], ["nominal"], SCORE)
    with pytest.raises(ConfigError, match="'fsr_dn' is not on the variation axis; allowed: nominal"):
        histogram.fill(channel="sr", variation="fsr_dn", bins=SCORE.index([0.5]), weight=np.ones(1))
    with pytest.raises(ConfigError, match="'cr' is not on the channel axis"):
        histogram.fill(channel="cr", variation="nominal", bins=SCORE.index([0.5]), weight=np.ones(1))


def test_different_axes_do_not_merge() -> None:
    with pytest.raises(ConfigError, match="different axes"):
        _ = ExactHistogram(["sr"], ["nominal"], SCORE) + ExactHistogram(["cr"], ["nominal"], SCORE)


def test_logit_bins_are_fine_where_scores_pile_up() -> None:
    fine = Variable("score", "Score", 200, 0.0, 1.0, "logit")
    edges = fine.axis().edges
    assert len(edges) == 201
    assert (edges[0], edges[-1]) == (0.0, 1.0)
    inner = np.log(edges[1:-1] / (1 - edges[1:-1]))
    assert np.diff(inner) == pytest.approx(18 / 198)
    # Half of the jets above 0.995 would share one of 200 equal bins.
    assert len(set(fine.index([0.9951, 0.999, 0.9998, 0.99999]))) == 4
    assert fine.index([0.0, 1.0]).tolist() == [1, 200]
