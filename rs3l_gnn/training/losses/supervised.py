"""Supervised contrastive loss: jets of one class attract one another."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from rs3l_gnn.conventions import InvalidDataError
from rs3l_gnn.training.loss import Loss
from rs3l_gnn.training.loss_checks import SMALLEST_WEIGHT, check_embeddings, check_temperature, check_weights

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["SupervisedContrastive", "supervised_contrastive"]


class SupervisedContrastive(Loss):
    """The supervised contrastive loss, see :func:`supervised_contrastive`."""

    name: Literal["supervised"] = Field("supervised", description="which loss")
    temperature: float = Field(0.1, gt=0, allow_inf_nan=False, description="tau, no unit")

    needs_labels: ClassVar[bool] = True

    def compute(self, z: Tensor, label: Tensor, n_views: int, weight: Tensor | None = None) -> Tensor:
        """The loss, a scalar; see :meth:`Loss.compute`."""
        return supervised_contrastive(z, label, n_views, self.temperature, weight)


def supervised_contrastive(
    z: Tensor, labels: Tensor, n_views: int = 2, temperature: float = 0.1, weights: Tensor | None = None
) -> Tensor:
    r"""Eq. (2) of arXiv:2004.11362, L_out, in the mean over the anchors.

    .. math:: \ell = -\frac{1}{N} \sum_i \frac{1}{|P(i)|} \sum_{p \in P(i)}
        \log \frac{e^{s_{ip}/\tau}}{\sum_{a \ne i} e^{s_{ia}/\tau}}

    with s the cosine similarity, N the number of views, and P(i) all views of i's class but i itself. With all labels
    different this is NT-Xent for two views.

    With weights w every view counts by w of its event over the mean of w: as anchor, among the positives (1 / \|P(i)\|
    becomes one over their sum), and in the sum of exponentials.

    Args:
        z: embeddings [n_events * n_views, dim], the views of an event side by side.
        labels: class of each event [n_events]; a negative label stands for no class, and such an event attracts
            its own views only.
        n_views: views of each event.
        temperature: tau, no unit.
        weights: of the events, not negative; None counts every event once [n_events].

    Returns:
        The loss, a scalar.

    Raises:
        ConfigError: a temperature that is not positive and finite, or fewer than two views.
        InvalidDataError: a shape that does not fit, or weights that are negative.
    """
    import torch

    check_temperature(temperature)
    check_embeddings(z, n_views, min_events=1)
    if labels.shape != (len(z) // n_views,):
        raise InvalidDataError("labels must have one entry an event", got=tuple(labels.shape))
    z = torch.nn.functional.normalize(z.float(), dim=1)
    itself = torch.eye(len(z), dtype=torch.bool, device=z.device)
    similarity = (z @ z.T / temperature).masked_fill(itself, -torch.inf)
    against = similarity
    if weights is not None:
        check_weights(weights, len(z) // n_views)
        of_view = (weights.to(z) / weights.to(z).mean()).repeat_interleave(n_views)
        against = similarity + torch.log(of_view.clamp(min=SMALLEST_WEIGHT))[None, :]
    log_p = similarity - torch.logsumexp(against, dim=1, keepdim=True)
    event = torch.arange(len(z), device=z.device) // n_views
    label = labels.repeat_interleave(n_views)
    positive = (event[:, None] == event[None, :]) | ((label[:, None] == label[None, :]) & (label[:, None] >= 0))
    positive &= ~itself
    # Zero first: minus infinity times zero on the diagonal would be NaN.
    if weights is None:
        return -(log_p.masked_fill(~positive, 0).sum(dim=1) / positive.sum(dim=1)).mean()
    counted = positive * of_view[None, :]
    of_anchor = of_view * (counted.sum(dim=1) > 0)
    # Zero first: minus infinity times zero on the diagonal would be NaN.
    mean = (log_p.masked_fill(counted == 0, 0) * counted).sum(dim=1) / counted.sum(dim=1).clamp(min=1e-30)
    return -(mean * of_anchor).sum() / of_anchor.sum()
