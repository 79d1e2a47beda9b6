"""Downloads from a server on this machine that behaves like Zenodo, on its good and on its bad days."""

from __future__ import annotations

import errno
import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rs3l_gnn.conventions import ConfigError, DownloadError, OutputError
from rs3l_gnn.data import FetchConfig, fetch, list_record, zenodo
from rs3l_gnn.data.download import continue_file

LARGE = bytes(range(256)) * 4000  # about 1 MB
SMALL = b"a few words"


@dataclass
class Archive:
    """A record and how its server behaves; ``requests`` are the paths and ranges that it was asked for."""

    files: dict[str, bytes] = field(default_factory=lambda: {"large.h5": LARGE, "small.txt": SMALL})
    sums: dict[str, str] = field(default_factory=dict)
    ranges: bool = True
    drops: list[int] = field(default_factory=list)  # after how many bytes each connection for a file ends
    answers: list[int] = field(default_factory=list)  # statuses of the next requests for files, 200 afterwards
    record: bytes | None = None
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    url: str = ""

    @property
    def ranges_of_large(self) -> list[str | None]:
        return [header for path, header in self.requests if "large.h5" in path]

    def describe(self) -> bytes:
        if self.record is not None:
            return self.record
        entries = [
            {
                "key": name,
                "size": len(data),
                "checksum": f"md5:{self.sums.get(name, hashlib.md5(data, usedforsecurity=False).hexdigest())}",
                "links": {"self": f"{self.url}/records/10633815/files/{name}/content"},
            }
            for name, data in self.files.items()
        ]
        return json.dumps({"id": 10633815, "files": entries}).encode()


class Handler(BaseHTTPRequestHandler):
    archive: Archive

    def log_request(self, *args: object) -> None:
        pass

    def log_error(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.archive.requests.append((self.path, asked))
        if self.path == "/api/records/10633815":
            self._answer(200, self.archive.describe())
            return
        if self.archive.answers and (status := self.archive.answers.pop(0)) != 200:
            self.send_error(status)
            return
        name = self.path.split("/")[-2]
        if name not in self.archive.files:
            self.send_error(404)
            return
        data = self.archive.files[name]
        first = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and self.archive.ranges else 0
        if first and first >= len(data):
            self.send_error(416)
            return
        drop = self.archive.drops.pop(0) if self.archive.drops else None
        headers = {"Content-Range": f"bytes {first}-{len(data) - 1}/{len(data)}"} if first else {}
        self._answer(206 if first else 200, data[first:], headers, drop)

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None, drop: int | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[:drop])
        self.close_connection = True


@pytest.fixture
def archive(monkeypatch: pytest.MonkeyPatch) -> Iterator[Archive]:
    """A record with two files on a server of this machine."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    archive = Archive()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("OneArchive", (Handler,), {"archive": archive}))
    archive.url = f"http://127.0.0.1:{server.server_port}/api"
    server.daemon_threads = False  # closing the server waits for its connections
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield archive
    server.shutdown()
    thread.join()
    server.server_close()


def config(archive: Archive, **settings: Any) -> FetchConfig:
    return FetchConfig(**{"url": archive.url, "wait": 0.0, "timeout": 10.0, "attempts": 3, **settings})


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def test_the_public_record_is_the_default() -> None:
    assert FetchConfig().record == 10633815
    assert FetchConfig().url == "https://zenodo.org/api"


def test_listing_and_patterns(archive: Archive) -> None:
    both = list_record(config(archive))
    assert [(file.name, file.size) for file in both] == [("large.h5", len(LARGE)), ("small.txt", 11)]
    assert both[1].md5 == hashlib.md5(SMALL, usedforsecurity=False).hexdigest()
    assert [file.name for file in list_record(config(archive, files=("*.h5", "lar*")))] == ["large.h5"]
    with pytest.raises(ConfigError, match=r"no file of record 10633815 is called '\*.root'; allowed: large.h5, small"):
        list_record(config(archive, files=("*.h5", "*.root")))


def test_fetch_and_once_more(archive: Archive, tmp_path: Path) -> None:
    report = fetch(config(archive), tmp_path)
    assert (tmp_path / "large.h5").read_bytes() == LARGE
    assert (tmp_path / "small.txt").read_bytes() == SMALL
    assert report.received == len(LARGE) + len(SMALL)
    assert names(tmp_path) == {"large.h5", "small.txt", "fetch.json"}
    document = json.loads((tmp_path / "fetch.json").read_text())
    assert document["record"] == 10633815
    assert [file["name"] for file in document["files"]] == ["large.h5", "small.txt"]
    assert document["config"]["url"] == archive.url
    again = fetch(config(archive), tmp_path)
    assert (again.received, again.kept) == (0, ("large.h5", "small.txt"))
    assert len(archive.ranges_of_large) == 1


def test_a_lost_connection_goes_on_where_it_ended(archive: Archive, tmp_path: Path) -> None:
    archive.drops = [400_000, 300_000]
    report = fetch(config(archive, files=("large.h5",)), tmp_path)
    assert (tmp_path / "large.h5").read_bytes() == LARGE
    assert archive.ranges_of_large == [None, "bytes=400000-", "bytes=700000-"]
    assert report.received == len(LARGE)  # not one byte twice


def test_a_stopped_command_goes_on_later(archive: Archive, tmp_path: Path) -> None:
    archive.drops = [500_000, 0, 0, 0]
    with pytest.raises(
        DownloadError, match=r"cannot be fetched after 3 tries; got the connection ended after 500000 of"
    ):
        fetch(config(archive), tmp_path)
    assert names(tmp_path) == {".large.h5.part"}
    archive.drops = []
    assert fetch(config(archive), tmp_path).received == len(LARGE) - 500_000 + len(SMALL)
    assert (tmp_path / "large.h5").read_bytes() == LARGE
    assert names(tmp_path) == {"large.h5", "small.txt", "fetch.json"}


def test_a_server_without_ranges_starts_again(archive: Archive, tmp_path: Path) -> None:
    archive.ranges, archive.drops = False, [400_000]
    fetch(config(archive, files=("large.h5",)), tmp_path)
    assert (tmp_path / "large.h5").read_bytes() == LARGE
    assert archive.ranges_of_large == [None, "bytes=400000-"]


@pytest.mark.parametrize("left", [LARGE, LARGE + b"more"])
def test_all_bytes_were_there_but_not_the_name(archive: Archive, tmp_path: Path, left: bytes) -> None:
    (tmp_path / ".large.h5.part").write_bytes(left)
    if left == LARGE:
        assert fetch(config(archive, files=("large.h5",)), tmp_path).received == 0
    else:
        with pytest.raises(DownloadError, match="large.h5 is not what the record says; it was thrown away"):
            fetch(config(archive, files=("large.h5",)), tmp_path)
        fetch(config(archive, files=("large.h5",)), tmp_path)
    assert (tmp_path / "large.h5").read_bytes() == LARGE


def test_a_file_that_shrank_on_the_server(archive: Archive, tmp_path: Path) -> None:
    (tmp_path / ".large.h5.part").write_bytes(LARGE[:600_000])
    before, archive.files["large.h5"] = archive.describe(), LARGE[:500_000]
    archive.record = before  # it still promises the longer file
    with pytest.raises(DownloadError, match="cannot be fetched after 3 tries"):
        fetch(config(archive, files=("large.h5",)), tmp_path)
    assert archive.ranges_of_large[:2] == ["bytes=600000-", None]


def test_a_wrong_checksum_throws_the_file_away(archive: Archive, tmp_path: Path) -> None:
    archive.sums = {"large.h5": "0" * 32}
    with pytest.raises(DownloadError, match=r"large.h5 is not what the record says.*allowed: 1024000 bytes, MD5 0000"):
        fetch(config(archive), tmp_path)
    assert names(tmp_path) == set()


def test_a_damaged_beginning_is_noticed(archive: Archive, tmp_path: Path) -> None:
    (tmp_path / ".large.h5.part").write_bytes(b"\0" * 1000)
    with pytest.raises(DownloadError, match="is not what the record says"):
        fetch(config(archive, files=("large.h5",)), tmp_path)
    fetch(config(archive, files=("large.h5",)), tmp_path)
    assert (tmp_path / "large.h5").read_bytes() == LARGE


def test_a_file_that_is_not_there_is_not_asked_for_twice(archive: Archive, tmp_path: Path) -> None:
    archive.record = archive.describe().replace(b"files/large.h5/content", b"files/gone.h5/content")
    with pytest.raises(DownloadError, match=r"files/gone.h5/content cannot be fetched; got HTTP status 404"):
        fetch(config(archive), tmp_path)
    assert len([path for path, _ in archive.requests if "gone" in path]) == 1


def test_no_such_record(archive: Archive) -> None:
    with pytest.raises(DownloadError, match=r"records/1 cannot be fetched; got HTTP status 404"):
        list_record(config(archive, record=1))


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_server_that_is_busy_for_a_while(archive: Archive, tmp_path: Path, status: int) -> None:
    archive.answers = [status, status]
    fetch(config(archive, files=("large.h5",)), tmp_path)
    assert (tmp_path / "large.h5").read_bytes() == LARGE
    archive.answers = [status] * 3
    with pytest.raises(DownloadError, match=f"after 3 tries; got HTTP status {status}"):
        fetch(config(archive, files=("large.h5",)), tmp_path / "other")


def test_no_server(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"http://127.0.0.1:9/api/records/10633815 cannot be fetched after 2 tries"):
        fetch(FetchConfig(url="http://127.0.0.1:9/api", wait=0.0, attempts=2), tmp_path)


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (b"<html>maintenance</html>", "does not describe files as Zenodo does; got '<html>"),
        (b'{"files": []}', "has no public files"),
        (b'{"files": [{"key": "a.h5"}]}', "does not describe files"),
        (
            _entry := b'{"files": [{"key": "../a", "size": 1, "checksum": "md5:0", "links": {"self": "http://x"}}]}',
            "'../a'",
        ),
        (_entry.replace(b"../a", b"a").replace(b"md5:", b"sha1:"), "checksum sha1:0"),
        (_entry.replace(b"../a", b"a").replace(b"http://x", b"file:///etc/passwd"), "link file:///etc/passwd"),
    ],
)
def test_a_record_of_another_form(archive: Archive, record: bytes, message: str) -> None:
    archive.record = record
    with pytest.raises(DownloadError, match=message):
        list_record(config(archive))


def test_files_of_the_user_are_not_replaced_by_chance(archive: Archive, tmp_path: Path) -> None:
    (tmp_path / "small.txt").write_bytes(b"other words")  # the same length
    with pytest.raises(OutputError, match="small.txt is there and differs.*--force"):
        fetch(config(archive), tmp_path)
    assert (tmp_path / "small.txt").read_bytes() == b"other words"
    fetch(config(archive), tmp_path, force=True)
    assert (tmp_path / "small.txt").read_bytes() == SMALL


def test_no_room_is_said_before_the_first_byte(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(OutputError, match="2 files do not fit on the disk.*0.0 GB free"):
        fetch(config(archive), tmp_path)
    assert archive.ranges_of_large == []
    assert fetch(config(archive, files=("small.txt",)), tmp_path).received == 11


def test_a_disk_that_fills_up_on_the_way(archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        """A file on a disk with room for 300,000 bytes."""

        def __init__(self, stream: Any) -> None:
            self.stream, self.name = stream, stream.name

        def __getattr__(self, name: str) -> Any:
            return getattr(self.stream, name)

        def write(self, block: memoryview) -> int:
            room = 300_000 - self.stream.tell()
            if room <= 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            written: int = self.stream.write(block[:room])
            return written

    original = continue_file
    monkeypatch.setattr(zenodo, "continue_file", lambda url, stream, *a, **k: original(url, Full(stream), *a, **k))
    with pytest.raises(OutputError, match=r"cannot write .*: No space left on device; make room and run the same"):
        fetch(config(archive), tmp_path)
    assert (tmp_path / ".large.h5.part").read_bytes() == LARGE[:300_000]
    monkeypatch.setattr(zenodo, "continue_file", original)
    fetch(config(archive), tmp_path)
    assert (tmp_path / "large.h5").read_bytes() == LARGE
    assert archive.ranges_of_large == [None, "bytes=300000-"]


def test_two_at_a_time(archive: Archive, tmp_path: Path) -> None:
    file = list_record(config(archive))[0]
    with (
        zenodo._alone(zenodo._part(file, tmp_path)),
        pytest.raises(OutputError, match="another process fetches .*large.h5.part"),
    ):
        fetch(config(archive), tmp_path)
