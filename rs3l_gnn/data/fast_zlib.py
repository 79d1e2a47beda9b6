"""The format of zlib by ISA-L where the package isal is installed: the same content, several times faster than zlib."""

from __future__ import annotations

import sys
import zlib
from contextlib import suppress
from typing import Any

__all__ = ["compress", "read_fast"]

_isal: Any = None
with suppress(ImportError):  # no wheel for this processor, or the light part alone
    from isal import isal_zlib as _isal


def compress(data: Any) -> bytes:
    """Compress at level 1, for any zlib to read.

    Args:
        data: bytes, or what has them in one piece.
    """
    return zlib.compress(data, 1) if _isal is None else bytes(_isal.compress(data, 1))


def read_fast() -> None:
    """Let uproot decompress by isal, for the rest of the process; what it writes is not touched."""
    # Its documented switch, uproot.ZLIB.library, is for writing as well, where ours are other levels and other bytes.
    compression = getattr(sys.modules.get("uproot"), "compression", None)
    reader = getattr(compression, "_decompress_ZLIB", None)
    if _isal is not None and reader is not None:
        reader.library = "isal"
