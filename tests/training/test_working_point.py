"""Soft cuts and responses: against roots by scipy, finite differences and loops over the jets."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from rs3l_gnn.conventions import ConfigError
from rs3l_gnn.training.working_point import one_against_rest, response_of_rate, soft_passes

N = 40
Passes = Callable[..., NDArray[np.float64]]


def jets(seed: int = 3) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    signal = np.arange(N) % 2 == 0
    return rng.normal(signal * 1.5, 1.0), signal, rng.uniform(0.2, 2.0, N)


@pytest.mark.parametrize(("efficiency", "width"), [(0.5, 0.2), (0.8, 0.05), (0.05, 1.0)])
def test_the_cut_is_where_scipy_finds_it(soft_cut_by_scipy: Passes, efficiency: float, width: float) -> None:
    scores, signal, weight = jets()
    found = soft_passes(
        torch.from_numpy(scores), torch.from_numpy(signal), torch.from_numpy(weight), efficiency, width
    ).numpy()
    np.testing.assert_allclose(
        found, soft_cut_by_scipy(scores, signal, weight, efficiency, width), rtol=1e-5, atol=1e-12
    )
    assert np.average(found[signal], weights=weight[signal]) == pytest.approx(efficiency, abs=1e-12)


def test_gradients_go_through_cut_and_temperature(soft_cut_by_scipy: Passes) -> None:
    """The derivative of any sum of passes, against central differences of the function by scipy."""
    scores, signal, weight = jets()
    towards = np.random.default_rng(5).normal(size=N)
    s = torch.from_numpy(scores).requires_grad_()
    passes = soft_passes(s, torch.from_numpy(signal), torch.from_numpy(weight), 0.6, 0.3)
    (gradient,) = torch.autograd.grad((passes * torch.from_numpy(towards)).sum(), s)
    step = 1e-5
    expected = []
    for place in range(N):
        moved = [scores.copy(), scores.copy()]
        moved[0][place] += step
        moved[1][place] -= step
        up, down = (soft_cut_by_scipy(one, signal, weight, 0.6, 0.3) @ towards for one in moved)
        expected.append((up - down) / (2 * step))
    np.testing.assert_allclose(gradient.numpy(), expected, rtol=1e-5, atol=1e-7)
    # Shifting or stretching all scores changes nothing.
    assert abs(gradient.sum().item()) < 1e-9
    assert abs(float(gradient.numpy() @ scores)) < 1e-4


def test_a_narrow_cut_is_a_cut() -> None:
    rng = np.random.default_rng(2)
    scores, signal = torch.from_numpy(rng.normal(size=400)), torch.ones(400, dtype=torch.bool)
    passes = soft_passes(scores, signal, torch.ones(400), 0.7, 1e-4)
    threshold = torch.sort(scores, descending=True).values[280]
    assert ((passes > 0.5) == (scores > threshold)).all()


def test_equal_scores_have_a_gradient() -> None:
    s = torch.zeros(6, requires_grad=True)
    passes = soft_passes(s, torch.tensor([True, True, True, False, False, False]), torch.ones(6), 0.5, 0.2)
    passes.sum().backward()  # type: ignore[no-untyped-call]  # torch leaves this method without types
    assert s.grad is not None
    assert torch.isfinite(s.grad).all()


def test_the_response_by_a_loop() -> None:
    rng = np.random.default_rng(9)
    p, w, up, down = (rng.uniform(0.1, 1.0, N) for _ in range(4))
    up[:10] = down[:10] = 0.0
    sums = np.zeros(4)
    for i in range(N):
        sums += [w[i] * up[i] * p[i], w[i] * up[i], w[i] * down[i] * p[i], w[i] * down[i]]
    expected = math.log(sums[0] / sums[1] / (sums[2] / sums[3])) / 2.77
    passes, weight, above, below = (torch.from_numpy(one) for one in (p, w, up, down))
    found = response_of_rate(passes, weight, above, below, 2.77)
    assert found is not None
    assert found.item() == pytest.approx(expected, rel=1e-12)
    assert response_of_rate(passes, weight, above * 0, below, 2.77) is None


def test_discriminants_are_logits_of_probabilities() -> None:
    logits, target = (
        torch.randn(5, 3, generator=torch.Generator().manual_seed(1)).double(),
        torch.tensor([0, 1, 2, 1, 0]),
    )
    p = np.exp(logits.numpy())
    p /= p.sum(axis=1, keepdims=True)
    found = one_against_rest(logits, target)
    assert len(found) == 3
    for number, (scores, signal) in enumerate(found):
        np.testing.assert_allclose(scores.numpy(), np.log(p[:, number] / (1 - p[:, number])), rtol=1e-10)
        assert signal.tolist() == [label == number for label in target.tolist()]
    ((scores, signal),) = one_against_rest(logits[:, 0], target)
    assert torch.equal(scores, logits[:, 0])
    assert signal.tolist() == [False, True, False, True, False]


def test_useless_settings_are_refused() -> None:
    with pytest.raises(ConfigError, match="between 0 and 1; got 1.0"):
        soft_passes(torch.zeros(2), torch.ones(2) > 0, torch.ones(2), 1.0, 0.2)
    with pytest.raises(ConfigError, match=r"must be > 0; got 0\.0"):
        soft_passes(torch.zeros(2), torch.ones(2) > 0, torch.ones(2), 0.5, 0.0)
