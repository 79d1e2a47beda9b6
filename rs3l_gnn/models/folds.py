"""The networks of k folds as one tagger: each event has the score of the network that did not see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from rs3l_gnn.conventions import BaseConfig, ConfigError, event_hash
from rs3l_gnn.conventions.seen_events import splits_of

__all__ = ["FoldNetworks", "by_fold", "fold_of", "order_of_folds", "require_alike"]


class FoldNetworks(BaseConfig):
    """Networks of k folds as one tagger."""

    kind: Literal["folds"] = Field(description="folds")
    files: tuple[str, ...] = Field(
        min_length=3, description="checkpoints of trainings with splits: {folds: k, fold: 0}, 1, ..., in any order"
    )


def order_of_folds(networks: Sequence[tuple[str, Sequence[Mapping[str, Any]]]]) -> tuple[int, ...]:
    """Places of some networks by the fold that each leaves out.

    Args:
        networks: name of each and what it says of the events of its trainings, the last of which counts.

    Raises:
        ConfigError: they are not the k networks of k folds.
        CheckpointError: a record is damaged.
    """
    by_fold: dict[int, int] = {}
    for place, (name, records) in enumerate(networks):
        own = [splits_of(record, where=name) for record in records[-1:]]
        if not own or own[0].folds != len(networks):
            raise ConfigError(
                f"{name} was not trained on {len(networks)} folds",
                got="nothing about its events" if not own else f"splits {own[0].model_dump()}",
                hint=f"fine-tune with splits: {{folds: {len(networks)}, fold: 0}} and so on, and name all files",
            )
        if own[0].fold in by_fold:
            other = networks[by_fold[own[0].fold]][0]
            raise ConfigError(f"{other} and {name} both leave fold {own[0].fold} out")
        by_fold[own[0].fold] = place
    return tuple(by_fold[fold] for fold in range(len(networks)))


def require_alike(networks: Sequence[tuple[str, Sequence[str], Sequence[str]]]) -> None:
    """Refuse networks that are not of one kind.

    Args:
        networks: name, classes and features of each.

    Raises:
        ConfigError: names the first that differs.
    """
    first = networks[0]
    for name, *kind in networks:
        if list(map(tuple, kind)) != list(map(tuple, first[1:])):
            raise ConfigError(f"{name} has other classes or inputs than {first[0]}")


def fold_of(sample: str, event: ArrayLike, folds: int) -> NDArray[np.int64]:
    """Fold that each event is in, by its hash as in the training, for events of any sample [n].

    Args:
        sample: of the events.
        event: event numbers [n].
        folds: how many there are.
    """
    return np.floor(event_hash(sample, event) * folds).astype(np.int64)


def by_fold(
    fold: NDArray[np.int64], folds: int, of_network: Callable[[int, NDArray[np.int64]], NDArray[Any]]
) -> NDArray[Any]:
    """What the network of its own fold says of each jet or event.

    Args:
        fold: of each [n].
        folds: how many there are.
        of_network: gives for a fold and some places in ``fold`` what its network says of them [n_places, ...].

    Returns:
        One row each [n, ...].
    """
    places = [np.flatnonzero(fold == number) for number in range(folds)]
    found = [of_network(number, mine) for number, mine in enumerate(places)]
    out = np.empty((len(fold), *found[0].shape[1:]), found[0].dtype)
    for mine, rows in zip(places, found, strict=True):
        out[mine] = rows
    return out
