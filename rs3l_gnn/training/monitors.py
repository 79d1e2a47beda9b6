"""Numbers that tell a useful embedding from a collapsed one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["alignment", "area_under_roc", "effective_rank", "linear_probe_auc", "uniformity"]


def alignment(z: NDArray[np.floating], n_views: int = 2, weights: NDArray[np.floating] | None = None) -> float:
    """Mean squared distance of two views of an event on the unit sphere, eq. (4) of arXiv:2005.10242 with alpha = 2.

    Args:
        z: embeddings [n_events * n_views, dim], the views of an event side by side; only the first two are compared.
        n_views: views of each event.
        weights: of the events; None counts every event once [n_events].

    Returns:
        0 for equal views, 2 for independent ones.
    """
    unit = _unit(z)
    squared = np.sum((unit[::n_views] - unit[1::n_views]) ** 2, axis=1)
    return float(np.average(squared, weights=weights))


def uniformity(z: NDArray[np.floating]) -> float:
    """Logarithm of the mean Gaussian potential of all pairs, eq. (5) of arXiv:2005.10242 with t = 2.

    Args:
        z: embeddings [n, dim], n >= 2; at most 2,000 of them, evenly picked, are used.

    Returns:
        0 if all points are the same, the more negative the more evenly they cover the sphere.
    """
    unit = _unit(z[:: max(1, -(-len(z) // 2000))])
    squared = np.maximum(2 - 2 * unit @ unit.T, 0.0)
    return float(np.log(np.mean(np.exp(-2 * squared[np.triu_indices(len(unit), k=1)]))))


def effective_rank(z: NDArray[np.floating]) -> float:
    """Exponential of the entropy of the singular values (Roy and Vetterli, EUSIPCO 2007) of the centred directions.

    Args:
        z: embeddings [n, dim].

    Returns:
        Between 1 (all directions on a line) and dim; 0 if all directions are equal.
    """
    unit = _unit(z)
    values = np.linalg.svd(unit - unit.mean(axis=0), compute_uv=False)
    if values.sum() < 1e-6 * len(unit) ** 0.5:
        return 0.0
    share = values / values.sum()
    share = share[share > 0]
    return float(np.exp(-np.sum(share * np.log(share))))


def linear_probe_auc(
    z: NDArray[np.floating],
    target: NDArray[np.integer],
    ridge: float = 1e-3,
    weights: NDArray[np.floating] | None = None,
) -> float | None:
    """AUC of a linear classifier on the directions, by two-fold cross-validation.

    The classifier is a ridge regression on +1 and -1, which has a closed form: no seed and no convergence to watch.

    Args:
        z: embeddings [n, dim].
        target: 1 for signal, 0 for background, -1 for jets to leave out [n].
        ridge: regularisation relative to the number of jets.
        weights: of the jets; None counts every jet once. The classifier leaves out jets of negative weight, the area
            does not [n].

    Returns:
        None if a fold lacks a class, or its weights have no positive sum.
    """
    unit, label = _unit(z[target >= 0]), target[target >= 0]
    counted = np.ones(len(label)) if weights is None else weights[target >= 0].astype(np.float64)
    inputs = np.concatenate([unit, np.ones((len(unit), 1))], axis=1)
    fold = np.arange(len(label)) % 2
    areas = []
    for test in (0, 1):
        a, y = inputs[fold != test], 2.0 * label[fold != test] - 1
        if len(np.unique(y)) < 2 or len(np.unique(label[fold == test])) < 2:
            return None
        size = np.sqrt(np.maximum(counted[fold != test], 0.0))
        a, y = a * size[:, None], y * size
        axis = np.linalg.solve(a.T @ a + ridge * np.sum(size**2) * np.eye(a.shape[1]), a.T @ y)
        area = area_under_roc(inputs[fold == test] @ axis, label[fold == test], counted[fold == test])
        if area is None:
            return None
        areas.append(area)
    return float(np.mean(areas))


def area_under_roc(
    score: NDArray[np.floating], target: NDArray[np.integer], weights: NDArray[np.floating] | None = None
) -> float | None:
    """Probability that a signal jet scores higher than a background jet, ties counting half (Mann-Whitney).

    Args:
        score: the higher the more signal-like [n].
        target: 1 for signal, 0 for background [n].
        weights: of the jets, a pair counts by their product; None counts every pair once [n].

    Returns:
        None if the weights of a class, or the class, have no positive sum.
    """
    counted = np.ones(len(score)) if weights is None else weights.astype(np.float64)
    signal, background = target == 1, target != 1
    total = float(counted[signal].sum()) * float(counted[background].sum())
    if not (counted[signal].sum() > 0 and counted[background].sum() > 0):
        return None
    order = np.argsort(score[background], kind="stable")
    rising = score[background][order]
    before = np.concatenate([[0.0], np.cumsum(counted[background][order])])
    left, right = (np.searchsorted(rising, score[signal], side=side) for side in ("left", "right"))
    twice = before[left] + before[right]
    return float(np.sum(counted[signal] * twice) / 2 / total)


def _unit(z: NDArray[np.floating]) -> NDArray[np.float64]:
    wide = np.asarray(z, dtype=np.float64)
    return np.asarray(wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-12))
