"""Penalty on the response: against loops, without bias, and a tagger that lets go of what carries the response."""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from rs3l_gnn.conventions import NOMINAL, ConfigError, InvalidDataError, get_variation
from rs3l_gnn.data import ViewDraw, Views, read_views
from rs3l_gnn.training.penalties import ResponsePenalty, squared_responses
from rs3l_gnn.training.penalty import ScoredJets

Passes = Callable[..., NDArray[np.float64]]
LOGARITHM = 2 * math.log(4)
NAMES = ("fsr:muRfac=2.0", "fsr:muRfac=0.5", "isr:muRfac=2.0", "isr:muRfac=0.5")


def response(
    p: NDArray[np.float64], w: NDArray[np.float64], up: NDArray[np.float64], down: NDArray[np.float64]
) -> float:
    rates = [(w * r * p).sum() / (w * r).sum() for r in (up, down)]
    return math.log(rates[0] / rates[1]) / LOGARITHM


@pytest.mark.parametrize("n_views", [1, 2])
def test_against_loops_over_halves_classes_scales_and_cuts(soft_cut_by_scipy: Passes, n_views: int) -> None:
    rng = np.random.default_rng(7)
    n = 80
    signal = np.arange(n) // n_views % 3 > 0
    scores, weight = rng.normal(signal, 1.0), rng.uniform(0.5, 1.5, n)
    columns = rng.uniform(0.5, 1.5, (n, 4))
    settings = ResponsePenalty(signal=2.0, background=0.5, efficiencies=(0.3, 0.7), width=0.4)
    half = np.arange(n) // n_views % 2
    expected = 0.0
    for efficiency in (0.3, 0.7):
        p = soft_cut_by_scipy(scores, signal, weight, efficiency, 0.4)
        for members, strength in ((signal, 2.0), (~signal, 0.5)):
            for up, down in ((0, 1), (2, 3)):
                parts = [
                    response(p[mine], weight[mine], columns[mine, up], columns[mine, down])
                    for mine in (members & (half == 0), members & (half == 1))
                ]
                expected += strength * parts[0] * parts[1] / 2
    jets = ScoredJets(
        torch.from_numpy(scores), torch.from_numpy(signal.astype(np.int64)), torch.from_numpy(weight), n_views
    )
    found = squared_responses(jets, torch.from_numpy(columns), [LOGARITHM, LOGARITHM], settings)
    assert found.item() == pytest.approx(expected, rel=1e-4)


def test_the_gradient_is_that_of_finite_differences() -> None:
    rng = np.random.default_rng(11)
    target = torch.from_numpy(np.arange(24) // 2 % 2)
    scores = torch.from_numpy(rng.normal(target.numpy(), 1.0)).requires_grad_()
    columns = torch.from_numpy(np.exp(rng.normal(0, 0.3, (24, 2))))
    settings = ResponsePenalty(efficiencies=(0.4,), width=0.5)

    def penalty(s: torch.Tensor) -> torch.Tensor:
        return squared_responses(ScoredJets(s, target, torch.ones(24), 1), columns, [LOGARITHM], settings)

    (gradient,) = torch.autograd.grad(penalty(scores), scores)
    step = 1e-5
    for place in range(24):
        shift = torch.zeros(24, dtype=torch.float64)
        shift[place] = step
        with torch.no_grad():
            slope = (penalty(scores + shift) - penalty(scores - shift)).item() / (2 * step)
        assert gradient[place].item() == pytest.approx(slope, rel=1e-5, abs=1e-9)
    three = torch.from_numpy(rng.normal(size=(24, 3))).requires_grad_()
    assert torch.autograd.gradcheck(penalty, (three,), atol=1e-6)


def test_scores_without_a_response_cost_nothing_on_average(soft_cut_by_scipy: Passes) -> None:
    """Weights that know nothing of the scores: the plain square would be larger than 0 in every batch."""
    rng = np.random.default_rng(1)
    products, squares = [], []
    settings = ResponsePenalty(efficiencies=(0.5,), background=0.0)
    for _ in range(400):
        scores, up = rng.normal(size=60), np.exp(rng.normal(0, 0.5, 60))
        jets = ScoredJets(torch.from_numpy(scores), torch.ones(60), torch.ones(60), 1)
        columns = torch.from_numpy(np.stack([up, 1 / up], axis=1))
        products.append(squared_responses(jets, columns, [LOGARITHM], settings).item())
        passes = soft_cut_by_scipy(scores, np.ones(60, bool), np.ones(60), 0.5, settings.width)
        squares.append(response(passes, np.ones(60), up, 1 / up) ** 2)
    error = np.std(products) / math.sqrt(len(products))
    assert abs(np.mean(products)) < 3 * error
    assert np.mean(squares) > 10 * error


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
            loss = loss + strength * squared_responses(jets, rows, [LOGARITHM], ResponsePenalty(efficiencies=(0.5,)))
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
    jets = ScoredJets(torch.from_numpy(scores), torch.ones(weighted.n_jets), torch.ones(weighted.n_jets), 4)
    settings = ResponsePenalty(efficiencies=(0.5,), background=0.0, width=1e-3)
    found = settings.bind(weighted, draw)
    value = found.compute(jets, torch.from_numpy(found.columns)).item()
    passes = (scores > np.median(scores)).astype(float)  # the soft cut is as good as a cut
    half = np.arange(len(scores)) // 4 % 2
    parts = [
        response(
            passes[mine], np.ones(mine.sum()), *(weighted.shower_weights[mine][:, k].astype(float) for k in (0, 1))
        )
        for mine in (nominal & (half == 0), nominal & (half == 1))
    ]
    assert value == pytest.approx(parts[0] * parts[1], abs=0.05 * abs(parts[0] * parts[1]) + 1e-4)


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
