"""Penalty on the response of the efficiencies to the scale of the shower."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rs3l_gnn.conventions import ConfigError, InvalidDataError
from rs3l_gnn.conventions.scales import ScaleResponse, reshowered_scales, scale_responses
from rs3l_gnn.training.penalty import BoundPenalty, Means, Penalty, ScoredJets

if TYPE_CHECKING:
    from torch import Tensor

    from rs3l_gnn.data import ViewDraw, Views

__all__ = ["ResponsePenalty", "responses"]

_FEW = 10.0  # passing jets, by which a response is known well enough to count by half

Efficiency = Annotated[float, Field(gt=0, lt=1)]


class ResponsePenalty(Penalty):
    """Squared response of the pass rates at working points, see :func:`responses`."""

    name: Literal["response"] = Field("response", description="which penalty")
    by: Literal["shower_weights", "views"] = Field(
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
        by_weights = self.needs_shower_weights
        scales = self._chosen(
            scale_responses(index.shower_weight_names) if by_weights else reshowered_scales(index.variations)
        )
        names = [name for scale in scales for name in (scale.up, scale.down)]
        if by_weights:
            columns = np.stack([_relative_weights(index, name) for name in names], axis=1)
        else:
            columns = np.stack([index.vartype == index.vartype_of(name) for name in names], axis=1).astype(np.float32)
        told = columns[draw.jet_weights(index) > 0].any(axis=0)
        if not told.all():
            name = names[int(np.argmin(told))]
            raise ConfigError(
                f"no view that is trained on tells of {name!r}",
                got="variations " + ", ".join(key for key, weight in draw.weights.items() if weight > 0),
                hint="draw nominal views, which alone have shower weights"
                if by_weights
                else f"give {name} a weight in variations",
            )
        logarithms = [scale.logarithm for scale in scales]
        return BoundPenalty(
            columns,
            lambda jets, rows: responses(jets, rows, logarithms, self),
            n_means=2 * len(scales) * len(self.efficiencies),
        )

    def _chosen(self, found: Sequence[ScaleResponse]) -> list[ScaleResponse]:
        known = {scale.name: scale for scale in found}
        for name in self.scales:
            if name not in known:
                source = "shower weights" if self.needs_shower_weights else "re-showered views"
                raise InvalidDataError(
                    f"the views have no {source} that vary {name!r} up and down",
                    got=", ".join(known) or f"no pair of {source} at all",
                    hint="simulate with shower_weights, pair with events.shower_weights, or take by: views"
                    if self.needs_shower_weights
                    else "simulate these variations, or take by: shower_weights",
                )
        return [known[name] for name in self.scales]


def _relative_weights(index: Views, name: str) -> NDArray[np.float32]:
    if index.shower_weights is None:
        raise InvalidDataError("the views were read without their shower weights")
    return np.nan_to_num(index.shower_weights[:, index.shower_weight_names.index(name)])


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
