"""Efficiencies at a working point with gradients: a soft cut that follows the scores, and responses to a scale."""

from __future__ import annotations

import torch
from torch import Tensor

from rs3l_gnn.conventions import ConfigError

__all__ = ["one_against_rest", "response_of_rate", "soft_passes"]

_BISECTIONS = 60  # halve 10^3 widths down to the last bits of a double
_SMALLEST_RATE = 1e-12
_LEAST_VARIANCE = 1e-6  # of logits: a network that has learnt nothing must not get gradients without limit


def one_against_rest(logits: Tensor, target: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Discriminants of a tagger, each with the jets that are its signal.

    Args:
        logits: [n_jets], or [n_jets, n_classes].
        target: class of each jet [n_jets].

    Returns:
        Scores and signal, True = jet of the class, both [n_jets]: one pair for a single logit, else one a class with
        the logit of its probability.
    """
    if logits.ndim == 1:
        return [(logits, target == 1)]
    log_p = torch.log_softmax(logits, dim=1)
    n_classes = logits.shape[1]
    others = [[other for other in range(n_classes) if other != number] for number in range(n_classes)]
    return [
        (log_p[:, number] - torch.logsumexp(log_p[:, rest], dim=1), target == number)
        for number, rest in enumerate(others)
    ]


def soft_passes(scores: Tensor, signal: Tensor, weight: Tensor, efficiency: float, width: float) -> Tensor:
    r"""How far each jet passes a soft cut at a signal efficiency.

    .. math:: p_i = \sigma\left(\frac{s_i - c}{T}\right), \quad T = \text{width} \cdot \mathrm{std}_S(s), \quad
        \sum_{i \in S} w_i p_i = \varepsilon \sum_{i \in S} w_i

    The cut c and the temperature T follow the scores, gradients included: p does not change when all scores are shifted
    or stretched, so that nothing is gained by such changes.

    Args:
        scores: any real numbers, the higher the more signal-like [n_jets].
        signal: True = jet of the signal [n_jets].
        weight: of the jets, not negative [n_jets].
        efficiency: of the signal at the cut, between 0 and 1.
        width: of the edge, in standard deviations of the signal's scores.

    Returns:
        In (0, 1), in double precision [n_jets].

    Raises:
        ConfigError: an efficiency outside (0, 1), or a width that is not positive.
    """
    if not 0 < efficiency < 1:
        raise ConfigError("the efficiency of a working point lies between 0 and 1", got=efficiency)
    if not width > 0:
        raise ConfigError("the width of a soft cut must be > 0", got=width)
    s = scores.double()
    share = weight.double() * signal
    share = share / share.sum()
    variance = (share * (s - (share * s).sum()).square()).sum()
    temperature = width * torch.sqrt(variance + _LEAST_VARIANCE)
    with torch.no_grad():
        low, high = s.min() - 40 * temperature, s.max() + 40 * temperature
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            above = (share * torch.sigmoid((s - middle) / temperature)).sum() > efficiency
            low, high = torch.where(above, middle, low), torch.where(above, high, middle)
    cut = (low + high) / 2
    # The equation for c holds already; one step of Newton's method gives c its derivatives (implicit function theorem).
    p = torch.sigmoid((s - cut) / temperature)
    slope = ((share * p * (1 - p)).sum() / temperature).detach()
    cut = cut + ((share * p).sum() - efficiency) / slope.clamp(min=1e-30)
    return torch.sigmoid((s - cut) / temperature)


def response_of_rate(passes: Tensor, weight: Tensor, up: Tensor, down: Tensor, logarithm: float) -> Tensor | None:
    r"""Response of a pass rate to a squared scale, from jets weighted up and down.

    .. math:: \frac{d \ln \varepsilon}{d \ln \mu^2} \approx \frac{1}{L} \left[
        \ln \frac{\sum_i w_i u_i p_i}{\sum_i w_i u_i} - \ln \frac{\sum_i w_i d_i p_i}{\sum_i w_i d_i} \right]

    Args:
        passes: how far each jet passes (p) [n_jets].
        weight: generator weights (w), 0 for jets of other classes [n_jets].
        up, down: weight of each jet under the larger and the smaller scale (u, d); 0 for jets that are not asked
            [n_jets].
        logarithm: ln of the ratio of the two squared scales (L).

    Returns:
        A scalar; None where no jet has a weight.
    """
    rates = []
    for factor in (up, down):
        w = weight.double() * factor
        total = w.sum()
        if not bool(total > 0):
            return None
        rates.append(((w * passes).sum() / total).clamp(min=_SMALLEST_RATE).log())
    return (rates[0] - rates[1]) / logarithm
