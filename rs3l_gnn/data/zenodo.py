"""The files of a Zenodo record, such as the public RS3L data set: listed, fetched, checked.

A file grows as ``.<name>.part`` and takes its name when its size and MD5 sum are those of the record.
"""

from __future__ import annotations

import fcntl
import fnmatch
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from rs3l_gnn.conventions import (
    BaseConfig,
    ConfigError,
    DownloadError,
    OutputError,
    Progress,
    progress,
    provenance,
    write_json,
)
from rs3l_gnn.data.download import Patience, continue_file, new_md5, read_text

__all__ = ["PUBLIC_RECORD", "FetchConfig", "FetchReport", "RemoteFile", "fetch", "list_record"]

PUBLIC_RECORD = 10633815
"""Zenodo record of the data set of arXiv:2403.07066."""

_log = logging.getLogger("rs3l_gnn")
_MB = 1_000_000


class FetchConfig(BaseConfig):
    """Settings of :func:`fetch`."""

    record: int = Field(default=PUBLIC_RECORD, gt=0, description="number of the Zenodo record")
    files: tuple[str, ...] = Field(default=("*",), min_length=1, description="names, or patterns such as *.h5")
    url: str = Field(
        default="https://zenodo.org/api",
        pattern=r"^https?://",
        description="address of the interface, to use a mirror or another archive of that kind",
    )
    attempts: int = Field(default=5, ge=1, description="tries in a row that may bring nothing before giving up")
    wait: float = Field(default=2.0, ge=0, description="seconds before the second try; doubled after each further one")
    timeout: float = Field(default=60.0, gt=0, description="seconds that the server may stay silent")

    @property
    def patience(self) -> Patience:
        """The last three settings."""
        return Patience(self.attempts, self.wait, self.timeout)


@dataclass(frozen=True)
class RemoteFile:
    """One file of a record: its size in bytes, its MD5 sum in hexadecimal, its address."""

    name: str
    size: int
    md5: str
    url: str


@dataclass(frozen=True)
class FetchReport:
    """What :func:`fetch` did: all selected files, those that were there already, and the bytes received."""

    files: tuple[RemoteFile, ...]
    kept: tuple[str, ...]
    received: int


def list_record(config: FetchConfig) -> tuple[RemoteFile, ...]:
    """Files of the record that the patterns select, by name.

    Raises:
        ConfigError: a pattern selects nothing.
        DownloadError: the server does not answer, has no such record, or describes it in another form.
    """
    where = f"{config.url.rstrip('/')}/records/{config.record}"
    files = sorted(_parse(where, read_text(where, config.patience)), key=lambda file: file.name)
    chosen: set[RemoteFile] = set()
    for pattern in config.files:
        found = {file for file in files if fnmatch.fnmatchcase(file.name, pattern)}
        if not found:
            raise ConfigError(
                f"no file of record {config.record} is called {pattern!r}", allowed=[file.name for file in files]
            )
        chosen |= found
    return tuple(file for file in files if file in chosen)


def fetch(config: FetchConfig, output: Path | str, *, force: bool = False) -> FetchReport:
    """Fetch the selected files of a record.

    A file that is there with the right MD5 sum is kept; one that was fetched in part goes on where it stopped, in this
    call and in later ones. ``fetch.json`` in ``output`` holds names, sizes, sums, configuration and provenance.

    Args:
        config: record and files.
        output: directory.
        force: replace files that are there and differ.

    Raises:
        ConfigError: a pattern selects nothing.
        DownloadError: the server fails again and again, has no such file, or gives other bytes than the record says.
        OutputError: a file with other content is there and ``force`` is False, the disk has no room, or another
            process fetches the same file.
    """
    output = Path(output)
    files = list_record(config)
    kept = tuple(file.name for file in files if _is_there(file, output, force=force))
    wanted = [file for file in files if file.name not in kept]
    missing = _make_room(wanted, output)
    with progress("fetch", -(-missing // _MB), "MB") as bar:
        counter = _Counter(bar)
        for file in wanted:
            _fetch_one(config, file, output, counter)
    write_json(
        output / "fetch.json",
        {
            "format": "rs3l-fetch",
            "version": 1,
            "record": config.record,
            "files": [asdict(file) for file in files],
            "config": config.model_dump(mode="json"),
            "provenance": provenance(config=config),
        },
        force=True,
    )
    return FetchReport(files=files, kept=kept, received=counter.total)


def _parse(where: str, text: str) -> Iterator[RemoteFile]:
    try:
        found = [
            (str(entry["key"]), int(entry["size"]), str(entry["checksum"]), str(entry["links"]["self"]))
            for entry in json.loads(text)["files"]
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise DownloadError(f"{where} does not describe files as Zenodo does", got=repr(text[:80])) from error
    if not found:
        raise DownloadError(f"{where} has no public files")
    for name, size, checksum, url in found:
        kind, _, md5 = checksum.partition(":")
        # A name comes from outside and must not lead out of the directory, nor meet our own hidden files.
        if name != Path(name).name or name.startswith("."):
            raise DownloadError(f"{where} has a file with a name that cannot be used here", got=repr(name))
        if kind != "md5" or not url.startswith(("http://", "https://")):
            raise DownloadError(f"{where} describes {name} in another form", got=f"checksum {checksum}, link {url}")
        yield RemoteFile(name, size, md5.lower(), url)


def _is_there(file: RemoteFile, output: Path, *, force: bool) -> bool:
    path = output / file.name
    if not path.exists():
        return False
    if path.stat().st_size == file.size:
        with path.open("rb") as stream:
            if hashlib.file_digest(stream, new_md5).hexdigest() == file.md5:
                return True
    if not force:
        raise OutputError(
            f"{path} is there and differs from the record's file", hint="choose another output or pass --force"
        )
    return False


def _make_room(files: Sequence[RemoteFile], output: Path) -> int:
    """Bytes that are missing; stops before a download of hours whose end would not fit on the disk."""
    try:
        output.mkdir(parents=True, exist_ok=True)
        parts = [_part(file, output) for file in files]
        missing = sum(file.size for file in files) - sum(part.stat().st_size for part in parts if part.exists())
        free = shutil.disk_usage(output).free
    except OSError as error:
        raise OutputError(f"cannot write to {output}: {error.strerror}") from error
    if missing > free:
        raise OutputError(
            f"{len(files)} files do not fit on the disk of {output}",
            got=f"{missing / 1e9:.1f} GB to fetch, {free / 1e9:.1f} GB free",
            hint="select fewer files, or make room",
        )
    return max(missing, 0)


def _fetch_one(config: FetchConfig, file: RemoteFile, output: Path, counter: _Counter) -> None:
    part = _part(file, output)
    with _alone(part) as stream:
        before = os.fstat(stream.fileno()).st_size
        _log.info("%s: %.1f MB, %.1f MB of it are there", file.name, file.size / _MB, before / _MB)
        length, md5 = continue_file(file.url, stream, file.size, config.patience, arrived=counter.add)
        if length != file.size or md5 != file.md5:
            part.unlink()
            raise DownloadError(
                f"{file.name} is not what the record says; it was thrown away",
                got=f"{length} bytes, MD5 {md5}",
                allowed=f"{file.size} bytes, MD5 {file.md5}",
                hint="run the same command again",
            )
        os.fsync(stream.fileno())
        part.replace(output / file.name)


class _Counter:
    """Bytes to whole megabytes for the display."""

    def __init__(self, bar: Progress) -> None:
        self._bar, self.total = bar, 0

    def add(self, n_bytes: int) -> None:
        self.total += n_bytes
        if (new := self.total // _MB - self._bar.done) > 0:
            self._bar.advance(new)


@contextmanager
def _alone(part: Path) -> Iterator[Any]:
    """The unfinished file, open to this process alone; unbuffered, so that nothing is pending after an error."""
    try:
        with part.open("a+b", buffering=0) as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield stream
    except BlockingIOError as error:
        raise OutputError(f"another process fetches {part}") from error
    except OSError as error:
        raise OutputError(f"cannot write {part}: {error.strerror or error}") from error


def _part(file: RemoteFile, output: Path) -> Path:
    return output / f".{file.name}.part"
