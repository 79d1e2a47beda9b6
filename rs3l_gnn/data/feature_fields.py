"""Which features a format and a file can give, and what is read for them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rs3l_gnn.conventions import (
    FEATURE_NAMES,
    IMPACT_FEATURES,
    MissingBranchError,
    feature_names,
    find_feature,
    known_features,
)
from rs3l_gnn.data.event_format import EventFormat

__all__ = ["further_fields", "lacking_features", "require_features"]

_IMPACT = find_feature(IMPACT_FEATURES[0]).fields
"""Fields that a format says it has by ``candidate_fields``."""


def further_fields(features: Sequence[str]) -> tuple[str, ...]:
    """Fields of the candidates that features need and that a format does not read anyway.

    Raises:
        ConfigError: an unknown feature.
    """
    fields = (field for name in features for field in find_feature(name).fields if field not in _IMPACT)
    return tuple(dict.fromkeys(fields))


def lacking_features(form: EventFormat, features: Sequence[str], fields: Collection[str]) -> tuple[str, ...]:
    """Those of ``features`` that candidates of a format cannot give.

    Args:
        form: the format.
        features: by name.
        fields: that the candidates of a file hold.

    Raises:
        ConfigError: an unknown feature.
    """
    if form.holds_features:
        return tuple(name for name in features if name not in FEATURE_NAMES)
    held = _held(form, fields)
    return tuple(name for name in features if not set(find_feature(name).fields) <= held)


def _held(form: EventFormat, fields: Collection[str]) -> set[str]:
    # Impact parameters that a format does not read are no help, whatever lies in the file.
    return {*form.candidate_fields, *(field for field in fields if field not in _IMPACT)}


def require_features(form: EventFormat, features: Sequence[str], fields: Collection[str], *, where: str) -> None:
    """Refuse features that are asked for and cannot be given; arguments as for :func:`lacking_features`.

    Raises:
        ConfigError: an unknown feature, or one that is named twice.
        MissingBranchError: names the features, the fields they need, and the features that can be given.
    """
    feature_names(features)
    lacking = lacking_features(form, features, fields)
    if not lacking:
        return
    needed = dict.fromkeys(field for name in lacking for field in find_feature(name).fields)
    absent = [] if form.holds_features else [field for field in needed if field not in _held(form, fields)]
    told = f": its candidates have no {', '.join(absent)}" if absent else ""
    impossible = lacking_features(form, list(known_features()), fields)
    possible = [name for name in known_features() if name not in impossible]
    raise MissingBranchError(
        f"{where} ({form.title}) cannot give {', '.join(lacking)}{told}",
        allowed=possible,
        hint="leave them out of features",
    )
