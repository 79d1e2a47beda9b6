"""What every loss refuses."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rs3l_gnn.conventions import ConfigError, InvalidDataError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["SMALLEST_WEIGHT", "check_embeddings", "check_temperature", "check_weights"]

SMALLEST_WEIGHT = 1e-30
"""Stands for a weight of zero in a logarithm; relative to the mean weight of a batch."""


def check_temperature(temperature: float) -> None:
    """Raise ConfigError unless ``temperature`` is positive and finite."""
    if not (temperature > 0 and math.isfinite(temperature)):
        raise ConfigError("the temperature must be > 0 and finite", got=temperature)


def check_embeddings(z: Tensor, n_views: int, *, min_events: int) -> None:
    """Raise ConfigError for fewer than two views, InvalidDataError for a shape that does not fit."""
    if n_views < 2:
        raise ConfigError("a loss on views needs at least two of each event", got=n_views)
    if z.ndim != 2 or len(z) % n_views or len(z) < min_events * n_views:
        raise InvalidDataError(
            f"embeddings must have shape [n_events * {n_views}, dim] with at least {min_events} events",
            got=tuple(z.shape),
        )


def check_weights(weights: Tensor, n_events: int) -> None:
    """Raise InvalidDataError unless there is one weight an event, none negative, not all zero."""
    if weights.shape != (n_events,):
        raise InvalidDataError("weights must have one entry an event", got=tuple(weights.shape), allowed=(n_events,))
    if not bool((weights >= 0).all() & (weights.sum() > 0) & weights.isfinite().all()):
        raise InvalidDataError("weights of a loss must be finite, >= 0 and not all zero")
