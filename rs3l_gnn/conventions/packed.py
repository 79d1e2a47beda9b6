"""Packed files, opened by what they hold and not by their names."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from rs3l_gnn.conventions.errors import InputFileError
from rs3l_gnn.conventions.inputs import require_file

__all__ = ["LONGEST_LINE", "is_packed", "open_lines", "open_packed"]

LONGEST_LINE = 4 * 2**20
"""Characters of a line of text; a line of ten thousand weights has a tenth, and a packed file can hold any."""

_READ = (("gzip", b"\x1f\x8b"), ("bzip2", b"BZh"), ("xz", b"\xfd7zXZ\x00"))
_XZ_MEMORY = 256 * 2**20
"""Bytes that unpacking may need; ``xz -9`` needs a quarter, and the head of a small file can ask for gigabytes."""


class _Xz(io.RawIOBase):
    """What ``lzma.LZMAFile`` reads, any number of streams, in a memory of bounded size."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw, self._packed = raw, b""
        self._stream: lzma.LZMADecompressor | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while True:
            stream = self._stream or self._next()
            if stream is None:
                return 0
            if stream.needs_input:
                self._packed = self._packed or self._raw.read(io.DEFAULT_BUFFER_SIZE)
                if not self._packed:
                    raise EOFError("it ends within a stream")
            taken, self._packed = (self._packed, b"") if stream.needs_input else (b"", self._packed)
            found = stream.decompress(taken, max_length=len(buffer))
            if stream.eof:
                self._stream, self._packed = None, stream.unused_data
            if found:
                buffer[: len(found)] = found
                return len(found)

    def _next(self) -> lzma.LZMADecompressor | None:
        """The next stream, after zeros that pad; None at the end of the file."""
        while not (packed := self._packed.lstrip(b"\0")):
            self._packed = self._raw.read(io.DEFAULT_BUFFER_SIZE)
            if not self._packed:
                return None
        self._packed = packed
        self._stream = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
        return self._stream


_STREAMS: dict[str, Callable[[BinaryIO], Any]] = {
    "gzip": lambda raw: gzip.GzipFile(fileobj=raw),
    "bzip2": bz2.BZ2File,
    "xz": _Xz,
}
_NOT_READ = (
    ("a zip archive", b"PK\x03\x04", "unzip"),
    ("a 7-zip archive", b"7z\xbc\xaf\x27\x1c", "7z x"),
    ("packed with zstd", b"\x28\xb5\x2f\xfd", "unzstd"),
)
_TAR, _TAR_AT = b"ustar", 257
"""The name that a tar archive has at this place of its first header."""


def is_packed(start: bytes) -> bool:
    """Whether a file that starts so is packed in a way that :func:`open_packed` reads."""
    return any(start.startswith(magic) for _, magic in _READ)


@contextmanager
def open_packed(path: Path) -> Iterator[BinaryIO]:
    """Open a file, unpacked if it is packed with gzip, bzip2 or xz, in any number of members.

    Raises:
        InputFileError: it is no file, cannot be read, is damaged, or is an archive or of a packing that is not read;
            the message names what it is. Damage is found as far as the file is read.
    """
    kind = None
    require_file(path)
    try:
        with path.open("rb") as raw, ExitStack() as stack:
            kind = _kind(path, raw)
            unpacked = raw if kind is None else stack.enter_context(io.BufferedReader(_STREAMS[kind](raw)))
            start = unpacked.peek(_TAR_AT + len(_TAR))
            if start[_TAR_AT:].startswith(_TAR):
                raise InputFileError(f"{path} is a tar archive", hint="unpack it with tar -xf and name the file in it")
            if kind is not None:
                _refuse_unread(path, start, f"holds, packed with {kind},")
                if is_packed(start):
                    raise InputFileError(f"{path} is packed twice", hint=f"unpack it once ({kind})")
            yield unpacked
    except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
        if "limit exceeded" in str(error):
            raise InputFileError(
                f"{path} needs more than {_XZ_MEMORY // 2**20} MB of memory to be unpacked",
                hint="unpack it first: xz -d",
            ) from error
        raise InputFileError(f"{path} is a damaged {kind} file: {error}", hint="copy it again") from error
    except OSError as error:
        if kind is not None and error.errno is None:  # what bz2 raises for broken data
            raise InputFileError(f"{path} is a damaged {kind} file: {error}", hint="copy it again") from error
        raise InputFileError(f"cannot read {path}: {error.strerror or error}") from error


@contextmanager
def open_lines(path: Path) -> Iterator[Iterator[str]]:
    """Lines of a file opened as :func:`open_packed` does, in UTF-8 with a mark in place of bytes that are none.

    Raises:
        InputFileError: as there, or a line is longer than ``LONGEST_LINE``; its number is named.
    """
    with open_packed(path) as stream, io.TextIOWrapper(stream, encoding="utf-8", errors="replace") as text:
        yield _lines(path, text)


def _lines(path: Path, text: TextIO) -> Iterator[str]:
    for number, line in enumerate(iter(partial(text.readline, LONGEST_LINE), ""), start=1):
        if len(line) == LONGEST_LINE:
            raise InputFileError(
                f"{path}, line {number}: a line of {LONGEST_LINE // 2**20} MB or more",
                hint="no generator writes such lines; is it the right file?",
            )
        yield line


def _kind(path: Path, raw: BinaryIO) -> str | None:
    start = raw.read(8)
    raw.seek(0)
    _refuse_unread(path, start, "is")
    return next((name for name, magic in _READ if start.startswith(magic)), None)


def _refuse_unread(path: Path, start: bytes, verb: str) -> None:
    for name, magic, command in _NOT_READ:
        if start.startswith(magic):
            raise InputFileError(
                f"{path} {verb} {name}",
                allowed="plain, gzip, bzip2, xz",
                hint=f"unpack it first: {command} {path.name}",
            )
