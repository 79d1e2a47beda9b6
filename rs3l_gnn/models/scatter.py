"""Reduction of edges to particles, by torch_scatter where it is installed (extra ``scatter``), else by torch."""

from __future__ import annotations

import functools
import importlib
import importlib.util
from typing import Any

from torch import Tensor

__all__ = ["AGGREGATIONS", "reduce_edges"]

AGGREGATIONS = ("max", "min", "mean", "add", "sum")
_TORCH_NAMES = {"max": "amax", "min": "amin", "mean": "mean", "add": "sum", "sum": "sum"}


@functools.cache
def _torch_scatter() -> Any:
    if importlib.util.find_spec("torch_scatter") is None:
        return None
    try:
        return importlib.import_module("torch_scatter")
    except (ImportError, OSError):  # built for another torch
        return None


def reduce_edges(messages: Tensor, target: Tensor, n_particles: int, aggr: str) -> Tensor:
    """Reduce the messages that reach each particle.

    Args:
        messages: one row an edge [n_edges, ...].
        target: the particle it reaches [n_edges].
        n_particles: how many there are.
        aggr: one of ``AGGREGATIONS``.

    Returns:
        [n_particles, ...]; zero where no message arrives.
    """
    scatter = _torch_scatter()
    if scatter is not None:
        out: Tensor = scatter.scatter(messages, target, dim=0, dim_size=n_particles, reduce=aggr)
        return out
    out = messages.new_zeros((n_particles, *messages.shape[1:]))
    where = target.view(-1, *[1] * (messages.dim() - 1)).expand_as(messages)
    return out.scatter_reduce(0, where, messages, _TORCH_NAMES[aggr], include_self=False)
