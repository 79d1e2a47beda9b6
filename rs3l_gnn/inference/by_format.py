"""Shipped taggers that share a name, of which the format of the jets decides one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from rs3l_gnn.conventions import FEATURE_SETS, ConfigError, InvalidDataError
from rs3l_gnn.inference.shipped import ShippedNetwork, shipped_networks
from rs3l_gnn.models.stored import shipped_names

__all__ = ["choose_shipped", "features_of_name", "stands_for_several"]

_BY_FORMAT = "default"
"""The name that always stands for several, also where one of them has it."""

Lacking = Callable[[Sequence[str]], Sequence[str]]
"""Those of some features that the jets do not have."""


def stands_for_several(name: str) -> bool:
    """True for a name of shipped taggers that does not say which: ``default``, or ``default-hbb`` for those of all sets
    of features where none has just this name."""
    names = _names(name)
    if not names or (name in names and name != _BY_FORMAT) or Path(name).exists():
        return False
    return bool(_members(name))


def features_of_name(name: str) -> tuple[str, ...]:
    """Features of all taggers that a name stands for, each once."""
    return tuple(dict.fromkeys(feature for network in _members(name) for feature in network.features))


def choose_shipped(name: str, lacking: Lacking, *, where: str) -> str:
    """The tagger to use for jets of some format.

    Of those that the jets can feed, the one with the most classes, and of these the one that takes the most features.

    Args:
        name: for which :func:`stands_for_several` holds.
        lacking: says which features the jets do not have.
        where: the jets come from, for messages.

    Raises:
        InvalidDataError: none can be fed.
        ConfigError: several can, and none is better.
    """
    members = _members(name)
    fed = [network for network in members if not lacking(network.features)]
    if not fed:
        least = min((tuple(lacking(network.features)) for network in members), key=len)
        raise InvalidDataError(
            f"no shipped tagger called {name} can be fed by {where}, which lacks {', '.join(least)}",
            got=", ".join(network.name for network in members),
            hint="train one with the features that are there, such as features: nano",
        )
    best = max(_rank(network) for network in fed)
    first = [network.name for network in fed if _rank(network) == best]
    if len(first) > 1:
        raise ConfigError(f"{name} stands for several taggers that {where} can feed", allowed=first, hint="name one")
    return first[0]


def _rank(network: ShippedNetwork) -> tuple[int, int]:
    return len(network.classes), len(network.features)


def _members(name: str) -> list[ShippedNetwork]:
    """Taggers of the name, whatever set of features stands in theirs; and those whose names go on behind it."""
    names = _names(name)
    return [network for network in shipped_networks() if network.name in names and network.kind == "tagger"]


def _names(name: str) -> list[str]:
    return [one for one in shipped_names() if f"{_without_set(one)}-".startswith(f"{name}-")]


def _without_set(name: str) -> str:
    """``default-nano-hbb`` and ``default-hbb-nano`` are both ``default-hbb``."""
    return "-".join(part for part in name.split("-") if part not in FEATURE_SETS)
