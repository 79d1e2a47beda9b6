"""``rs3l fetch`` against a server of this machine."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rs3l_gnn.cli import app

import_module("rs3l_gnn.cli.fetch")  # registers the verb


@pytest.fixture
def runner() -> CliRunner:
    return CliRunner()


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Address of a server of this machine with a record of two files."""
    root = tmp_path / "served"
    root.mkdir()
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)

    class Handler(SimpleHTTPRequestHandler):
        def log_request(self, *args: object) -> None:
            pass

        def log_error(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(root)))
    url = f"http://127.0.0.1:{server.server_port}"
    entries = []
    for name, text in (("one.h5", b"first"), ("two.txt", b"second")):
        (root / name).write_bytes(text)
        checksum = f"md5:{hashlib.md5(text, usedforsecurity=False).hexdigest()}"
        entries.append({"key": name, "size": len(text), "checksum": checksum, "links": {"self": f"{url}/{name}"}})
    (root / "records").mkdir()
    (root / "records" / "10633815").write_text(json.dumps({"files": entries}))
    server.daemon_threads = False  # closing the server waits for its connections
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield url
    server.shutdown()
    thread.join()
    server.server_close()


def test_fetch(runner: CliRunner, archive: str, tmp_path: Path) -> None:
    output = tmp_path / "public"
    listed = runner.invoke(app, ["fetch", "--url", archive, "--list", "--output", str(output)])
    assert listed.exit_code == 0
    assert listed.stdout == "       0.0 MB  one.h5\n       0.0 MB  two.txt\n"
    assert not output.exists()
    result = runner.invoke(app, ["fetch", "--url", archive, "--file", "*.h5", "--output", str(output)])
    assert result.exit_code == 0
    assert "1 files, 0 of them there before" in result.stdout
    assert (output / "one.h5").read_bytes() == b"first"
    assert not (output / "two.txt").exists()


def test_fetch_names_a_record_that_is_not_there(runner: CliRunner, archive: str, tmp_path: Path) -> None:
    arguments = ["fetch", "--url", archive, "--set", "record=7", "--output", str(tmp_path / "public")]
    result = runner.invoke(app, arguments)
    assert result.exit_code == 2
    assert result.stderr.endswith(
        f"rs3l fetch: {archive}/records/7 cannot be fetched; got HTTP status 404 (File not found)\n"
    )
    assert not (tmp_path / "public").exists()
