"""Penalty on the response: against loops, and a tagger that lets go of what carries the response."""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from rs3l_gnn.conventions import NOMINAL, ConfigError, InvalidDataError, get_variation
from rs3l_gnn.data import ViewDraw, Views, read_views
from rs3l_gnn.training.penalties import ResponsePenalty, responses
from rs3l_gnn.training.penalty import Means, ScoredJets

Passes = Callable[..., NDArray[np.float64]]
LOGARITHM = 2 * math.log(4)
NAMES = ("fsr:muRfac=2.0", "fsr:muRfac=0.5", "isr:muRfac=2.0", "isr:muRfac=0.5")


def scored(logits: NDArray[Any], target: NDArray[Any], weight: NDArray[np.float64]) -> ScoredJets:
    return ScoredJets(torch.from_numpy(logits), torch.from_numpy(target.astype(np.int64)), torch.from_numpy(weight), 1)


def response(
    p: NDArray[np.float64], w: NDArray[np.float64], up: NDArray[np.float64], down: NDArray[np.float64]
) -> float:
    rates = [(w * r * p).sum() / (w * r).sum() for r in (up, down)]
    return math.log(rates[0] / rates[1]) / LOGARITHM


def test_against_loops_over_cuts_classes_and_scales(soft_cut_by_scipy: Passes) -> None:
    rng = np.random.default_rng(7)
    n = 80
    signal = np.arange(n) % 3 > 0
    scores, weight = rng.normal(signal, 1.0), rng.uniform(0.5, 1.5, n)
    columns = rng.uniform(0.5, 1.5, (n, 4))
    columns[::5] = 0.0  # views without shower weights
    settings = ResponsePenalty(signal=2.0, background=0.5, efficiencies=(0.3, 0.7), width=0.4)
    values, weights = [], []
    for efficiency in (0.3, 0.7):
        p = soft_cut_by_scipy(scores, signal, weight, efficiency, 0.4)
        for members, strength in ((signal, 2.0), (~signal, 0.5)):
            for up, down in ((0, 1), (2, 3)):
                values.append(response(p[members], weight[members], columns[members, up], columns[members, down]))
                passing = (weight * p)[members & (columns[:, up] > 0)]
                effective = passing.sum() ** 2 / (passing**2).sum()
                weights.append(strength / 2 * effective / (effective + 10))
    jets = scored(scores, signal, weight)
    found = responses(jets, torch.from_numpy(columns), [LOGARITHM, LOGARITHM], settings)
    np.testing.assert_allclose(found.values.numpy(), values, rtol=1e-4)
    np.testing.assert_allclose(found.weights.numpy(), weights, rtol=1e-4)


def test_the_gradient_is_that_of_finite_differences() -> None:
    rng = np.random.default_rng(11)
    target = torch.from_numpy(np.arange(24) // 2 % 2)
    scores = torch.from_numpy(rng.normal(target.numpy(), 1.0)).requires_grad_()
    columns = torch.from_numpy(np.exp(rng.normal(0, 0.3, (24, 2))))
    settings = ResponsePenalty(efficiencies=(0.4,), width=0.5)

    def squares(s: torch.Tensor) -> torch.Tensor:
        found = responses(ScoredJets(s, target, torch.ones(24), 1), columns, [LOGARITHM], settings)
        return found.values.square().sum()

    (gradient,) = torch.autograd.grad(squares(scores), scores)
    step = 1e-5
    for place in range(24):
        shift = torch.zeros(24, dtype=torch.float64)
        shift[place] = step
        with torch.no_grad():
            slope = (squares(scores + shift) - squares(scores - shift)).item() / (2 * step)
        assert gradient[place].item() == pytest.approx(slope, rel=1e-5, abs=1e-9)


def test_every_class_is_the_signal_in_turn() -> None:
    rng = np.random.default_rng(4)
    logits, target = rng.normal(size=(90, 3)), np.arange(90) % 3
    columns = np.exp(rng.normal(0, 0.3, (90, 2)))
    settings = ResponsePenalty(efficiencies=(0.5,))
    found = responses(scored(logits, target, np.ones(90)), torch.from_numpy(columns), [LOGARITHM], settings)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    alone = [
        responses(
            scored(np.log(p[:, k] / (1 - p[:, k])), target == k, np.ones(90)),
            torch.from_numpy(columns),
            [LOGARITHM],
            settings,
        )
        for k in range(3)
    ]
    weights = np.stack([one.weights.numpy() for one in alone])
    values = np.average([one.values.numpy() for one in alone], axis=0, weights=weights)
    np.testing.assert_allclose(found.values.numpy(), values, rtol=1e-6)
    np.testing.assert_allclose(found.weights.numpy(), weights.mean(axis=0), rtol=1e-6)


def test_a_batch_without_signal_says_nothing() -> None:
    jets = scored(np.zeros(6), np.zeros(6), np.ones(6))
    jets.logits.requires_grad_()
    found = responses(jets, torch.ones(6, 2), [LOGARITHM], ResponsePenalty())
    assert found.values.shape == found.weights.shape == (4,)
    assert (found.weights == 0).all()
    found.values.sum().backward()  # type: ignore[no-untyped-call]  # torch leaves this method without types


def toy(n: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Two features of jets of two classes, the second of which alone knows the scale.

    With mu up the second feature is drawn from a distribution shifted by 0.3, with mu down by -0.3: weights exp(+-0.3
    (f - mean) - 0.045), the ratio of two normal distributions.
    """
    rng = np.random.default_rng(seed)
    target = np.arange(n) // 2 % 2
    means = np.stack([1.0 * target, 1.5 * target], axis=1)
    x = rng.normal(means, 1.0)
    shift = 0.3 * (x[:, 1] - means[:, 1])
    return x, target, np.exp(np.stack([shift, -shift], axis=1) - 0.3**2 / 2)


def hard_responses(scores: NDArray[np.float64], target: NDArray[np.int64], columns: NDArray[np.float64]) -> list[float]:
    """Of signal and background at a hard cut with signal efficiency 0.5."""
    passed = (scores > np.median(scores[target == 1])).astype(float)
    return [
        response(passed[mine], np.ones(mine.sum()), columns[mine, 0], columns[mine, 1])
        for mine in (target == 1, target == 0)
    ]


def fitted(strength: float, by: str) -> NDArray[np.float64]:
    """Slopes of a logistic regression with the penalty."""
    x, target, columns = toy(20_000, seed=1)
    if by == "views":  # jets showered anew with another scale instead of weights
        side = np.arange(len(x)) // 4 % 3
        x[:, 1] += 0.3 * (side == 1) - 0.3 * (side == 2)
        columns = np.stack([side == 1, side == 2], axis=1).astype(np.float64)
    inputs, label, rows = torch.from_numpy(x), torch.from_numpy(target), torch.from_numpy(columns)
    # The penalty begins on a network that separates, as during a training.
    slopes = torch.tensor([0.5, 0.5, -0.5], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([slopes], max_iter=60, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        logits = inputs @ slopes[:2] + slopes[2]
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, label.double())
        if strength > 0:
            jets = ScoredJets(logits, label, torch.ones(len(x)), 1)
            found = responses(jets, rows, [LOGARITHM], ResponsePenalty(efficiencies=(0.5,)))
            loss = loss + strength * (found.weights * found.values.square()).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]  # torch leaves these methods without types
    return slopes.detach().numpy()[:2]


def test_a_tagger_lets_go_of_the_feature_that_carries_the_response() -> None:
    x, target, columns = toy(200_000, seed=10_000)
    free, bound, by_views = (fitted(0.0, "weights"), fitted(300.0, "weights"), fitted(300.0, "views"))
    # The likelihood ratio of normal distributions: slopes are the distances of the means.
    assert free == pytest.approx([1.0, 1.5], abs=0.15)
    before = hard_responses(x @ free, target, columns)
    assert before[0] > 0.05
    assert before[1] > 0.1
    for slopes in (bound, by_views):
        assert abs(slopes[1]) < 0.15 * slopes[0]  # 1.5 times as large without the penalty
        after = hard_responses(x @ slopes, target, columns)
        assert np.abs(after).max() < 0.2 * min(before)


@pytest.fixture(scope="module")
def weighted(toy_views: Path) -> Views:
    """Toy views with shower weights of the nominal jets, as rs3l pair writes them."""
    views = read_views(toy_views)
    table = np.random.default_rng(3).lognormal(0, 0.2, (views.n_jets, 4)).astype(np.float32)
    table[~views.is_nominal()] = np.nan
    return dataclasses.replace(views, shower_weight_names=NAMES, shower_weights=table)


def test_weights_are_those_of_the_nominal_views(weighted: Views) -> None:
    draw = ViewDraw(1, anchored=False, weights={"nominal": 1.0, "seed": 1.0})
    bound = ResponsePenalty(scales=("isr x2", "fsr x2")).bind(weighted, draw)
    assert weighted.shower_weights is not None
    nominal = weighted.is_nominal()
    np.testing.assert_array_equal(bound.columns[nominal], weighted.shower_weights[nominal][:, [2, 3, 0, 1]])
    assert (bound.columns[~nominal] == 0).all()
    scores = np.random.default_rng(8).normal(size=weighted.n_jets)
    found = ResponsePenalty(efficiencies=(0.5,), width=1e-3).bind(weighted, draw)
    jets = scored(scores, np.ones(weighted.n_jets), np.ones(weighted.n_jets))
    values = found.compute(jets, torch.from_numpy(found.columns))
    assert isinstance(values, Means)
    assert found.n_means == len(values.values) == 2  # signal and background, of which there is none
    passes = (scores > np.median(scores)).astype(float)[nominal]  # the soft cut is as good as a cut
    up, down = (weighted.shower_weights[nominal, k].astype(float) for k in (0, 1))
    assert values.values[0].item() == pytest.approx(response(passes, np.ones(len(up)), up, down), abs=5e-3)
    assert values.weights[1] == 0


def test_views_are_told_by_their_variation(weighted: Views) -> None:
    # fsrRenLo has the larger scale: a factor 1.414 on its square.
    draw = ViewDraw(2, anchored=False, weights={"nominal": 1.0, "fsrRenLo": 1.0, "fsrRenHi": 1.0})
    bound = ResponsePenalty(by="views", scales=("fsr x1.19",)).bind(weighted, draw)
    up, down = (weighted.vartype == get_variation(name).vartype for name in ("fsrRenLo", "fsrRenHi"))
    np.testing.assert_array_equal(bound.columns, np.stack([up, down], axis=1).astype(np.float32))


def test_what_the_views_lack_is_said(weighted: Views) -> None:
    bare = dataclasses.replace(weighted, shower_weight_names=(), shower_weights=None)
    nominal = ViewDraw(1, anchored=False, weights={NOMINAL.name: 1.0})
    with pytest.raises(InvalidDataError, match="no shower weights that vary 'fsr x2' up and down; got no pair"):
        ResponsePenalty().bind(bare, nominal)
    with pytest.raises(InvalidDataError, match="vary 'fsr x4' up and down; got fsr x2, isr x2"):
        ResponsePenalty(scales=("fsr x4",)).bind(weighted, nominal)
    with pytest.raises(InvalidDataError, match=r"no re-showered views that vary 'fsr x2' .*; got fsr x1\.19"):
        ResponsePenalty(by="views").bind(weighted, nominal)
    with pytest.raises(ConfigError, match="draw nominal views, which alone have shower weights"):
        ResponsePenalty().bind(weighted, ViewDraw(1, anchored=False, weights={"seed": 1.0}))
    with pytest.raises(ConfigError, match="tells of 'fsrRenLo'.*give fsrRenLo a weight in variations"):
        ResponsePenalty(by="views", scales=("fsr x1.19",)).bind(weighted, nominal)
