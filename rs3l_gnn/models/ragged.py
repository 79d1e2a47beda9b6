"""Ragged batches: all particles of all jets one after another, and offsets that cut them into jets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from rs3l_gnn.conventions import InvalidDataError, check_offsets, column_names

__all__ = ["check_batch", "jet_of_particle", "pad", "select_features"]


def check_batch(x: Tensor, offsets: Tensor, names: Sequence[str]) -> None:
    """Check a batch of tensors before the network sees it.

    Args:
        x: particles of all jets [n_particles, C].
        offsets: first particle of each jet, int64 [n_jets + 1].
        names: the network's inputs.

    Raises:
        InvalidDataError: wrong width or type, decreasing offsets, NaN or infinity; the jet is named.
    """
    columns = column_names(names, x.shape[1]) if x.dim() == 2 else None
    if columns is None or not x.is_floating_point():
        raise InvalidDataError(
            "particles have the wrong shape or type",
            got=f"{x.dtype} {tuple(x.shape)}",
            allowed=f"floating point [n_particles, {len(names)}] ({', '.join(names)})",
        )
    cuts = check_offsets(offsets.detach().cpu().numpy(), len(x))
    bad = (~torch.isfinite(x.detach())).nonzero()
    if len(bad):
        particle, column = (int(i) for i in bad[0])
        jet = int(np.searchsorted(cuts, particle, side="right")) - 1
        raise InvalidDataError(
            f"{columns[column]!r} of particle {particle - int(cuts[jet])} in jet {jet} is not finite",
            got=float(x[particle, column]),
        )


def select_features(x: Tensor, names: Sequence[str]) -> Tensor:
    """Pick a network's inputs [n_particles, len(names)] from the paper's 15; its own columns pass as they are."""
    held = column_names(names, x.shape[1])
    if held is None or held == tuple(names):
        return x
    return x.index_select(1, torch.tensor([held.index(name) for name in names], device=x.device))


def jet_of_particle(offsets: Tensor) -> Tensor:
    """Number of the jet that each particle belongs to, int64 [n_particles]."""
    jets = torch.arange(len(offsets) - 1, device=offsets.device)
    return torch.repeat_interleave(jets, offsets[1:] - offsets[:-1])


def pad(x: Tensor, offsets: Tensor) -> tuple[Tensor, Tensor]:
    """Lay ragged particles out as a rectangle.

    Args:
        x: particles [n_particles, C].
        offsets: first particle of each jet [n_jets + 1].

    Returns:
        Particles [n_jets, longest, C] with zeros behind, and ``valid``: True = real particle [n_jets, longest].
    """
    counts = offsets[1:] - offsets[:-1]
    longest = int(counts.max()) if len(counts) else 0
    valid = torch.arange(longest, device=x.device)[None, :] < counts[:, None]
    padded = x.new_zeros((len(counts), longest, x.shape[1]))
    padded[valid] = x
    return padded, valid
