"""Paths that a user names to be read: files, and nothing that a reader could wait for."""

from __future__ import annotations

from pathlib import Path

from rs3l_gnn.conventions.errors import InputFileError

__all__ = ["require_file"]


def require_file(path: Path | str, *, what: str = "") -> None:
    """Refuse a folder, a pipe, a socket or a device before it is opened: to open or to read one could take for ever.

    A name that is not there, and a URL, pass: whoever opens them has the better message.

    Args:
        path: a path, or a URL as ROOT files have it.
        what: what it should hold, for the message: ``the fileset``.

    Raises:
        InputFileError: it is there and is no file, or its folder may not be looked into.
    """
    local = Path(str(path).removeprefix("file://"))
    name = f"{what} {path}".strip()
    try:
        if not local.exists() or local.is_file():
            return
        kind = "a folder" if local.is_dir() else "a pipe or device, and reading it could wait for ever"
    except OSError as error:
        raise InputFileError(f"cannot read {name}: {error.strerror}") from error
    raise InputFileError(f"cannot read {name}: it is {kind}", hint="give a file")
