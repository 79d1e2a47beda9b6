r"""A score turned against the answer of its signal efficiency to a scale of the shower.

With :math:`t(x) = \partial \ln p_S(x) / \partial \ln \mu^2`, the score function of the signal, the response of the
signal efficiency is the mean of t over the signal jets that pass (t has mean zero over all of them). Among all cuts
with one efficiency and one response, that with the smallest false positive rate keeps the jets with

.. math:: \frac{p_S(x)}{p_B(x)} \left(1 - \lambda t(x)\right) > c,

which is the lemma of Neyman and Pearson with one constraint more: maximise :math:`\varepsilon_S - c' \varepsilon_B -
\lambda \varepsilon_S r_S` jet by jet. To first order in t it is the cut :math:`s(x) - \lambda t(x) > \ln c` on the
logit s, that of a tagger made for the scale :math:`\ln \mu^2 - \lambda`. So one number a scale is free, and the price
in false positives is of second order in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rs3l_gnn.training.working_point import response_of_rate, soft_passes

__all__ = ["SignalJets", "errors_of", "responses_to", "score_function", "strengths"]

_EDGE = 0.05  # of the soft cut, in standard deviations of the signal's scores: close to a hard one, and smooth
_PENALTIES = np.logspace(-7, 2, 55)  # of the regression, in units of the largest eigenvalue
_STEPS = 30
_SMALLEST_STEP = 1e-4
_SMALLEST_VARIANCE = 1e-30  # all scores alike
_ENOUGH = 1e-5  # what a step must gain of a chi2, or of the first one if that is smaller than 1
_LEAST_LEFT = 0.05  # of a score's variance: a tilt that takes more leaves noise, or turns the score over
_WIDEST = 4.0  # variance of a tilted score, in units of the old one; what should go away would be most of a wider one


@dataclass(frozen=True)
class SignalJets:
    """Views of signal jets.

    Attributes:
        nominal: generator weights of nominal views, 0 for others [n].
        up, down: weights of each view under the larger and the smaller scale, 0 where it says nothing
            [n, n_scales].
        logarithms: ln of the ratio of the two squared scales [n_scales].
    """

    nominal: NDArray[np.float64]
    up: NDArray[np.float64]
    down: NDArray[np.float64]
    logarithms: tuple[float, ...]


def score_function(features: NDArray[np.floating], jets: SignalJets, scale: int) -> NDArray[np.float64]:
    r"""Coefficients c of a linear estimate :math:`t(x) \approx c \cdot (x - \bar{x})` of the score function.

    The regression of :math:`(2 / L) (u - d) / (u + d)` on the features, where u and d are the weights of a jet under
    the two scales, each with the same sum: for small L its mean at x is t(x). The ridge parameter is the one with the
    smallest generalised cross-validation (Golub, Heath, Wahba, Technometrics 21 (1979) 215, eq. 1.4).

    Args:
        features: what the last layer of a network takes [n, n_features].
        jets: their weights.
        scale: which of the scales.

    Returns:
        [n_features].
    """
    up, down = (w[:, scale] / w[:, scale].sum() for w in (jets.up, jets.down))
    both = up + down
    used = both > 0
    weight = both[used] / both[used].sum()
    truth = np.clip((up - down)[used] / both[used], -1, 1) * 2 / jets.logarithms[scale]
    x = features[used].astype(np.float64)
    x -= weight @ x
    truth -= weight @ truth
    n = 1 / np.square(weight).sum()  # effective number of jets
    eigenvalues, vectors = np.linalg.eigh((x * weight[:, None]).T @ x)
    eigenvalues = np.maximum(eigenvalues, 0.0)
    projected = vectors.T @ (x.T @ (weight * truth))
    total = float(weight @ np.square(truth))
    ridges = _PENALTIES * eigenvalues.max()
    best = ridges[np.argmin([_cross_validation(ridge, eigenvalues, projected, total, n) for ridge in ridges])]
    return np.asarray(vectors @ (projected / (eigenvalues + best)))


def _cross_validation(
    ridge: float, eigenvalues: NDArray[np.float64], projected: NDArray[np.float64], total: float, n: float
) -> float:
    found = projected / (eigenvalues + ridge)
    residual = total - 2 * projected @ found + eigenvalues @ np.square(found)
    freedom = float((eigenvalues / (eigenvalues + ridge)).sum())
    return float(residual / (1 - min(freedom / n, 0.999)) ** 2)


def _passes(scores: Tensor, jets: SignalJets, efficiencies: Sequence[float]) -> Iterator[Tensor]:
    """How far each view passes the cut of each working point [n]."""
    nominal = torch.from_numpy(jets.nominal)
    for efficiency in efficiencies:
        yield soft_passes(scores, nominal > 0, nominal, efficiency, _EDGE)


def responses_to(scores: Tensor, jets: SignalJets, efficiencies: Sequence[float]) -> Tensor:
    """Response of the signal efficiency at each working point to each scale, with gradients [n_efficiencies, n_scales].

    Args:
        scores: logits of the views [n].
        jets: their weights.
        efficiencies: of the nominal views, at the cuts.
    """
    rows = []
    for passes in _passes(scores, jets, efficiencies):
        ones = torch.ones_like(passes)
        found = [
            response_of_rate(passes, ones, torch.from_numpy(jets.up[:, k]), torch.from_numpy(jets.down[:, k]), length)
            for k, length in enumerate(jets.logarithms)
        ]
        rows.append(torch.stack([torch.zeros(()) if one is None else one for one in found]))
    return torch.stack(rows)


def errors_of(scores: Tensor, jets: SignalJets, efficiencies: Sequence[float]) -> Tensor:
    """Statistical errors of these responses, as if all views were independent [n_efficiencies, n_scales]."""
    rows = []
    for passes in _passes(scores, jets, efficiencies):
        row = []
        for k, length in enumerate(jets.logarithms):
            variance = 0.0
            for weights in (torch.from_numpy(jets.up[:, k]), torch.from_numpy(jets.down[:, k])):
                rate = (weights * passes).sum() / weights.sum()
                pull = weights * (passes - rate) / (rate * weights.sum())
                variance += float(pull.square().sum())
            row.append(np.sqrt(variance) / length)
        rows.append(row)
    return torch.tensor(rows, dtype=torch.float64)


def strengths(
    scores: NDArray[np.floating],
    directions: NDArray[np.float64],
    jets: SignalJets,
    efficiencies: Sequence[float],
    share: float,
) -> NDArray[np.float64]:
    r"""How much of each score function to take away, so that a share of the responses goes.

    The :math:`\lambda` with the smallest :math:`\sum ((r(\lambda) - (1 - \text{share})\, r(0)) / \sigma)^2` over
    working points and scales, with the statistical errors of the responses, by the method of Gauss and Newton. A score
    is not turned so far that less than a twentieth of it is left: its response is all that it says.

    Args:
        scores: logits of the views [n].
        directions: values of the score functions for them [n, n_scales].
        jets: their weights.
        efficiencies: working points.
        share: of the responses that is to go, 0 to 1.

    Returns:
        [n_scales].
    """
    nominal = torch.from_numpy(jets.nominal / jets.nominal.sum())
    s, t = (torch.from_numpy(values.astype(np.float64)) for values in (scores, directions))
    s, t = s - nominal @ s, t - nominal @ t
    variance = nominal @ s.square()
    errors = errors_of(s, jets, efficiencies)

    def responses(tilted: Tensor) -> Tensor:
        # In units of their width: else the soft cut would see a difference where scores are only stretched.
        width = (nominal @ tilted.square()).clamp(min=_SMALLEST_VARIANCE).sqrt()
        return responses_to(tilted / width, jets, efficiencies)

    aim = (1 - share) * responses(s)

    def pulls(strength: Tensor) -> Tensor:
        return ((responses(s - t @ strength) - aim) / errors).flatten()

    def is_better(strength: Tensor, chi2: float) -> bool:
        tilted = s - t @ strength
        sound = (nominal @ (s * tilted) >= _LEAST_LEFT * variance) & (nominal @ tilted.square() <= _WIDEST * variance)
        return bool(sound) and chi2 - float(pulls(strength).square().sum()) > enough

    at = torch.zeros(t.shape[1], dtype=torch.float64)
    # With weights of the same jets the errors are too large, and a chi2 is far below 1 from the start.
    enough = _ENOUGH * min(1.0, float(pulls(at).square().sum()))
    for _ in range(_STEPS):
        traced = at.clone().requires_grad_()
        value = pulls(traced)
        slope = torch.stack([torch.autograd.grad(one, traced, retain_graph=True)[0] for one in value])
        chi2 = float(value.detach().square().sum())
        step = torch.linalg.lstsq(slope, -value.detach()[:, None]).solution[:, 0]
        while not is_better(at + step, chi2):
            step = step / 2
            # In the end, and where nothing helps: a score that is the score function itself.
            if not float(step.abs().max()) >= _SMALLEST_STEP:
                return at.numpy()
        at = at + step
    return at.numpy()
