"""Networks by address, from a server of this file on the loopback."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from typer.testing import CliRunner

from rs3l_gnn.cli import app, load_verbs
from rs3l_gnn.conventions import CheckpointError, ConfigError, DownloadError
from rs3l_gnn.data import PairConfig, pair
from rs3l_gnn.inference import load_encoder as load_light
from rs3l_gnn.models import load_encoder, load_tagger
from rs3l_gnn.models.hub import fetch_network
from rs3l_gnn.training import FinetuneConfig, finetune

pytest.importorskip("pooch")


class Handler(SimpleHTTPRequestHandler):
    """Files of a folder, without a line for each request."""

    asked: ClassVar[list[str]]

    def do_GET(self) -> None:
        type(self).asked.append(self.path)
        super().do_GET()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name that the standard library has
        pass


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Path, list[str]]]:
    """Address and folder of a server, and the paths that were asked for."""
    folder = tmp_path / "site"
    folder.mkdir()

    class Here(Handler):
        asked: ClassVar[list[str]] = []

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Here, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("RS3L_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_ENDPOINT", address)
    for name in ("RS3L_OFFLINE", "HF_HUB_OFFLINE", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    yield address, folder, Here.asked
    server.shutdown()
    thread.join()
    server.server_close()


def _hub(folder: Path, weights: Path, revision: str = "main", **changes: str) -> Path:
    place = folder / "group" / "hbb" / "resolve" / revision
    place.mkdir(parents=True, exist_ok=True)
    (place / "tagger.safetensors").write_bytes(weights.read_bytes())
    document = {"file": "tagger.safetensors", "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(), **changes}
    (place / "config.json").write_text(json.dumps(document))
    return place


def test_a_file_with_its_checksum(site: tuple[str, Path, list[str]], tagger_path: Path) -> None:
    address, folder, asked = site
    (folder / "net.safetensors").write_bytes(tagger_path.read_bytes())
    digest = hashlib.sha256(tagger_path.read_bytes()).hexdigest()
    path = fetch_network(f"{address}/net.safetensors#sha256={digest.upper()}")
    assert path.read_bytes() == tagger_path.read_bytes()
    assert fetch_network(f"{address}/net.safetensors#sha256={digest}") == path
    assert asked == ["/net.safetensors"]  # once
    assert load_tagger(f"{address}/net.safetensors#sha256={digest}").digest == load_tagger(tagger_path).digest
    path.write_bytes(b"damaged")  # what is in the cache is checked as well
    assert fetch_network(f"{address}/net.safetensors#sha256={digest}").read_bytes() == tagger_path.read_bytes()
    with pytest.raises(DownloadError, match="other bytes than its checksum says"):
        fetch_network(f"{address}/net.safetensors#sha256={'0' * 64}")
    with pytest.raises(DownloadError, match=r"cannot fetch .*404"):
        fetch_network(f"{address}/nobody.safetensors#sha256={digest}")


@pytest.mark.parametrize(
    "address",
    [
        "https://host/net.safetensors",
        "https://host/net.pt#sha256=" + "0" * 64,
        "https://host/net.safetensors#sha256=abc",
        "hf://owner",
        "hf://owner/name/file",
        "hf://../name@",
    ],
)
def test_addresses_that_are_none(address: str) -> None:
    with pytest.raises(ConfigError, match=r"no such address.*sha256"):
        fetch_network(address)


def test_a_hub(
    site: tuple[str, Path, list[str]],
    make_tagger: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    _, folder, asked = site
    first, second = make_tagger(1), make_tagger(2)
    _hub(folder, first)
    _hub(folder, first, "v1")
    assert fetch_network("hf://group/hbb").read_bytes() == first.read_bytes()
    _hub(folder, second)  # newer weights
    assert fetch_network("hf://group/hbb").read_bytes() == second.read_bytes()
    assert fetch_network("hf://group/hbb@v1").read_bytes() == first.read_bytes()
    assert sum(path.endswith(".safetensors") for path in asked) == 2  # the same bytes are fetched once
    monkeypatch.setenv("RS3L_OFFLINE", "1")
    with caplog.at_level("WARNING"):
        assert fetch_network("hf://group/hbb").read_bytes() == second.read_bytes()
    assert "taking hf://group/hbb as it was" in caplog.text
    with pytest.raises(DownloadError, match=r"not in the cache.*RS3L_OFFLINE.*copy the cache"):
        fetch_network("hf://group/other")


def test_every_door(site: tuple[str, Path, list[str]], tagger_path: Path, toy_directory: Path, tmp_path: Path) -> None:
    """A training that starts from an address and one that starts from the file end with the same weights."""
    _hub(site[1], tagger_path)
    address = "hf://group/hbb"
    encoder = load_encoder(tagger_path)
    assert load_encoder(address).digest == load_light(address).digest == encoder.digest
    pair(PairConfig(directories=(toy_directory,)), tmp_path / "views.h5")
    trainer = {"epochs": 1, "threads": 1}
    for name, start in (("by_address", address), ("by_file", str(tagger_path))):
        config = {"views": tmp_path / "views.h5", "encoder": start, "mode": "fixed", "trainer": trainer}
        finetune(FinetuneConfig.model_validate(config), tmp_path / name)
    taggers = [load_tagger(tmp_path / name / "tagger.safetensors") for name in ("by_address", "by_file")]
    assert taggers[0].digest == taggers[1].digest
    assert taggers[0].encoder.digest == encoder.digest


def test_inspect_says_what_stands_at_an_address(
    site: tuple[str, Path, list[str]], tagger_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _hub(site[1], tagger_path)
    load_verbs()
    inspected = CliRunner().invoke(app, ["inspect", "hf://group/hbb", "--json"])
    assert json.loads(inspected.stdout)["digest"] == load_tagger(tagger_path).digest
    monkeypatch.setenv("RS3L_OFFLINE", "1")
    offline = CliRunner().invoke(app, ["inspect", "hf://group/other"])
    assert offline.exit_code == 2
    assert "RS3L_OFFLINE or HF_HUB_OFFLINE forbids downloads" in " ".join(offline.output.split())
    assert "copy the cache" in " ".join(offline.output.split())
    wrong = CliRunner().invoke(app, ["inspect", "hf://group"])
    assert wrong.exit_code == 2
    assert "a network has no such address" in " ".join(wrong.output.split())


def test_a_server_that_is_not_there(site: tuple[str, Path, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(DownloadError, match=r"cannot fetch .*without a net, copy"):
        fetch_network("hf://group/hbb")


@pytest.mark.parametrize(
    "changes", [{"file": "../../up.safetensors"}, {"file": "net.pt"}, {"sha256": "123"}, {"file": "/etc/passwd"}]
)
def test_documents_that_are_none(
    site: tuple[str, Path, list[str]], tagger_path: Path, changes: dict[str, str], tmp_path: Path
) -> None:
    _hub(site[1], tagger_path, **changes)
    with pytest.raises(CheckpointError, match="holds no network of rs3l publish"):
        fetch_network("hf://group/hbb")
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []
