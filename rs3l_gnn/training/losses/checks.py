"""What every loss refuses."""

from __future__ import annotations

import math

from torch import Tensor

from rs3l_gnn.conventions import ConfigError, InvalidDataError

__all__ = ["check_embeddings", "check_temperature"]


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
