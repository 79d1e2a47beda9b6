"""The setting ``features:`` wherever a configuration has one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BeforeValidator

from rs3l_gnn.conventions.errors import ConfigError
from rs3l_gnn.conventions.features import feature_names

__all__ = ["FeatureNames"]


def _expanded(value: Any) -> Any:
    """Names with sets written out; what is no name is left to the type, which refuses it."""
    named = isinstance(value, str) or (isinstance(value, Iterable) and all(isinstance(one, str) for one in value))
    if not named or isinstance(value, dict):
        return value
    try:
        return feature_names(value)
    except ConfigError as error:
        raise ValueError(str(error)) from error


FeatureNames = Annotated[tuple[str, ...], BeforeValidator(_expanded)]
"""Features in their order, each once: YAML has a list of features and of sets (``paper``, ``nano``), or one of them."""
