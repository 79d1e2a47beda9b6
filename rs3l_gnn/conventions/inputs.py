"""Paths that a user names to be read: files, nothing that a reader could wait for, and errors that name them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from rs3l_gnn.conventions.errors import InputFileError, Rs3lError

__all__ = ["file_states", "one_line", "read_json", "reading", "require_file", "require_unchanged"]

_LONGEST_REASON = 200
"""Characters of what a library says about a file."""


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


def file_states(paths: Iterable[Path | str]) -> dict[str, tuple[int, int, int]]:
    """Number, size and time of change of local files, before they are read; URLs and what is not there are left out."""
    states = {}
    for path in map(str, paths):
        with suppress(OSError):
            found = Path(path.removeprefix("file://")).stat()
            states[path] = (found.st_ino, found.st_size, found.st_mtime_ns)
    return states


def require_unchanged(states: Mapping[str, tuple[int, int, int]]) -> None:
    """Refuse a result of files that are no longer those that were there before: its provenance would name others.

    Args:
        states: of :func:`file_states`, before the files were read.

    Raises:
        InputFileError: a file has changed since, or is gone.
    """
    now = file_states(states)
    changed = [path for path, state in states.items() if now.get(path) != state]
    if changed:
        raise InputFileError(
            f"{', '.join(changed[:3])} changed while it was read",
            got=f"{len(changed)} of {len(states)} files" if len(changed) > 1 else None,
            hint="run again when nothing writes there",
        )


def read_json(path: Path, *, what: str = "") -> Any:
    """The document in a JSON file.

    Args:
        path: the file.
        what: what it should hold, for the message: ``the certified blocks``.

    Raises:
        InputFileError: it cannot be read, or is not JSON.
    """
    require_file(path, what=what)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputFileError(f"cannot read {f'{what} {path}'.strip()}: {error.strerror}") from error
    except RecursionError as error:
        raise InputFileError(f"{path} is no JSON document: it nests too deeply") from error
    except ValueError as error:
        raise InputFileError(f"{path} is no JSON document: {error}") from error


@contextmanager
def reading(
    path: Path | str, sentence: str, *, error: type[Rs3lError] = InputFileError, hint: str | None = None
) -> Iterator[None]:
    """Make one error, which names the file, of whatever a library raises over its content.

    For a few calls that read and nothing else: a damaged file makes the libraries raise anything, from ``struct.error``
    to ``AssertionError``, and a mistake of ours among those calls would be told as one of the file.

    Args:
        path: the file.
        sentence: what is said of it, after its name: ``is a damaged ROOT file``.
        error: of which class.
        hint: the next step.

    Raises:
        Rs3lError: of the class ``error``; errors of ours keep their own, with the name of the file before what they say
            if it lacks.
    """
    try:
        yield
    except Rs3lError as found:
        if str(path) in str(found):
            raise
        raise type(found)(f"{path}: {found}") from found
    except FileNotFoundError as found:
        raise error(f"{path} does not exist") from found
    except MemoryError as found:
        raise error(f"{path} {sentence}: it says that it holds more than there is memory for", hint=hint) from found
    except Exception as found:
        raise error(f"{path} {sentence}: {one_line(found)}", hint=hint) from found


def one_line(error: BaseException) -> str:
    """What an error says, in one line of bounded length, with its class where that says more than the text."""
    text = " ".join(str(error).split())[:_LONGEST_REASON]
    if isinstance(error, LookupError | TypeError | AttributeError):
        return f"{type(error).__name__}: {text}"
    return text or type(error).__name__
