"""The tilt against Gaussian jets, for which the score function, the responses and the strengths are known."""

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.stats import norm

from rs3l_gnn.training.tilt import SignalJets, errors_of, responses_to, score_function, strengths

L = 2 * math.log(4)
MEAN = np.array([2.0, 0.5, 0.0, 0.0])
SHIFT = np.array([0.05, 0.1, 0.0, -0.05])
"""Signal is N(MEAN + SHIFT ln mu^2, 1), so that t = SHIFT (x - MEAN); background is N(0, 1) and the logit MEAN x."""


def jets(n: int, seed: int = 1) -> tuple[NDArray[np.float64], SignalJets]:
    """A third each nominal, with the larger and with the smaller scale."""
    rng = np.random.default_rng(seed)
    kind = np.repeat([0, 1, 2], n)
    x = rng.normal(size=(3 * n, 4)) + MEAN + np.array([0, L / 2, -L / 2])[kind, None] * SHIFT
    one = [(kind == number).astype(float) for number in range(3)]
    return x, SignalJets(one[0], one[1][:, None], one[2][:, None], (L,))


def reweighted(n: int, seed: int = 1) -> tuple[NDArray[np.float64], SignalJets]:
    """The same by the ratio of the densities as weights."""
    x = np.random.default_rng(seed).normal(size=(n, 4)) + MEAN
    weights = [
        np.exp(-0.5 * (np.square(x - MEAN - move * SHIFT) - np.square(x - MEAN)).sum(axis=1))
        for move in (L / 2, -L / 2)
    ]
    return x, SignalJets(np.ones(n), weights[0][:, None], weights[1][:, None], (L,))


def response_by_loop(scores: NDArray[np.float64], found: SignalJets, efficiency: float) -> float:
    """With a hard cut."""
    nominal = sorted(score for score, weight in zip(scores, found.nominal, strict=True) if weight > 0)
    cut = nominal[int((1 - efficiency) * len(nominal))]
    rates = []
    for weights in (found.up[:, 0], found.down[:, 0]):
        passed = sum(weight for score, weight in zip(scores, weights, strict=True) if score > cut)
        rates.append(passed / sum(weights))
    return math.log(rates[0] / rates[1]) / L


@pytest.mark.parametrize("sample", [jets, reweighted])
def test_the_score_function_of_gaussians_is_linear(sample: object) -> None:
    x, found = jets(15_000) if sample is jets else reweighted(20_000)
    assert score_function(x, found, 0) == pytest.approx(SHIFT, abs=0.02)


def test_features_that_say_nothing_are_damped() -> None:
    """With 300 jets and 60 features least squares would be far off; cross-validation finds the ridge."""
    x, found = jets(100)
    wide = np.concatenate([x, np.random.default_rng(2).normal(size=(300, 56))], axis=1)
    truth = np.concatenate([SHIFT, np.zeros(56)])
    used = found.nominal == 0
    target = (2 / L) * (found.up - found.down)[used, 0]
    plain = np.linalg.lstsq(wide[used] - wide[used].mean(axis=0), target - target.mean(), rcond=None)[0]
    assert np.linalg.norm(score_function(wide, found, 0) - truth) < 0.5 * np.linalg.norm(plain - truth)


@pytest.mark.parametrize("efficiency", [0.5, 0.8])
def test_responses_are_those_of_a_hard_cut(efficiency: float) -> None:
    x, found = jets(5000)
    scores = x @ MEAN
    value = responses_to(torch.from_numpy(scores), found, [efficiency]).item()
    assert value == pytest.approx(response_by_loop(scores, found, efficiency), abs=0.004)
    # d ln P(MEAN x > c) / d ln mu^2 = phi(z) / eps * MEAN.SHIFT / |MEAN| for the unit normal phi.
    z = norm.isf(efficiency)
    truth = norm.pdf(z) / efficiency * MEAN @ SHIFT / np.linalg.norm(MEAN)
    error = errors_of(torch.from_numpy(scores), found, [efficiency]).item()
    assert abs(value - truth) < 4 * error
    # Binomial: each of two samples of 5,000 has ln(rate) within sqrt((1 - eps) / (eps n)).
    assert error == pytest.approx(math.sqrt(2 * (1 - efficiency) / (efficiency * 5000)) / L, rel=0.1)


def test_the_whole_response_goes_at_the_known_strength() -> None:
    """MEAN x - strength SHIFT x does not answer to a shift along SHIFT if it is orthogonal to it."""
    x, found = jets(15_000)
    t = (x - MEAN) @ SHIFT
    strength = strengths(x @ MEAN, t[:, None], found, [0.5, 0.8], 1.0)
    assert strength == pytest.approx(MEAN @ SHIFT / (SHIFT @ SHIFT), rel=0.12)
    assert strengths(x @ MEAN, t[:, None], found, [0.5, 0.8], 0.0) == pytest.approx(0.0, abs=1e-6)
    half = strengths(x @ MEAN, t[:, None], found, [0.5], 0.5)
    before, after = (response_by_loop(x @ MEAN - one * t, found, 0.5) for one in (0.0, half[0]))
    assert after == pytest.approx(before / 2, abs=0.003)


@pytest.mark.parametrize("seed", range(5))
def test_few_jets_with_weights_lose_the_whole_response_as_well(seed: int) -> None:
    """The errors take up and down for independent jets, so that all of a response is a small part of its error."""
    x, found = reweighted(40, seed)
    scores, t = x @ MEAN, (x - x.mean(axis=0)) @ SHIFT
    strength = strengths(scores, t[:, None], found, [0.5], 1.0)
    before, after = (
        responses_to(torch.from_numpy(some), found, [0.5]).item() for some in (scores, scores - t * strength)
    )
    assert abs(after) < 0.01 * abs(before)


@pytest.mark.parametrize("n", [30, 3000])
@pytest.mark.parametrize("width", [0.01, 1.0])
def test_a_score_that_is_nothing_but_its_answer_stays(n: int, width: float) -> None:
    """Stretching it helps nothing, and only without it, or with its opposite, the response would be another."""
    for seed in range(5):
        x, found = reweighted(n, seed)
        t = (x - x.mean(axis=0)) @ SHIFT
        assert strengths(1 + width * t, t[:, None], found, [0.5], 1.0) == pytest.approx(0.0)


@pytest.mark.parametrize("n", [30, 3000])
def test_a_score_that_is_mostly_its_answer_is_not_turned_over(n: int) -> None:
    """With a hundredth of its variance its own, nearly nothing would be left; it is neither that nor stretched."""
    for seed in range(5):
        x, found = reweighted(n, seed)
        t = (x - x.mean(axis=0)) @ SHIFT
        score = t + 0.1 * t.std() * np.random.default_rng([seed, 1]).normal(size=n)
        tilted = score - t * strengths(score, t[:, None], found, [0.5], 1.0)
        assert np.cov(tilted, score)[0, 1] > 0.04 * score.var()
        assert tilted.std() < 2.1 * score.std()


def test_no_other_turn_is_cheaper() -> None:
    """False positives where the response is gone: the tilt against turns into other directions that also undo it."""
    z = norm.isf(0.5)

    def false_positives(w: NDArray[np.float64]) -> float:
        return float(norm.sf((w @ MEAN) / np.linalg.norm(w) + z))

    tilted = MEAN - MEAN @ SHIFT / (SHIFT @ SHIFT) * SHIFT
    assert tilted @ SHIFT == pytest.approx(0, abs=1e-12)
    rng = np.random.default_rng(3)
    for _ in range(200):
        other = rng.normal(size=4)
        turned = MEAN - MEAN @ SHIFT / (other @ SHIFT) * other
        assert false_positives(turned) >= false_positives(tilted) - 1e-12


def test_two_scales_at_once() -> None:
    rng = np.random.default_rng(4)
    n = 10_000
    kind = np.repeat(range(5), n)
    other = np.array([0.1, -0.05, 0.1, 0.0])
    moves = np.array([np.zeros(4), SHIFT, -SHIFT, other, -other])[kind] * L / 2
    x = rng.normal(size=(5 * n, 4)) + MEAN + moves
    one = [(kind == number).astype(float) for number in range(5)]
    found = SignalJets(one[0], np.stack(one[1::2], axis=1), np.stack(one[2::2], axis=1), (L, L))
    t = np.stack([(x - MEAN) @ SHIFT, (x - MEAN) @ other], axis=1)
    strength = strengths(x @ MEAN, t, found, [0.5, 0.8], 1.0)
    matrix = np.array([[SHIFT @ SHIFT, SHIFT @ other], [SHIFT @ other, other @ other]])
    assert strength == pytest.approx(np.linalg.solve(matrix, [MEAN @ SHIFT, MEAN @ other]), rel=0.2)
