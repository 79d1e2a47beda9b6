"""Consistency: views of one hard event get the same score."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field

from rs3l_gnn.training.penalty import BoundPenalty, Penalty, ScoredJets

if TYPE_CHECKING:
    from torch import Tensor

    from rs3l_gnn.data import ViewDraw, Views

__all__ = ["Consistency", "disagreement"]


class Consistency(Penalty):
    """Distance of the logits of two views of an event, see :func:`disagreement`."""

    name: Literal["consistency"] = Field("consistency", description="which penalty")

    least_views: ClassVar[int] = 2

    def bind(self, index: Views, draw: ViewDraw) -> BoundPenalty:  # noqa: ARG002  # any views that are drawn will do
        """The penalty on these views; see :meth:`Penalty.bind`."""
        return BoundPenalty(np.zeros((index.n_jets, 0), np.float32), lambda jets, _: disagreement(jets))


def disagreement(jets: ScoredJets) -> Tensor:
    r"""Mean squared distance of the logits of two views of one event.

    .. math:: \frac{\sum_e \sum_{a < b} w_{eab} \, |l_{ea} - l_{eb}|^2 / C}{\sum_e \sum_{a < b} w_{eab}}

    with l the logits, less their mean over the C classes where there are several, and w the geometric mean of the
    weights of the two views: 0 where one of them has lost its class.

    Args:
        jets: scores of a batch; two or more views of an event.

    Returns:
        A scalar; 0 where no pair has a weight.
    """
    import torch

    logits = jets.logits.reshape(len(jets.target), -1)
    if logits.shape[1] > 1:
        logits = logits - logits.mean(dim=1, keepdim=True)  # what all classes share does not change a score
    logits = logits.reshape(-1, jets.n_views, logits.shape[1])
    weight = jets.weight.reshape(-1, jets.n_views)
    first, second = torch.triu_indices(jets.n_views, jets.n_views, offset=1, device=logits.device)
    squares = (logits[:, first] - logits[:, second]).square().mean(dim=2)
    of_pair = (weight[:, first] * weight[:, second]).sqrt()
    return (squares * of_pair).sum() / of_pair.sum().clamp(min=1e-30)
