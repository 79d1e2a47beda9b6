"""How much a file may turn out to hold: packed, sparse and repeated content can be a million times its size."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rs3l_gnn.conventions.errors import InputFileError
from rs3l_gnn.conventions.inputs import require_file

__all__ = ["bound_baskets", "open_arrays", "require_bounded"]

_FREE = 64 * 2**20
_RATIO = 20
"""Real files of jets are packed two to five times; columns of equal values more, but never all columns."""

_BASKET_FREE = 256 * 2**20
_BASKET_RATIO = 1000
"""zlib packs equal bytes a thousandfold, others up to a hundred thousandfold; real baskets have some megabytes."""


def require_bounded(path: Path | str, bytes_unpacked: int) -> None:
    """Refuse to unpack more than 64 MB and 20 times the size of a local file.

    Raises:
        InputFileError: the file says that it holds more.
    """
    size = Path(path).stat().st_size
    if bytes_unpacked > _FREE + _RATIO * size:
        raise InputFileError(
            f"{path} would take {bytes_unpacked / 2**20:.0f} MB of memory",
            got=f"a file of {size / 2**20:.3g} MB",
            allowed=f"{_FREE // 2**20} MB and {_RATIO} times its size",
            hint="it is damaged, or made to fill the memory",
        )


@contextmanager
def open_arrays(path: Path) -> Iterator[Any]:
    """An ``.npz`` file by NumPy, nothing of which runs and which does not unpack to more than it may.

    Raises:
        InputFileError: it is no file, or says that it holds too much.
        Exception: whatever a damaged file raises; see :func:`~rs3l_gnn.conventions.inputs.reading`.
    """
    import numpy as np

    require_file(path)
    with zipfile.ZipFile(path) as archive:
        require_bounded(path, sum(member.file_size for member in archive.infolist()))
    with np.load(path, allow_pickle=False) as arrays:
        yield arrays


def bound_baskets() -> None:
    """Let no ROOT file of this process unpack a basket to more than 256 MB and 1000 times its size in the file.

    By a hook of uproot that holds for whoever opens a file, such as the events of coffea; an
    :class:`~rs3l_gnn.conventions.InputFileError` names the file.
    """
    from uproot.compression import decompress

    decompress.hook_before_block = _before_block


def _before_block(*, chunk: Any, compressed_bytes: int, uncompressed_bytes: int, **_: Any) -> None:
    if uncompressed_bytes > _BASKET_FREE + _BASKET_RATIO * compressed_bytes:
        raise InputFileError(
            f"{chunk.source.file_path}: a basket would take {uncompressed_bytes / 2**20:.3g} MB of memory",
            got=f"{compressed_bytes} bytes in the file",
            allowed=f"{_BASKET_FREE // 2**20} MB and {_BASKET_RATIO} times that",
            hint="it is damaged, or made to fill the memory",
        )
