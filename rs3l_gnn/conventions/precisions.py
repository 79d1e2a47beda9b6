"""How exactly frozen networks compute."""

from __future__ import annotations

from typing import Literal, get_args

from rs3l_gnn.conventions.errors import ConfigError

__all__ = ["Precision", "require_exact", "require_precision"]

Precision = Literal["float32", "int16"]
"""``int16``: EdgeConv layers take whole numbers of 16 bits, which is faster and moves scores a little."""


def require_precision(given: object) -> None:
    """Refuse anything else.

    Raises:
        ConfigError: it is not one of :data:`Precision`.
    """
    if given not in get_args(Precision):
        raise ConfigError("unknown precision", got=repr(given), allowed=", ".join(get_args(Precision)))


def require_exact(precision: Precision, *, network: str, hint: str = "leave it out") -> None:
    """Refuse what is faster, for a network that has no such kernels.

    Args:
        precision: as asked for.
        network: name, and the device where that is the reason.
        hint: the way out.

    Raises:
        ConfigError: it is not float32.
    """
    if precision != "float32":
        raise ConfigError(
            f"precision {precision} is for EdgeConv networks in own checkpoints on the CPU", got=network, hint=hint
        )
