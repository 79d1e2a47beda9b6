"""Networks by address, ``hf://owner/name`` of a hub or ``https://...#sha256=...``, kept in a cache. No torch import."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
from pathlib import Path
from typing import Any

from rs3l_gnn.conventions import CheckpointError, ConfigError, DownloadError, MissingDependencyError

__all__ = ["ADDRESSES", "HUB_FILE", "fetch_network", "is_address"]

HUB_FILE = "config.json"
"""Document of a published network: the name of the file with the weights, and its SHA-256."""

ADDRESSES = ("hf://", "https://", "http://", "triton://")
"""What the address of a network begins with: of one that is fetched, or, the last, of one on a server."""

_HUB = re.compile(r"hf://([\w.-]+)/([\w.-]+?)(?:@([\w./-]+))?")
_URL = re.compile(r"(https?://[^#\s]+/([\w.-]+\.safetensors))#sha256=([0-9a-fA-F]{64})")
_FILE = re.compile(r"[\w-][\w.-]*\.safetensors")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_TIMEOUT = 30  # seconds without a byte
_log = logging.getLogger(__name__)


def is_address(name: str | Path) -> bool:
    """Whether a network is named by an address from which it is fetched, rather than by a file or a name."""
    return str(name).startswith(ADDRESSES[:-1])


def fetch_network(address: str) -> Path:
    """The file of a network, downloaded once; what is in the cache needs no net.

    ``RS3L_CACHE`` names the folder of the cache, ``RS3L_OFFLINE=1`` (or ``HF_HUB_OFFLINE=1``) forbids downloads, and
    ``HF_ENDPOINT`` names another hub. Of ``hf://owner/name@revision`` the document ``config.json`` is asked for each
    time, as the hub may hold newer weights; without the net, the one in the cache is taken.

    Args:
        address: ``hf://owner/name``, with ``@revision`` for a branch, tag or commit, or
            ``https://host/.../file.safetensors#sha256=...``.

    Raises:
        ConfigError: no such address can be, or a checksum is missing.
        DownloadError: the file is neither in the cache nor to be had, or has other bytes than its checksum says.
        CheckpointError: the hub's document is none of ``rs3l publish``.
        MissingDependencyError: pooch is not installed.
    """
    found = _HUB.fullmatch(address)
    if found is not None:
        return _from_hub(address, found[1], found[2], found[3] or "main")
    plain = _URL.fullmatch(address)
    if plain is None:
        raise ConfigError(
            "a network has no such address",
            got=repr(address),
            allowed="hf://owner/name[@revision], https://host/path/file.safetensors#sha256=64 hexadecimal digits",
            hint="sha256sum FILE gives the checksum, which says that the file is the one you mean",
        )
    digest = plain[3].lower()
    return _get(plain[1], digest, _cache() / "files" / digest / plain[2])


def _from_hub(address: str, owner: str, name: str, revision: str) -> Path:
    endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
    base = f"{endpoint}/{owner}/{name}/resolve/{revision}"
    key = hashlib.sha256(base.encode()).hexdigest()[:16]
    kept = _cache() / "hub" / f"{owner}--{name}--{key}.json"
    try:
        fresh = kept.with_suffix(f".{os.getpid()}")
        _get(f"{base}/{HUB_FILE}", None, fresh)
        fresh.replace(kept)
    except DownloadError as error:
        if not kept.exists():
            raise
        _log.warning("%s; taking %s as it was when it was last asked for", error, address)
    file, digest = _described(kept, address)
    return _get(f"{base}/{file}", digest, _cache() / "files" / digest / file)


def _described(path: Path, address: str) -> tuple[str, str]:
    """Name and checksum of the weights, from the hub's document."""
    try:
        document: Any = json.loads(path.read_text(encoding="utf-8"))
        file, digest = str(document["file"]), str(document["sha256"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        file, digest = "", ""
    # The name becomes part of a path here, and only files that run nothing are taken.
    if not (_FILE.fullmatch(file) and _SHA256.fullmatch(digest)):
        path.unlink(missing_ok=True)
        raise CheckpointError(
            f"{address} holds no network of rs3l publish", hint=f"its {HUB_FILE} says file and sha256"
        )
    return file, digest


def _get(url: str, digest: str | None, path: Path) -> Path:
    """Download to ``path`` unless it is there with the right bytes."""
    if digest is not None and path.exists() and _sha256(path) == digest:
        return path
    if os.environ.get("RS3L_OFFLINE", "0") not in ("", "0") or os.environ.get("HF_HUB_OFFLINE", "0") not in ("", "0"):
        raise DownloadError(
            f"{url} is not in the cache, and RS3L_OFFLINE or HF_HUB_OFFLINE forbids downloads",
            hint=f"fetch it once where there is a net, and copy the cache {_cache()}",
        )
    try:
        import pooch
    except ImportError as error:
        raise MissingDependencyError("networks by address need pooch", hint="pip install 'rs3l_gnn[hub]'") from error
    pooch.get_logger().setLevel("WARNING")  # it tells of every file
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        pooch.retrieve(
            url,
            known_hash=None if digest is None else f"sha256:{digest}",
            fname=path.name,
            path=path.parent,
            downloader=pooch.HTTPDownloader(timeout=_TIMEOUT),
        )
    except (OSError, ValueError) as error:  # of requests, and of a checksum that does not fit
        reason = "other bytes than its checksum says" if isinstance(error, ValueError) else " ".join(str(error).split())
        raise DownloadError(
            f"cannot fetch {url}: {reason[:300]}",
            hint=f"without a net, copy the file from a machine that has one, or its cache {_cache()}",
        ) from error
    return path


def _cache() -> Path:
    given = os.environ.get("RS3L_CACHE")
    if given:
        return Path(given)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "rs3l_gnn"


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()  # Python 3.10 has no file_digest
