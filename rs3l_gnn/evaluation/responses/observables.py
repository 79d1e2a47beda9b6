"""What jets are like: observables in which a response can be binned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import FEATURE_NAMES, ConfigError
from rs3l_gnn.conventions.jagged import parents_of
from rs3l_gnn.data import Views

__all__ = ["OBSERVABLES", "Observable", "observable", "particle_observables", "prong_distance"]

Observable = Literal["multiplicity", "soft_fraction", "prong_distance", "msoftdrop", "mass", "n2b1", "pt"]
OBSERVABLES: dict[str, str] = {
    "multiplicity": "candidates",
    "soft_fraction": "pT share of soft candidates",
    "prong_distance": "ΔR of two prongs",
    "msoftdrop": "groomed mass [GeV]",
    "mass": "mass [GeV]",
    "n2b1": "N2",
    "pt": "pT [GeV]",
}
"""Names and words; the first three are made of the particles, the others are columns of the views."""

_STEPS = 15


def particle_observables(
    features: NDArray[np.float32],
    offsets: NDArray[np.int64],
    names: Sequence[str],
    *,
    soft_z: float,
    columns: Sequence[str] = FEATURE_NAMES,
) -> dict[str, NDArray[np.float64]]:
    """Observables that are made of the particles, those of ``names`` that are.

    Args:
        features: particles of all jets [n_particles, n_features].
        offsets: first particle of each jet [n_jets + 1].
        names: wanted observables.
        soft_z: candidates with a smaller share of the jet's pT are soft.
        columns: what the features are.

    Returns:
        By name, one number a jet [n_jets]; 0 for a jet without candidates.

    Raises:
        ConfigError: the features lack what a wanted observable is made of.
    """
    counts = np.diff(offsets)
    jet = parents_of(counts)

    def column(name: str) -> NDArray[np.float64]:
        if name not in columns:
            raise ConfigError(
                f"the particles have no {name}, of which {', '.join(names)} are made",
                got=", ".join(columns),
                hint="leave these observables out of responses.profile, or pair the views with this feature",
            )
        return features[:, list(columns).index(name)].astype(np.float64)

    found: dict[str, NDArray[np.float64]] = {}
    if "multiplicity" in names:
        found["multiplicity"] = counts.astype(np.float64)
    if "soft_fraction" in names:
        z = np.exp(column("log_pt_rel"))
        total = np.bincount(jet, z, len(counts))
        soft = np.bincount(jet, np.where(z < soft_z, z, 0.0), len(counts))
        found["soft_fraction"] = np.divide(soft, total, out=np.zeros(len(counts)), where=total > 0)
    if "prong_distance" in names:
        found["prong_distance"] = prong_distance(np.exp(column("log_pt_rel")), column("deta"), column("dphi"), offsets)
    return found


def prong_distance(
    z: NDArray[np.float64], deta: NDArray[np.float64], dphi: NDArray[np.float64], offsets: NDArray[np.int64]
) -> NDArray[np.float64]:
    r"""Distance of the two axes of 2-subjettiness with :math:`\beta = 2` (arXiv:1108.2701) [n_jets].

    The sum of :math:`z_i \min_a \Delta R_{ia}^2` has its minimum where each axis is the pT-weighted mean of the
    candidates nearest to it. From the hardest candidate and the one with the largest :math:`z \Delta R^2` to it, a few
    steps of assigning and averaging lead there; the result may be a local minimum.

    Args:
        z: share of the jet's pT of each candidate [n_particles].
        deta, dphi: position relative to the jet's axis [n_particles].
        offsets: first particle of each jet [n_jets + 1].
    """
    jet, n = parents_of(np.diff(offsets)), len(offsets) - 1
    position = np.stack([deta, dphi], axis=1)
    axes = np.zeros((2, n, 2))
    axes[0] = _at_largest(z, position, jet, n)
    axes[1] = _at_largest(z * ((position - axes[0][jet]) ** 2).sum(axis=1), position, jet, n)
    for _ in range(_STEPS):
        distances = ((position - axes[:, jet]) ** 2).sum(axis=2)
        for side, mine in enumerate((distances[0] <= distances[1], distances[0] > distances[1])):
            weight = np.where(mine, z, 0.0)
            total = np.bincount(jet, weight, n)
            for direction in (0, 1):
                mean = np.bincount(jet, weight * position[:, direction], n)
                axes[side, :, direction] = np.divide(mean, total, out=axes[side, :, direction].copy(), where=total > 0)
    return np.asarray(np.hypot(*(axes[0] - axes[1]).T))


def _at_largest(
    values: NDArray[np.float64], position: NDArray[np.float64], jet: NDArray[np.int64], n: int
) -> NDArray[np.float64]:
    """Position of the candidate with the largest value in each jet, zero without candidates [n, 2]."""
    order = np.lexsort((values, jet))
    last = np.flatnonzero(np.append(np.diff(jet[order]) != 0, True)) if len(jet) else np.zeros(0, np.int64)
    out = np.zeros((n, 2))
    out[jet[order[last]]] = position[order[last]]
    return out


def observable(name: str, views: Views, of_particles: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """An observable of every view [n_jets]."""
    return of_particles[name] if name in of_particles else np.asarray(getattr(views, name), dtype=np.float64)
