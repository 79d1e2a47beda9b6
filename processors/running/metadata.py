"""What the metadata of a data set say about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rs3l_gnn.conventions import ConfigError

__all__ = ["flag", "is_simulation"]

_WORDS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def flag(metadata: Mapping[str, Any], name: str, *, default: bool) -> bool:
    """A flag of a data set's metadata; some frameworks write it as a string.

    Raises:
        ConfigError: a string that is neither yes nor no; data taken for simulation would get its weights.
    """
    value = metadata.get(name)
    if not isinstance(value, str):
        return default if value is None else bool(value)
    try:
        return _WORDS[value.strip().lower()]
    except KeyError:
        raise ConfigError(f"the metadata's {name} is neither true nor false", got=repr(value)) from None


def is_simulation(metadata: Mapping[str, Any]) -> bool:
    """False for data, which have no generator weights, no corrections, no variations, and were never trained on."""
    return flag(metadata, "isMC", default=True)
