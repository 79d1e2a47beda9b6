"""All features there are, by name, and named sets of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

from rs3l_gnn.conventions.errors import ConfigError
from rs3l_gnn.conventions.features.feature import Feature
from rs3l_gnn.conventions.features.paper import FEATURE_NAMES, FEATURES, IMPACT_FEATURES
from rs3l_gnn.conventions.features.tracks import FURTHER_FEATURES
from rs3l_gnn.conventions.registry import Registry

__all__ = [
    "FEATURE_SETS",
    "column_names",
    "columns_of",
    "feature_names",
    "find_feature",
    "known_features",
    "unit_of",
]

_GROUP = "rs3l_gnn.features"
_BUILT_IN = {feature.name: feature for feature in (*FEATURES, *FURTHER_FEATURES)}

FEATURE_SETS: dict[str, tuple[str, ...]] = {
    "paper": FEATURE_NAMES,
    "nano": tuple(name for name in FEATURE_NAMES if name not in IMPACT_FEATURES),
}
"""Sets by name: the 15 of the paper, and the 13 of them that central NanoAOD can give."""


def known_features() -> dict[str, Feature]:
    """All features by name, those of other packages last (entry points of the group ``rs3l_gnn.features``).

    Raises:
        ConfigError: another package brings something else, cannot be imported, or takes a name that is taken.
    """
    found = dict(_registry().parts)
    if clash := sorted(set(found) & set(FEATURE_SETS)):
        raise ConfigError(f"the feature {clash[0]!r} has the name of a set of features", hint="rename the feature")
    return found


def find_feature(name: str) -> Feature:
    """A feature by name; other packages are asked for those that this one does not have.

    Raises:
        ConfigError: there is none; those there are are listed.
    """
    # Every chunk asks for those of the package, so the entry points are not touched for them.
    found = _BUILT_IN.get(name) or known_features().get(name)
    if found is None:
        raise ConfigError(
            f"unknown feature {name!r}",
            allowed=[*known_features(), *(f"the set {one}" for one in FEATURE_SETS)],
        )
    return found


def unit_of(name: str) -> str | None:
    """Unit of a feature; None if there is no such feature."""
    found = _BUILT_IN.get(name) or known_features().get(name)
    return None if found is None else found.unit


def feature_names(chosen: str | Iterable[str]) -> tuple[str, ...]:
    """Names of features in their order, with those of a set in place of its name.

    Args:
        chosen: a feature or a set by name, or several of them.

    Raises:
        ConfigError: an unknown name, a feature named twice, or nothing at all.
    """
    wanted = (chosen,) if isinstance(chosen, str) else tuple(chosen)
    names = [name for one in wanted for name in FEATURE_SETS.get(one, (one,))]
    for name in names:
        find_feature(name)
    if not names or len(set(names)) != len(names):
        twice = ", ".join(dict.fromkeys(name for name in names if names.count(name) > 1))
        raise ConfigError(
            "features must be named once each, and at least one", got=f"{twice} twice" if twice else "none"
        )
    return tuple(names)


def column_names(names: Sequence[str], width: int) -> tuple[str, ...] | None:
    """What the columns of a table are that a network which takes ``names`` is given without further words.

    They are the network's own inputs, or the paper's 15, of which a network of such inputs picks by name.

    Args:
        names: what the network takes.
        width: columns of the table.

    Returns:
        Their names [width]; None if the network cannot take a table of this width.
    """
    if width == len(FEATURE_NAMES) and set(names) <= set(FEATURE_NAMES):
        return FEATURE_NAMES
    return tuple(names) if width == len(names) else None


def columns_of(names: Sequence[str], held: Sequence[str]) -> list[int] | None:
    """Which columns of a table to hand to a network; None for all, which picks its own then.

    Args:
        names: what the network takes.
        held: columns of the table.

    Raises:
        ConfigError: a column is not there.
    """
    names, held = tuple(names), tuple(held)
    if held == FEATURE_NAMES and set(names) <= set(FEATURE_NAMES):
        return None
    wanted = column_names(names, len(names)) or names
    if missing := [name for name in wanted if name not in held]:
        raise ConfigError(f"the inputs lack {', '.join(missing)}", got=", ".join(held))
    return None if wanted == held else [held.index(name) for name in wanted]


@cache
def _registry() -> Registry[Feature]:
    class Features(Registry[Feature]):
        def parts_of_package(self) -> dict[str, Feature]:
            return dict(_BUILT_IN)

    return Features("feature", Feature, package=__package__ or "", group=_GROUP)
