"""What the directions of the embeddings look like: principal components, and cosine similarities of jet types."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import jettype_names
from rs3l_gnn.evaluation.results import LatentSpace
from rs3l_gnn.evaluation.scoring import ScoredViews

__all__ = ["cosine_similarities", "directions", "measure_latent", "principal_components"]

_FEWEST = 10


def directions(embedding: NDArray[np.floating]) -> NDArray[np.float64]:
    """Embeddings of length one [n, dim]; heads see nothing else. A vector of zeros stays one."""
    wide = np.asarray(embedding, dtype=np.float64)
    return np.asarray(wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-12))


def principal_components(
    unit: NDArray[np.float64], n_components: int, weights: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.float64], list[float]]:
    """Coordinates along the directions of largest variance, and the share of the variance of each.

    The sign of a component is chosen such that its third moment is positive.

    Args:
        unit: directions [n, dim].
        n_components: how many; at most dim.
        weights: of the jets; those that are negative do not count, since a variance cannot be. None counts every jet
            once [n].

    Returns:
        Coordinates [n, n_components] and shares.
    """
    counted = np.ones((len(unit), 1)) if weights is None else np.maximum(weights, 0.0)[:, None]
    centred = unit - (unit * counted).sum(axis=0) / counted.sum()
    _, values, axes = np.linalg.svd(centred * np.sqrt(counted), full_matrices=False)
    coordinates = centred @ axes[:n_components].T
    skew = np.sum(coordinates**3 * counted, axis=0)
    total = max(float(np.sum(values**2)), 1e-300)
    return coordinates * np.where(skew < 0, -1.0, 1.0), (values[:n_components] ** 2 / total).tolist()


def cosine_similarities(
    unit: NDArray[np.float64], groups: list[NDArray[np.bool_]], weights: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Mean cosine of the angle between a jet of one group and another jet of another (or the same) group.

    Args:
        unit: directions [n, dim].
        groups: members of each [n_groups][n]; at least two members each.
        weights: of the jets, a pair counts by their product; None counts every pair once [n].

    Returns:
        Means over all pairs of different jets [n_groups, n_groups].
    """
    counted = np.ones(len(unit)) if weights is None else weights
    sums = np.stack([(unit * counted[:, None])[members].sum(axis=0) for members in groups])
    counts = np.array([counted[members].sum() for members in groups])
    pairs = np.outer(counts, counts)
    products = sums @ sums.T
    # A jet is not compared with itself.
    itself = np.array([float(np.sum((unit * counted[:, None])[members] ** 2)) for members in groups])
    products[np.diag_indices(len(groups))] -= itself
    pairs[np.diag_indices(len(groups))] -= np.array([np.sum(counted[members] ** 2) for members in groups])
    return np.asarray(products / pairs)


def measure_latent(scored: ScoredViews) -> dict[str, LatentSpace]:
    """Shares of the variance and cosine similarities of each embedding; types with few jets are left out."""
    jettype = scored.views.jettype[scored.nominal]
    names = jettype_names(scored.views.labels)
    members = {name: np.asarray(jettype == number) for number, name in names.items()}
    members = {name: found for name, found in members.items() if found.sum() >= _FEWEST}
    out = {}
    for name, embedding in scored.embeddings.items():
        unit = directions(embedding)
        weights = scored.nominal_weights
        similar = cosine_similarities(unit, list(members.values()), weights) if members else np.zeros((0, 0))
        out[name] = LatentSpace(
            variance_shares=tuple(principal_components(unit, unit.shape[1], weights)[1]),
            jet_types={kind: int(found.sum()) for kind, found in members.items()},
            cosine_similarity=tuple(map(tuple, similar.tolist())),
        )
    return out
