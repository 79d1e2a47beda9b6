"""NT-Xent, the loss of SimCLR and of RS3L."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from rs3l_gnn.training.loss import Loss
from rs3l_gnn.training.loss_checks import SMALLEST_WEIGHT, check_embeddings, check_temperature, check_weights

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["NTXent", "nt_xent"]


class NTXent(Loss):
    """NT-Xent, see :func:`nt_xent`."""

    name: Literal["nt_xent"] = Field("nt_xent", description="which loss")
    temperature: float = Field(0.1, gt=0, allow_inf_nan=False, description="tau, no unit")

    def compute(self, z: Tensor, label: Tensor, n_views: int, weight: Tensor | None = None) -> Tensor:  # noqa: ARG002  # has no use for classes
        """The loss, a scalar; see :meth:`Loss.compute`."""
        return nt_xent(z, n_views, self.temperature, weight)


def nt_xent(z: Tensor, n_views: int = 2, temperature: float = 0.1, weights: Tensor | None = None) -> Tensor:
    r"""Normalised temperature-scaled cross entropy, eq. (1) of arXiv:2002.05709 and eq. (1) of arXiv:2403.07066.

    .. math:: \ell = -\frac{1}{|P|} \sum_{(i,j) \in P}
        \log \frac{e^{s_{ij}/\tau}}{e^{s_{ij}/\tau} + \sum_{k \in N(i)} e^{s_{ik}/\tau}}

    with s the cosine similarity, P all ordered pairs of different views i, j of one event, and N(i) all views of the
    other events. With two views this is the published loss: every view but i itself is in the denominator.

    With weights w the mean over P is weighted by w of the pair's event, and each exponential of a negative by w of its
    event over the mean of w, as if events had been drawn in proportion to w. Views of one event are equally likely.

    Args:
        z: embeddings [n_events * n_views, dim], the views of an event side by side.
        n_views: views of each event.
        temperature: tau, no unit.
        weights: of the events, not negative; None counts every event once [n_events].

    Returns:
        The loss, a scalar.

    Raises:
        ConfigError: a temperature that is not positive and finite, or fewer than two views.
        InvalidDataError: a shape that does not fit, fewer than two events, or weights that are negative.
    """
    import torch

    check_temperature(temperature)
    check_embeddings(z, n_views, min_events=2)
    z = torch.nn.functional.normalize(z.float(), dim=1)  # in half precision the exponentials would overflow
    similarity = z @ z.T / temperature
    event = torch.arange(len(z), device=z.device) // n_views
    same = event[:, None] == event[None, :]
    against = similarity
    if weights is not None:
        check_weights(weights, len(z) // n_views)
        of_view = (weights.to(z) / weights.to(z).mean()).repeat_interleave(n_views)
        # Not minus infinity for a weight of 0: a sum of nothing has no gradient.
        against = similarity + torch.log(of_view.clamp(min=SMALLEST_WEIGHT))[None, :]
    negatives = torch.logsumexp(against.masked_fill(same, -torch.inf), dim=1, keepdim=True)
    # log(e^s / (e^s + sum of the negatives)) = -softplus(log(sum) - s)
    loss = torch.nn.functional.softplus(negatives - similarity)
    positive = same & ~torch.eye(len(z), dtype=torch.bool, device=z.device)
    if weights is None:
        return loss[positive].mean()
    of_pair = of_view[:, None].expand_as(loss)[positive]
    return (loss[positive] * of_pair).sum() / of_pair.sum()
