from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rs3l_gnn.conventions import FitError
from rs3l_gnn.fits import Nuisance, RateEffect, Shift, Templates

Edit = Callable[[Templates], Templates]


def sample(templates: Templates, index: int = 0, **changes: Any) -> Templates:
    """Change a sample of the first channel."""
    first = templates.channels[0]
    samples = list(first.samples)
    samples[index] = replace(samples[index], **changes)
    return replace(templates, channels=(replace(first, samples=tuple(samples)), *templates.channels[1:]))


def shift(templates: Templates, **changes: Any) -> Templates:
    """Change the first shift of the first sample (qcd) of the first channel."""
    first = templates.channels[0].samples[0]
    return sample(templates, shifts=(replace(first.shifts[0], **changes), *first.shifts[1:]))


NEGATIVE, NAN = np.array([1.0, -2.0, 3.0, 4.0]), np.array([1.0, 2.0, np.nan, 4.0])


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda t: sample(t, values=NEGATIVE), r"channel sr, sample qcd, bin 1: negative; got \[-2\.\]"),
        (lambda t: sample(t, values=NAN), "channel sr, sample qcd, bin 2: not finite"),
        (lambda t: sample(t, variances=NAN), "sample qcd, variances, bin 2: not finite"),
        (lambda t: sample(t, values=np.ones(3)), r"sample qcd: another binning than the channel; got shape \(3,\)"),
        (lambda t: sample(t, values=np.zeros(4)), "channel sr, sample qcd is empty"),
        (lambda t: shift(t, up=NEGATIVE), "sample qcd, nuisance fsr, up, bin 1: negative"),
        (lambda t: shift(t, down=NAN), "sample qcd, nuisance fsr, down, bin 2: not finite"),
        (lambda t: shift(t, up=np.ones(5)), "nuisance fsr, up: another binning"),
        (lambda t: shift(t, down=np.zeros(4)), "nuisance fsr, down: the variation takes the whole yield away"),
        (lambda t: shift(t, up_error=NAN), "nuisance fsr, up, error, bin 2: not finite"),
        (lambda t: shift(t, nuisance="unknown"), "nuisances are not declared; got unknown"),
        (lambda t: sample(t, rates=(RateEffect("lumi", 0.0, 1.0),)), "nuisance lumi: factors must be positive"),
        (lambda t: sample(t, rates=(RateEffect("fsr", 1.1, 0.9),)), "a nuisance acts twice"),
        (lambda t: sample(t, 2, rates=(RateEffect("fsr", 1.1, 0.9),)), "come from templates and from rates: fsr"),
        (lambda t: replace(t, signal=("other",)), "signal has no templates; got other"),
        (lambda t: replace(t, signal=()), "signal has no templates"),
        (lambda t: replace(t, channels=()), "at least one channel"),
        (lambda t: replace(t, nuisances=(*t.nuisances, Nuisance("fsr", "x", "x"))), "same name: fsr"),
        (lambda t: replace(t, nuisances=tuple(replace(n, group="mc_stat") for n in t.nuisances)), "reserved names"),
    ],
)
def test_problems_are_named(rich: Templates, edit: Edit, message: str) -> None:
    with pytest.raises(FitError, match=message):
        edit(rich)


def test_a_bin_where_nothing_is_expected(rich: Templates) -> None:
    holed = [replace(s, values=s.values * [1, 1, 0, 1], shifts=()) for s in rich.channels[0].samples]
    with pytest.raises(FitError, match="channel sr, bin 2: nothing is expected"):
        replace(rich, channels=(replace(rich.channels[0], samples=tuple(holed)),))


def test_edges_must_increase(rich: Templates) -> None:
    with pytest.raises(FitError, match="edges must increase"):
        replace(rich, channels=(replace(rich.channels[0], edges=np.array([0, 0.5, 0.5, 0.7, 1.0])),))


def test_arrays_are_read_only(rich: Templates) -> None:
    with pytest.raises(ValueError, match="read-only"):
        rich.channels[0].samples[0].values[0] = 1.0


def test_rate_and_shape(rich: Templates) -> None:
    signal = rich.channels[0].samples[1]
    fsr, hadronisation = signal.shifts
    assert signal.rate(hadronisation) == pytest.approx((1.1, 0.95))
    assert not signal.has_shape(hadronisation)
    assert signal.has_shape(fsr)
    for side, factor, whole in zip(signal.shape(fsr), signal.rate(fsr), (fsr.up, fsr.down), strict=True):
        assert side.sum() == pytest.approx(signal.values.sum())
        np.testing.assert_allclose(side * factor, whole)


def test_a_single_bin_has_no_shape(one_bin: Callable[..., Templates]) -> None:
    background = one_bin().channels[0].samples[1]
    assert not background.has_shape(Shift("x", np.array([1100.0]), np.array([900.0])))


def test_groups_and_order(rich: Templates) -> None:
    assert rich.sample_names == ("hbb", "qcd", "wqq")
    assert rich.groups["shower"] == ("fsr", "hadronisation")
