"""Targets and weights of jets for fine-tuning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import ConfigError, JetLabel, TrainingError, jettype_numbers
from rs3l_gnn.training.config import TargetConfig

__all__ = ["class_weights", "flat_weights", "jet_targets"]

_LARGEST_FLAT_WEIGHT = 20.0


def jet_targets(
    jettype: NDArray[np.integer], targets: TargetConfig, labels: Sequence[JetLabel] = ()
) -> NDArray[np.int64]:
    """Class of each jet, -1 for jets of no class [n_jets].

    Args:
        jettype: number of the label of each jet [n_jets].
        targets: the classes.
        labels: those of the user's own that the jets may have.

    Raises:
        ConfigError: an unknown label, or one that two classes share.
    """
    out = np.full(len(jettype), -1, dtype=np.int64)
    seen: dict[int, str] = {}
    for number, (name, types) in enumerate(targets.groups().items()):
        wanted = jettype_numbers(types, labels, where=f"class {name!r}")
        if shared := wanted & set(seen):
            raise ConfigError(
                f"the classes {seen[min(shared)]!r} and {name!r} have jets in common", got=", ".join(types)
            )
        seen |= dict.fromkeys(wanted, name)
        out[np.isin(jettype, list(wanted))] = number
    return out


def class_weights(
    target: NDArray[np.integer], n_classes: int, weights: NDArray[np.floating] | None = None
) -> NDArray[np.float64]:
    """Factor of each class that gives all classes the same sum and keeps the sum of all [n_classes].

    Args:
        target: class of each jet, negative for none [n_jets].
        n_classes: number of classes.
        weights: of the jets, not negative; None counts every jet once [n_jets].

    Raises:
        TrainingError: a class without jets, or without weight.
    """
    mine = target >= 0
    counts = np.bincount(target[mine], minlength=n_classes)
    if (counts == 0).any():
        raise TrainingError(
            f"class {int(np.argmin(counts))} has no jet to train on", got=f"{counts.tolist()} jets in the classes"
        )
    sums = counts if weights is None else np.bincount(target[mine], weights=weights[mine], minlength=n_classes)
    if not (sums > 0).all():
        raise TrainingError(
            f"the jets of class {int(np.argmin(sums))} have no weight", got=f"sums of weights {sums.tolist()}"
        )
    return np.asarray(sums.sum() / (n_classes * sums))


def flat_weights(
    target: NDArray[np.integer],
    columns: Mapping[str, NDArray[np.floating]],
    edges: Mapping[str, Sequence[float]],
    weights: NDArray[np.floating] | None = None,
) -> NDArray[np.float64]:
    """Factors that make every class flat in bins of jet variables.

    The filled bins of a class get the same sum, and the class keeps its own. No weight exceeds 20 before that, so that
    a few jets in a tail cannot rule the loss. Jets outside the bins count to the nearest one.

    Args:
        target: class of each jet [n_jets]; negative for none, which get weight 1.
        columns: values of each variable [n_jets].
        edges: rising bin edges of each variable.
        weights: of the jets, not negative; None counts every jet once [n_jets].

    Returns:
        Factors [n_jets] that leave the sum of the weights of each class as it is: of mean 1 where they are equal.

    Raises:
        ConfigError: edges that do not rise, or fewer than two.
    """
    factors = np.ones(len(target))
    if not edges:
        return factors
    own = np.ones(len(target)) if weights is None else weights
    cell = np.zeros(len(target), dtype=np.int64)
    for name, cuts in edges.items():
        if len(cuts) < 2 or (np.diff(cuts) <= 0).any():
            raise ConfigError(f"the bin edges of {name!r} must rise", got=list(cuts))
        inner = np.asarray(cuts[1:-1], dtype=np.float64)
        cell = cell * (len(cuts) - 1) + np.searchsorted(inner, columns[name], side="right")
    for number in np.unique(target[target >= 0]):
        mine = target == number
        sums = np.bincount(cell[mine], weights=own[mine])
        here = sums[cell[mine]]
        flat = np.divide(own[mine].sum(), np.count_nonzero(sums) * here, out=np.ones(len(here)), where=here > 0)
        flat = np.minimum(flat, _LARGEST_FLAT_WEIGHT)
        factors[mine] = flat / (np.sum(flat * own[mine]) / max(own[mine].sum(), 1e-300))
    return factors
