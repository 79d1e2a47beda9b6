"""How exactly frozen networks compute."""

from __future__ import annotations

from typing import Literal, get_args

from rs3l_gnn.conventions.errors import ConfigError

__all__ = ["Precision", "require_precision"]

Precision = Literal["float32", "int16"]
"""``int16``: EdgeConv layers take whole numbers of 16 bits, which is faster and moves scores a little."""


def require_precision(given: object) -> None:
    """Refuse anything else.

    Raises:
        ConfigError: it is not one of :data:`Precision`.
    """
    if given not in get_args(Precision):
        raise ConfigError("unknown precision", got=repr(given), allowed=", ".join(get_args(Precision)))
