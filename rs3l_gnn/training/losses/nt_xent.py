"""NT-Xent, the loss of SimCLR and of RS3L."""

from __future__ import annotations

import torch
from torch import Tensor

from rs3l_gnn.training.losses.checks import check_embeddings, check_temperature

__all__ = ["nt_xent"]


def nt_xent(z: Tensor, n_views: int = 2, temperature: float = 0.1) -> Tensor:
    r"""Normalised temperature-scaled cross entropy, eq. (1) of arXiv:2002.05709 and eq. (1) of arXiv:2403.07066.

    .. math:: \ell = -\frac{1}{|P|} \sum_{(i,j) \in P}
        \log \frac{e^{s_{ij}/\tau}}{e^{s_{ij}/\tau} + \sum_{k \in N(i)} e^{s_{ik}/\tau}}

    with s the cosine similarity, P all ordered pairs of different views i, j of one event, and N(i) all views of the
    other events. With two views this is the published loss: every view but i itself is in the denominator.

    Args:
        z: embeddings [n_events * n_views, dim], the views of an event side by side.
        n_views: views of each event.
        temperature: tau, no unit.

    Returns:
        The loss, a scalar.

    Raises:
        ConfigError: a temperature that is not positive and finite, or fewer than two views.
        InvalidDataError: a shape that does not fit, or fewer than two events.
    """
    check_temperature(temperature)
    check_embeddings(z, n_views, min_events=2)
    z = torch.nn.functional.normalize(z.float(), dim=1)  # in half precision the exponentials would overflow
    similarity = z @ z.T / temperature
    event = torch.arange(len(z), device=z.device) // n_views
    same = event[:, None] == event[None, :]
    negatives = torch.logsumexp(similarity.masked_fill(same, -torch.inf), dim=1, keepdim=True)
    # log(e^s / (e^s + sum of the negatives)) = -softplus(log(sum) - s)
    loss = torch.nn.functional.softplus(negatives - similarity)
    positive = same & ~torch.eye(len(z), dtype=torch.bool, device=z.device)
    return loss[positive].mean()
