"""VICReg: views of an event together, variance kept, covariance removed; no negatives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from rs3l_gnn.conventions import ConfigError
from rs3l_gnn.training.loss import Loss
from rs3l_gnn.training.loss_checks import check_embeddings, check_weights

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["VICReg", "vicreg"]

_EPSILON = 1e-4


class VICReg(Loss):
    """VICReg, see :func:`vicreg`."""

    name: Literal["vicreg"] = Field("vicreg", description="which loss")
    invariance: float = Field(25.0, ge=0, allow_inf_nan=False, description="weight of the distance")
    variance: float = Field(25.0, ge=0, allow_inf_nan=False, description="weight of the variances")
    covariance: float = Field(1.0, ge=0, allow_inf_nan=False, description="weight of the covariances")

    def compute(self, z: Tensor, label: Tensor, n_views: int, weight: Tensor | None = None) -> Tensor:  # noqa: ARG002  # has no use for classes
        """The loss, a scalar; see :meth:`Loss.compute`."""
        parts = {"invariance": self.invariance, "variance": self.variance, "covariance": self.covariance}
        return vicreg(z, n_views, **parts, weights=weight)


def vicreg(
    z: Tensor,
    n_views: int = 2,
    *,
    invariance: float = 25.0,
    variance: float = 25.0,
    covariance: float = 1.0,
    weights: Tensor | None = None,
) -> Tensor:
    r"""Variance-invariance-covariance regularisation, eqs. (1) to (6) of arXiv:2105.04906.

    .. math:: \ell = \lambda s(Z, Z') + \mu [v(Z) + v(Z')] + \nu [c(Z) + c(Z')]

    s is the mean squared distance of the two views of an event, v the mean over embedding dimensions d of
    max(0, 1 - sqrt(Var z_d + 1e-4)), and c the sum of the squared off-diagonal elements of the covariance matrix,
    divided by the dimension. With more than two views, s is the mean over all pairs, and v and c are twice the mean
    over the views. With weights every mean over the events is weighted, and the covariances are those of frequencies,
    whose sum is the number of events.

    Args:
        z: embeddings [n_events * n_views, dim], not normalised, the views of an event side by side.
        n_views: views of each event.
        invariance: lambda.
        variance: mu.
        covariance: nu.
        weights: of the events, not negative; None counts every event once [n_events].

    Returns:
        The loss, a scalar.

    Raises:
        ConfigError: a weight that is negative or not finite, or fewer than two views.
        InvalidDataError: a shape that does not fit, fewer than two events, or weights that are negative.
    """
    import torch

    for name, weight in (("invariance", invariance), ("variance", variance), ("covariance", covariance)):
        if not 0 <= weight < float("inf"):
            raise ConfigError(f"the {name} weight must be >= 0 and finite", got=weight)
    check_embeddings(z, n_views, min_events=2)
    views = z.float().reshape(-1, n_views, z.shape[1]).transpose(0, 1)  # [n_views, n_events, dim]
    first, second = torch.triu_indices(n_views, n_views, offset=1, device=z.device)
    squares = (views[first] - views[second]).square()
    if weights is None:
        distance = squares.mean()
        centred = views - views.mean(dim=1, keepdim=True)
        counted = centred
    else:
        check_weights(weights, views.shape[1])
        of_event = (weights.to(z) / weights.to(z).mean())[:, None]
        distance = (squares * of_event).mean()
        centred = views - (views * of_event).mean(dim=1, keepdim=True)
        counted = centred * of_event
    covariances = counted.transpose(1, 2) @ centred / (views.shape[1] - 1)  # [n_views, dim, dim]
    variances = covariances.diagonal(dim1=1, dim2=2)
    hinge = torch.relu(1 - torch.sqrt(variances + _EPSILON)).mean()
    off_diagonal = (covariances.square().sum(dim=(1, 2)) - variances.square().sum(dim=1)).mean() / z.shape[1]
    return invariance * distance + 2 * variance * hinge + 2 * covariance * off_diagonal
