"""Outputs that appear whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from rs3l_gnn.conventions.errors import OutputError

__all__ = ["atomic_directory", "atomic_file", "cannot_write", "refuse_existing", "require_place", "write_json"]

_LONGEST_NAME = 220  # bytes; file systems hold 255, and names in the making are longer than the last ones


def refuse_existing(path: Path, *, force: bool) -> None:
    """Stop before any work is done when the output is there already, or cannot be.

    Raises:
        OutputError: ``path`` exists and ``force`` is False, or nothing can be written there.
    """
    require_place(path)
    if path.exists() and not force:
        raise OutputError(f"{path} exists already", hint="choose another output or pass --force to replace it")


def require_place(path: Path) -> None:
    """Stop before any work is done when a file or folder cannot be made at ``path``.

    Raises:
        OutputError: the name is empty, too long or no text, something on the way is a file, or the folder that is to
            hold it may not be written.
    """
    try:
        names = [os.fsencode(name) for name in path.parts]
        longest = max(map(len, names), default=0)
        if longest > _LONGEST_NAME:
            raise OutputError("a name in the output's path is too long", got=f"{longest} bytes", allowed=_LONGEST_NAME)
        if b"\0" in b"".join(names):
            raise OutputError("the output's path has a NUL character", got=repr(str(path)))
        # Of what exists on the way, the last decides.
        above = next(parent for parent in (path.absolute(), *path.absolute().parents)[1:] if os.path.lexists(parent))
        if not above.is_dir():
            raise OutputError(f"cannot write {path}: {above} is no folder", hint="choose another output")
        if not os.access(above, os.W_OK | os.X_OK):
            raise OutputError(f"cannot write {path}: no permission to write in {above}", hint="choose another output")
    except OSError as error:
        raise cannot_write(path, error) from error


@contextmanager
def atomic_file(path: Path | str, *, force: bool = False) -> Iterator[Path]:
    """Give a temporary path beside ``path`` that takes its name when the block ends without an error.

    Raises:
        OutputError: the file exists and ``force`` is False, or it cannot be written (a full disk, no permission).
    """
    path = Path(path)
    refuse_existing(path, force=force)
    partial = path.parent / f".{path.stem}.partial-{os.getpid()}{path.suffix}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        partial.replace(path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


@contextmanager
def atomic_directory(path: Path | str, *, force: bool = False) -> Iterator[Path]:
    """Give a temporary directory beside ``path`` that takes its name when the block ends without an error.

    Raises:
        OutputError: as for :func:`atomic_file`.
    """
    path = Path(path)
    refuse_existing(path, force=force)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{path.name}.partial-", dir=path.parent))
    except OSError as error:
        raise cannot_write(path, error) from error
    try:
        partial.chmod(0o755)
        yield partial
        if path.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{path.name}.old-", dir=path.parent))
            path.replace(old / path.name)
            partial.replace(path)
            shutil.rmtree(old)
        else:
            partial.replace(path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def write_json(path: Path | str, document: Any, *, force: bool = False) -> None:
    """Write a JSON document atomically; NaN and infinity are refused, since JSON has no word for them."""
    text = json.dumps(document, indent=2, allow_nan=False) + "\n"
    with atomic_file(path, force=force) as partial:
        partial.write_text(text, encoding="utf-8")


def cannot_write(path: Path, error: OSError) -> OutputError:
    """The error of ours for one of the operating system."""
    return OutputError(f"cannot write {path}: {error.strerror or error}", hint="nothing was left behind")
