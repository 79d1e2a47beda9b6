"""Nearest neighbours within each jet, by Euclidean distance; a particle is its own first neighbour."""

from __future__ import annotations

import torch
from torch import Tensor

from rs3l_gnn.models.ragged import pad
from rs3l_gnn.models.reading import chunks

__all__ = ["neighbours"]


def neighbours(x: Tensor, offsets: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Find the k nearest particles of every particle, itself included, with torch operations.

    Args:
        x: positions [n_particles, C].
        offsets: first particle of each jet [n_jets + 1].
        k: neighbours of each particle.

    Returns:
        Particle numbers [n_particles, k], and ``valid``: True where there is such a neighbour [n_particles, k] (a jet
        with fewer than k particles has no more). Entries that are not valid hold the particle's own number.
    """
    x = x.detach()
    nearest = torch.arange(len(x), device=x.device)[:, None].expand(-1, k).clone()
    found = torch.zeros((len(x), k), dtype=torch.bool, device=x.device)
    cuts = offsets.cpu().numpy()
    # Small jets beside a large one would be padded to its size: the runs bound that, and the memory.
    for first, last in chunks(cuts, particles=8192, jets=256):
        part = offsets[first : last + 1]
        begin, end = int(cuts[first]), int(cuts[last])
        if begin == end:
            continue
        padded, valid = pad(x[begin:end], part - begin)
        size = padded.shape[1]
        distance = torch.cdist(padded, padded, compute_mode="donot_use_mm_for_euclid_dist")
        distance.masked_fill_(~valid[:, None, :], torch.inf)
        rank = min(k, size)
        values, index = distance.topk(rank, dim=2, largest=False)
        nearest[begin:end, :rank] = (index + part[:-1, None, None])[valid]
        found[begin:end, :rank] = torch.isfinite(values)[valid]
    own = torch.arange(len(x), device=x.device)[:, None]
    return torch.where(found, nearest, own), found
