"""The door to torch_geometric: its graphs as jets, jets as its graphs, and its reduction of edges.

It is imported at first use, which takes seconds. torch_scatter (extra ``scatter``) serves through it where installed.
"""

from __future__ import annotations

import functools
import importlib
import itertools
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from rs3l_gnn.conventions import InvalidDataError, check_offsets

if TYPE_CHECKING:
    from torch_geometric.data import Batch

__all__ = [
    "AGGREGATIONS",
    "Graphs",
    "graphs_of",
    "offsets_of_batch",
    "particles_and_offsets",
    "reduce_edges",
    "torch_geometric_module",
]

AGGREGATIONS = ("max", "min", "mean", "add", "sum")


class Graphs(Protocol):
    """A ``torch_geometric.data.Batch`` of jets, or the ``Data`` of one, with particles ``x`` [n_particles, C]."""

    x: Any


@functools.cache
def torch_geometric_module(module: str) -> Any:
    """``torch_geometric.<module>``, imported without its warnings."""
    with warnings.catch_warnings():
        # torch calls TorchScript deprecated, which torch_geometric uses while it is imported.
        warnings.simplefilter("ignore", DeprecationWarning)
        return importlib.import_module(f"torch_geometric.{module}")


def reduce_edges(messages: Tensor, ptr: Tensor, aggr: str) -> Tensor:
    """Reduce the messages that reach each particle.

    Args:
        messages: one row an edge, those of a particle together [n_edges, C].
        ptr: first edge of each particle [n_particles + 1].
        aggr: one of ``AGGREGATIONS``.

    Returns:
        [n_particles, C]; zero where no message arrives.
    """
    out: Tensor = torch_geometric_module("utils").segment(messages, ptr, "sum" if aggr == "add" else aggr)
    return out


def offsets_of_batch(batch: Tensor, n_jets: int | None = None) -> Tensor:
    """First particle of each jet, int64 [n_jets + 1], from the jet of each particle.

    Args:
        batch: number of the jet of each particle, in rising order [n_particles].
        n_jets: how many there are; None ends with the last that has particles.

    Raises:
        InvalidDataError: not in rising order, or not one number a particle.
    """
    if batch.dim() != 1 or bool((batch.diff() < 0).any()):
        raise InvalidDataError("batch must name the jet of each particle in rising order", got=tuple(batch.shape))
    counts = torch.bincount(batch, minlength=n_jets or 0)
    return torch.cat([counts.new_zeros(1), counts.cumsum(0)])


def particles_and_offsets(jets: Any, offsets: Any) -> tuple[Any, Any]:
    """Particles [n_particles, C] and offsets [n_jets + 1] of jets that are given in one of three ways.

    Args:
        jets: particles, with ``offsets``; or a torch_geometric ``Batch`` or ``Data`` without.
        offsets: first particle of each jet; None for graphs, which hold their own (``ptr`` or ``batch``; else the
            graph is one jet).

    Raises:
        InvalidDataError: particles without offsets, or graphs without particles.
    """
    if offsets is not None:
        return jets, offsets
    x = getattr(jets, "x", None)
    if not isinstance(x, Tensor):
        raise InvalidDataError(
            "jets need offsets, unless they come as a torch_geometric Batch or Data with particles x",
            got=type(jets).__name__,
        )
    ptr, batch = getattr(jets, "ptr", None), getattr(jets, "batch", None)
    if ptr is not None:
        return x, ptr
    return x, torch.tensor([0, len(x)], device=x.device) if batch is None else offsets_of_batch(batch)


def graphs_of(features: ArrayLike, offsets: ArrayLike, columns: Mapping[str, ArrayLike] | None = None) -> Batch:
    """Jets as a torch_geometric ``Batch``: ``x`` [n_particles, C], ``ptr`` [n_jets + 1], no edges.

    Args:
        features: particles of all jets [n_particles, C].
        offsets: first particle of each jet [n_jets + 1].
        columns: further attributes, with one row a jet.

    Raises:
        InvalidDataError: offsets that do not fit.
    """
    data = torch_geometric_module("data")
    x = torch.as_tensor(np.asarray(features))
    cuts: NDArray[np.int64] = check_offsets(np.asarray(offsets), len(x))
    rows = {name: torch.as_tensor(np.asarray(values)) for name, values in (columns or {}).items()}
    graphs = [
        data.Data(x=x[first:last], **{name: values[jet : jet + 1] for name, values in rows.items()})
        for jet, (first, last) in enumerate(itertools.pairwise(cuts.tolist()))
    ]
    batch: Batch = data.Batch.from_data_list(graphs)
    return batch
