"""Penalty on the response of the efficiencies to the scale of the shower."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from rs3l_gnn.conventions import ConfigError
from rs3l_gnn.training.penalty import BoundPenalty, Means, Penalty, ScoredJets
from rs3l_gnn.training.shower_contrasts import Efficiency, ShowerContrasts, Source

if TYPE_CHECKING:
    from torch import Tensor

    from rs3l_gnn.data import ViewDraw, Views

__all__ = ["ResponsePenalty", "responses"]

_FEW = 10.0  # passing jets, by which a response is known well enough to count by half


class ResponsePenalty(Penalty):
    """Squared response of the pass rates at working points, see :func:`responses`."""

    name: Literal["response"] = Field("response", description="which penalty")
    by: Source = Field(
        "shower_weights", description="weights of the nominal views, or the pass rates of re-showered views"
    )
    weight: float = Field(10.0, ge=0, description="of the penalty, beside the cross entropy, where robustness is 1")
    scales: tuple[str, ...] = Field(("fsr x2",), min_length=1, description="which scales, by kind and factor")
    efficiencies: tuple[Efficiency, ...] = Field((0.5, 0.8), min_length=1, description="of the signal, at the cuts")
    signal: float = Field(1.0, ge=0, description="weight of the signal's response")
    background: float = Field(1.0, ge=0, description="weight of the background's response")
    width: float = Field(0.2, gt=0, description="of the soft cut, in standard deviations of the signal's logits")

    @property
    def needs_shower_weights(self) -> bool:
        """Whether the penalty looks at the shower weights of the views."""
        return self.by == "shower_weights"

    def bind(self, index: Views, draw: ViewDraw) -> BoundPenalty:
        """The penalty on these views; see :meth:`Penalty.bind`."""
        contrasts = ShowerContrasts.of(index, self.scales, self.by)
        columns, names = contrasts.columns, contrasts.names
        told = columns[draw.jet_weights(index) > 0].any(axis=0)
        if not told.all():
            name = names[int(np.argmin(told))]
            raise ConfigError(
                f"no view that is trained on tells of {name!r}",
                got="variations " + ", ".join(key for key, weight in draw.weights.items() if weight > 0),
                hint="draw nominal views, which alone have shower weights"
                if self.needs_shower_weights
                else f"give {name} a weight in variations",
            )
        logarithms = [scale.logarithm for scale in contrasts.scales]
        return BoundPenalty(
            columns,
            lambda jets, rows: responses(jets, rows, logarithms, self),
            n_means=2 * len(self.scales) * len(self.efficiencies),
        )


def responses(jets: ScoredJets, columns: Tensor, logarithms: Sequence[float], settings: ResponsePenalty) -> Means:
    r"""d ln(efficiency) / d ln(squared scale) of signal and background at soft working points.

    Each is :func:`~rs3l_gnn.training.working_point.response_of_rate`. Its square counts by the strength of its class,
    divided by the number of working points, times n / (n + 10) with the effective number n of jets that pass: a
    response that hangs on three jets says little, and its gradients would pull at just these.

    For three or more classes, each is the signal in turn against all others, and the means run over these as well.

    Args:
        jets: scores of a batch.
        columns: weights up and down of each scale, 0 for jets that are not asked [n_jets, 2 * n_scales].
        logarithms: ln of the ratio of the squared scales of each.
        settings: working points, width and strengths.

    Returns:
        [n_efficiencies * 2 * n_scales]: working points, then signal and background, then scales.
    """
    import torch

    from rs3l_gnn.training.working_point import one_against_rest, soft_passes

    found = []
    for scores, signal in one_against_rest(jets.logits, jets.target):
        if not bool((jets.weight * signal).sum() > 0):
            continue
        for efficiency in settings.efficiencies:
            passes = soft_passes(scores, signal, jets.weight, efficiency, settings.width)
            for members, strength in ((signal, settings.signal), (~signal, settings.background)):
                own = jets.weight.double() * members
                found += [
                    _response(passes, own, columns[:, 2 * place], columns[:, 2 * place + 1], logarithm, strength)
                    for place, logarithm in enumerate(logarithms)
                ]
    n_means = 2 * len(logarithms) * len(settings.efficiencies)
    if not found:
        nothing = jets.logits.sum().double() * 0  # a batch without signal has a gradient too
        return Means(nothing.expand(n_means), torch.zeros_like(nothing).expand(n_means))
    values, weights = (torch.stack(part).reshape(-1, n_means) for part in zip(*found, strict=True))
    total = weights.sum(dim=0)
    mean = (weights * values).sum(dim=0) / total.clamp(min=1e-30)
    return Means(mean, total / (len(weights) * len(settings.efficiencies)))


def _response(  # noqa: PLR0917  # a formula with this many letters
    passes: Tensor, own: Tensor, up: Tensor, down: Tensor, logarithm: float, strength: float
) -> tuple[Tensor, Tensor]:
    """Response of the jets with a weight, and how much its square counts."""
    import torch

    from rs3l_gnn.training.working_point import response_of_rate

    value = response_of_rate(passes, own, up, down, logarithm)
    if value is None or strength == 0:
        nothing = passes.sum() * 0
        return nothing, torch.zeros_like(nothing)
    passing = (own * passes * ((up + down) > 0)).detach()
    n = passing.sum().square() / passing.square().sum().clamp(min=1e-30)
    return value, strength * n / (n + _FEW)
