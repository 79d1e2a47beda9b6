"""Outputs that appear whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rs3l_gnn.conventions.errors import OutputError

__all__ = ["atomic_directory", "atomic_file", "refuse_existing", "write_json"]


def refuse_existing(path: Path, *, force: bool) -> None:
    """Stop before any work is done when the output is there already.

    Raises:
        OutputError: ``path`` exists and ``force`` is False.
    """
    if path.exists() and not force:
        raise OutputError(f"{path} exists already", hint="choose another output or pass --force to replace it")


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
        raise _cannot_write(path, error) from error
    finally:
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
        raise _cannot_write(path, error) from error
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
        raise _cannot_write(path, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def write_json(path: Path | str, document: Any, *, force: bool = False) -> None:
    """Write a JSON document atomically; NaN and infinity are refused, since JSON has no word for them."""
    text = json.dumps(document, indent=2, allow_nan=False) + "\n"
    with atomic_file(path, force=force) as partial:
        partial.write_text(text, encoding="utf-8")


def _cannot_write(path: Path, error: OSError) -> OutputError:
    return OutputError(f"cannot write {path}: {error.strerror or error}", hint="nothing was left behind")
