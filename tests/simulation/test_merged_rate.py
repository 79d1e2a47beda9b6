from __future__ import annotations

import numpy as np
import pytest

from rs3l_gnn.simulation.merged_rate import MergedRate


def test_nothing_merged_changes_nothing() -> None:
    weights = np.random.default_rng(1).normal(1.0, 0.3, 50)
    rate = MergedRate.of(weights, np.ones(50))
    assert rate.share == 1.0
    assert rate.xsec_error(3.0, 0.1) == pytest.approx(0.1)
    assert rate.xsec_error(3.0, None) is None


def test_share_and_its_error_are_those_of_repeated_samples() -> None:
    rng = np.random.default_rng(2)
    size = (4000, 300)
    weights = rng.choice([1.0, 1.0, -1.0], size)
    factors = rng.uniform(0.5, 1.5, size) * (rng.random(size) < 0.6)
    rates = [MergedRate.of(*rows) for rows in zip(weights, factors, strict=True)]
    shares = np.array([rate.share for rate in rates])
    assert shares.mean() == pytest.approx(0.6, abs=0.01)
    assert np.median([rate.error for rate in rates]) == pytest.approx(shares.std(), rel=0.05)
    assert rates[0].xsec_error(10.0, 0.5) == pytest.approx(np.hypot(0.5 * rates[0].share, 10 * rates[0].error))


def test_parts_add_up() -> None:
    rng = np.random.default_rng(3)
    weights, factors = rng.random(20), rng.random(20)
    parts = [MergedRate.of(weights[part], factors[part]) for part in (slice(0, 7), slice(7, 20))]
    whole, total = MergedRate.of(weights, factors), MergedRate.total(parts)
    assert total.share == pytest.approx(whole.share, rel=1e-12)
    assert total.error == pytest.approx(whole.error, rel=1e-12)
