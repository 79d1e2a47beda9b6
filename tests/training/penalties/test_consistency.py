"""Distance of the scores of two views, against a loop; a penalty that makes a tagger blind to what views differ in."""

import math

import numpy as np
import pytest
import torch

from rs3l_gnn.training.penalties import disagreement
from rs3l_gnn.training.penalty import ScoredJets


@pytest.mark.parametrize("shape", [(12,), (12, 3)])
def test_against_a_loop(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(4)
    logits, weight = rng.normal(size=shape), rng.uniform(0.5, 2.0, 12)
    weight[4] = 0.0  # this view has lost its class
    table = logits.reshape(12, -1)
    total = norm = 0.0
    for event in range(4):
        for a, b in ((0, 1), (0, 2), (1, 2)):
            i, j = 3 * event + a, 3 * event + b
            if len(shape) == 1:
                square = (table[i, 0] - table[j, 0]) ** 2
            else:
                square = np.mean((table[i] - table[i].mean() - table[j] + table[j].mean()) ** 2)
            pair = math.sqrt(weight[i] * weight[j])
            total, norm = total + pair * square, norm + pair
    jets = ScoredJets(torch.from_numpy(logits), torch.zeros(12, dtype=torch.long), torch.from_numpy(weight), 3)
    assert disagreement(jets).item() == pytest.approx(total / norm, rel=1e-12)


def test_the_score_forgets_what_differs_between_views() -> None:
    """Two features separate equally well; one is the same in both views of an event, the other is drawn anew."""
    generator = torch.Generator().manual_seed(3)
    n = 4000
    target = (torch.arange(2 * n) // 2 % 2).double()
    kept = (torch.randn(n, generator=generator)).repeat_interleave(2).double() + target
    redrawn = torch.randn(2 * n, generator=generator).double() + target
    x = torch.stack([kept, redrawn], dim=1)

    def fitted(strength: float) -> torch.Tensor:
        w, b = (
            torch.zeros(2, dtype=torch.float64, requires_grad=True),
            torch.zeros(1, dtype=torch.float64, requires_grad=True),
        )
        optimizer = torch.optim.LBFGS([w, b], max_iter=200, line_search_fn="strong_wolfe")

        def closure() -> torch.Tensor:
            optimizer.zero_grad()
            logits = x @ w + b
            loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, target)
            loss = loss + strength * disagreement(ScoredJets(logits, target, torch.ones(2 * n), 2))
            loss.backward()  # type: ignore[no-untyped-call]
            return loss

        optimizer.step(closure)  # type: ignore[no-untyped-call]  # torch leaves these methods without types
        return w.detach()

    free, bound = fitted(0.0), fitted(100.0)
    # The likelihood ratio of two normal distributions a standard deviation apart has slope 1 in each feature.
    assert free.numpy() == pytest.approx([1.0, 1.0], abs=0.1)
    assert bound[0] > 0.5
    assert abs(bound[1]) < 0.02
