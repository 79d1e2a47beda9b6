"""Downloads over HTTP that survive lost connections: what has arrived is not asked for again (RFC 9110, section 14)."""

from __future__ import annotations

import hashlib
import http.client
import logging
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rs3l_gnn.conventions import DownloadError, OutputError
from rs3l_gnn.conventions.processes import GOES_ON

__all__ = ["Patience", "continue_file", "new_md5", "read_text"]

_log = logging.getLogger("rs3l_gnn")
_BLOCK = 1 << 16
_LONGEST_WAIT = 300.0
_COME_BACK = (408, 425, 429)  # of the answers 4xx, those that another try may change
_RANGE = re.compile(r"bytes (\d+)-")
_NETWORK_ERRORS = (OSError, http.client.HTTPException)


@dataclass(frozen=True)
class Patience:
    """When to give up.

    Attributes:
        attempts: tries in a row that bring nothing.
        wait: seconds before the second try; doubled after each further one.
        timeout: seconds that the server may stay silent.
    """

    attempts: int = 5
    wait: float = 2.0
    timeout: float = 60.0


def new_md5() -> Any:
    """The sum that archives publish; it guards against damage, not against malice."""
    return hashlib.md5(usedforsecurity=False)


def read_text(url: str, patience: Patience) -> str:
    """A short document.

    Raises:
        DownloadError: the server refuses it, or fails again and again.
    """
    tries = _Tries(url, patience)
    while True:
        try:
            with _open(url, patience) as answer:
                text: str = answer.read().decode("utf-8", errors="replace")
                return text
        except _NETWORK_ERRORS as error:
            tries.failed(error)


def continue_file(
    url: str, stream: Any, size: int, patience: Patience, *, arrived: Callable[[int], None]
) -> tuple[int, str]:
    """Fetch what a file lacks.

    Args:
        url: where the whole file is.
        stream: unbuffered file, readable and writable; what it holds is taken as the beginning.
        size: bytes that the whole file should have; no more than one block beyond is fetched.
        patience: when to give up.
        arrived: is told the number of bytes whenever some have come.

    Returns:
        The length of the file in bytes and its MD5 sum in hexadecimal; both may differ from what was expected.

    Raises:
        DownloadError: the server refuses the file, or fails again and again; what has come stays in the file.
        OutputError: the disk is full; what has come stays in the file.
    """
    copy = _Copy(stream)
    tries = _Tries(url, patience)
    furthest = copy.length  # a server may begin again and again
    while copy.length < size:
        try:
            _transfer(url, copy, size, patience, arrived)
            if copy.length < size:
                raise ConnectionError(f"the connection ended after {copy.length} of {size} bytes")
        except _NETWORK_ERRORS as error:
            tries.failed(error, progress=copy.length > furthest)
            furthest = max(furthest, copy.length)
    return copy.length, copy.digest.hexdigest()


class _Copy:
    """A file while it grows, with its length and its digest."""

    def __init__(self, stream: Any) -> None:
        self.stream, self.digest, self.length = stream, new_md5(), 0
        stream.seek(0)
        while block := stream.read(_BLOCK):
            self.digest.update(block)
            self.length += len(block)

    def clear(self) -> None:
        self.stream.seek(0)
        self.stream.truncate()
        self.digest, self.length = new_md5(), 0

    def append(self, block: bytes) -> None:
        left = memoryview(block)
        while left:
            try:
                written = self.stream.write(left)  # a disk that is nearly full takes a part
            except OSError as error:
                raise OutputError(
                    f"cannot write {self.stream.name}: {error.strerror}",
                    hint=f"make room and {GOES_ON}",
                ) from error
            self.digest.update(left[:written])
            self.length += written
            left = left[written:]


def _transfer(url: str, copy: _Copy, size: int, patience: Patience, arrived: Callable[[int], None]) -> None:
    """One connection, until it ends."""
    try:
        answer = _open(url, patience, first=copy.length)
    except urllib.error.HTTPError as error:
        if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            copy.clear()  # the file there is shorter than what is here
        raise
    with answer:
        begins = _RANGE.match(answer.headers.get("Content-Range", ""))
        if copy.length and (answer.status != http.client.PARTIAL_CONTENT or begins is None):
            _log.info("%s: the server cannot go on in the middle, once more from the start", url)
            copy.clear()
        elif begins is not None and int(begins[1]) != copy.length:
            raise http.client.HTTPException(f"asked for bytes from {copy.length} on, got them from {begins[1]} on")
        while copy.length <= size and (block := answer.read1(_BLOCK)):
            copy.append(block)
            arrived(len(block))


def _open(url: str, patience: Patience, *, first: int = 0) -> Any:
    headers = {"User-Agent": "rs3l_gnn", "Accept-Encoding": "identity"}
    if first:
        headers["Range"] = f"bytes={first}-"
    request = urllib.request.Request(url, headers=headers)  # noqa: S310  # callers take http and https only
    return urllib.request.urlopen(request, timeout=patience.timeout)  # noqa: S310  # as above


class _Tries:
    """Counts the tries of one address and waits between them."""

    def __init__(self, url: str, patience: Patience) -> None:
        self._url, self._patience, self._in_vain = url, patience, 0

    def failed(self, error: Exception, *, progress: bool = False) -> None:
        """Wait for the next try, or raise where there is none."""
        what = str(getattr(error, "reason", error)) or type(error).__name__
        wait = 0.0
        if isinstance(error, urllib.error.HTTPError):
            what = f"HTTP status {error.code} ({error.reason})"
            asked = error.headers.get("Retry-After", "")
            error.close()
            final = error.code < http.client.INTERNAL_SERVER_ERROR and error.code not in _COME_BACK
            if final and error.code != http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
                raise DownloadError(f"{self._url} cannot be fetched", got=what) from error
            wait = float(asked) if asked.isdigit() else 0.0
        self._in_vain = 0 if progress else self._in_vain + 1
        if self._in_vain >= self._patience.attempts:
            raise DownloadError(
                f"{self._url} cannot be fetched after {self._in_vain} tries",
                got=what,
                hint="run the same command again later",
            ) from error
        wait = min(max(wait, self._patience.wait * 2.0 ** max(self._in_vain - 1, 0)), _LONGEST_WAIT)
        _log.info("%s: %s; next try in %.0f s", self._url, what, wait)
        time.sleep(wait)
