"""Invented particles for the benchmarks that need files and no physics."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["invented_candidates"]


def invented_candidates(
    rng: np.random.Generator, shape: tuple[int, int]
) -> tuple[NDArray[np.int32], dict[str, NDArray[np.float64]]]:
    """Charges, momenta (GeV) and impact parameters (cm; -1 for neutral ones) of ``shape`` [n_jets, n_candidates]."""
    charge = rng.integers(-1, 2, shape).astype(np.int32)
    return charge, {
        "pt": rng.exponential(12, shape) + 1,
        "eta": rng.normal(0, 0.2, shape),
        "phi": rng.normal(0, 0.2, shape),
        "mass": np.where(charge != 0, 0.1396, 0.0),
        **{name: np.where(charge != 0, rng.normal(0, 0.01, shape), -1.0) for name in ("d0", "dz")},
    }
