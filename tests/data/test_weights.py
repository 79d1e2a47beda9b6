"""Generator weights on a common scale, against loops over the events."""

import dataclasses

import numpy as np
import pytest

from rs3l_gnn.conventions import ConfigError, InvalidDataError
from rs3l_gnn.data import TrainingWeightConfig, Views, WeightConfig, effective_number, generator_weights


def weighted(views: Views, seed: int = 1, *, negative: float = 0.0) -> Views:
    """The views with a weight for each event, of another unit in each sample."""
    rng = np.random.default_rng(seed)
    per_event = rng.lognormal(0, 0.8, views.n_events) * np.where(rng.random(views.n_events) < negative, -1, 1)
    unit = np.array([1e-3, 50.0])[views.sample]
    return dataclasses.replace(views, weight=(per_event[views.event_of_jet] * unit).astype(np.float32))


@pytest.mark.parametrize("value", [1.0, 0.3, 7e-5])
def test_equal_weights_are_no_weights(views: Views, value: float) -> None:
    equal = dataclasses.replace(views, weight=np.full(views.n_jets, value, np.float32))
    assert (generator_weights(equal) == 1).all()


def test_weights_are_relative_within_a_sample(views: Views) -> None:
    some = weighted(views)
    got = generator_weights(some)
    for number in range(len(some.samples)):
        nominal = [j for j in range(some.n_jets) if some.sample[j] == number and some.vartype[j] == -1]
        mean = sum(float(some.weight[j]) for j in nominal) / len(nominal)
        for jet in np.flatnonzero(some.sample == number)[:40]:
            assert got[jet] == pytest.approx(float(some.weight[jet]) / mean, rel=1e-12)


def test_factors_put_samples_on_one_scale(views: Views) -> None:
    some = weighted(views)
    factors = {some.samples[0]: 2.0, some.samples[1]: 1e-4}
    got = WeightConfig(samples=factors).of(some)
    raw = np.array([float(some.weight[j]) * factors[some.samples[some.sample[j]]] for j in range(some.n_jets)])
    np.testing.assert_allclose(got, raw / raw[some.vartype == -1].mean(), rtol=1e-12)
    with pytest.raises(ConfigError, match=r"every sample.*allowed: (qcd, hbb|hbb, qcd)"):
        WeightConfig(samples={"qcd": 1.0}).of(some)
    with pytest.raises(ConfigError, match="positive and finite"):
        WeightConfig(samples=dict.fromkeys(some.samples, 0.0)).of(some)


def test_weights_that_cannot_be_used_are_named(views: Views) -> None:
    broken = views.weight.copy()
    broken[7] = np.nan
    with pytest.raises(InvalidDataError, match=rf"event {views.event[7]} of sample '\w+' is not finite \(1 such"):
        generator_weights(dataclasses.replace(views, weight=broken))
    with pytest.raises(InvalidDataError, match="no positive sum"):
        generator_weights(dataclasses.replace(views, weight=-np.ones(views.n_jets, np.float32)))
    assert (WeightConfig(generator=False).of(dataclasses.replace(views, weight=broken)) == 1).all()


def test_a_training_refuses_negative_weights_or_does_as_told(views: Views) -> None:
    some = weighted(views, negative=0.2)
    signed = generator_weights(some)
    assert (signed < 0).any()
    np.testing.assert_array_equal(WeightConfig().of(some), signed)
    with pytest.raises(InvalidDataError, match=rf"{(signed < 0).sum()} of {some.n_jets} views have negative"):
        TrainingWeightConfig().of(some)
    np.testing.assert_array_equal(TrainingWeightConfig(negative="absolute").of(some), np.abs(signed))
    np.testing.assert_array_equal(TrainingWeightConfig(negative="zero").of(some), np.where(signed < 0, 0, signed))


def test_effective_numbers_by_hand() -> None:
    assert effective_number(np.full(5, 0.3)) == pytest.approx(5)
    assert effective_number(np.array([3.0, 1.0])) == pytest.approx(16 / 10)
    assert effective_number(np.array([1.0, 1.0, -1.0])) == pytest.approx(1 / 3)
    assert effective_number(np.array([])) == 0
