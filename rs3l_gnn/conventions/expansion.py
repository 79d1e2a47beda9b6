"""How much a file may turn out to hold: packed, sparse and repeated content can be a million times its size."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rs3l_gnn.conventions.errors import InputFileError
from rs3l_gnn.conventions.inputs import require_file

__all__ = ["open_arrays", "require_bounded"]

_FREE = 64 * 2**20
_RATIO = 20
"""Real files of jets are packed two to five times; columns of equal values more, but never all columns."""


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
