"""One copy of each network in a process, however often a processor is unpickled there."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rs3l_gnn.conventions import CheckpointError
from rs3l_gnn.models.threads import encoder_threads

if TYPE_CHECKING:
    from rs3l_gnn.conventions.precisions import Precision
    from rs3l_gnn.inference.loading import JetScorer
    from rs3l_gnn.inference.triton import TritonTagger
    from rs3l_gnn.models import ExportedNetwork, ExportedTagger

__all__ = ["cached_exported", "cached_served", "cached_tagger", "cached_tagger_count", "limited_threads"]

_taggers: dict[tuple[str, str], JetScorer] = {}
_exported: dict[tuple[str, str, int | None], ExportedTagger] = {}
_served: dict[tuple[str, str], TritonTagger] = {}


def cached_tagger(name_or_path: str, digest: str | None, device: str, precision: Precision = "float32") -> JetScorer:
    """The network with this content, loaded at most once in each process and on each device.

    Args:
        name_or_path: where to load it from when it is not there yet.
        digest: the expected content hash; None to take what the file holds.
        device: ``cpu`` or ``cuda:n``.
        precision: see :func:`rs3l_gnn.load_tagger`; another one has another content hash.

    Raises:
        CheckpointError: the file cannot be read, or now holds other weights than ``digest`` says.
    """
    if digest is not None and (digest, device) in _taggers:
        return _taggers[digest, device]
    from rs3l_gnn.inference.loading import load_tagger

    tagger = load_tagger(name_or_path, device=device, precision=precision)
    _require_digest(name_or_path, tagger.digest, digest)
    kept = _taggers.setdefault((tagger.digest, device), tagger)
    # Files with the same weights may name other classes or jets: who asks what a file holds gets just that.
    return tagger if digest is None else kept


def cached_exported(config: ExportedNetwork, digest: str | None, device: str, threads: int | None) -> ExportedTagger:
    """The same for a file of another format; ``threads`` of onnxruntime are fixed when it is opened.

    Raises:
        CheckpointError: as for :func:`cached_tagger`.
        MissingDependencyError: onnxruntime is not installed.
    """
    if digest is not None and (digest, device, threads) in _exported:
        return _exported[digest, device, threads]
    from rs3l_gnn.models import ExportedTagger

    tagger = ExportedTagger(config, device=device, threads=threads)
    _require_digest(config.name, tagger.digest, digest)
    return _exported.setdefault((tagger.digest, device, threads), tagger)


def cached_served(address: str, digest: str | None) -> TritonTagger:
    """The same for a model on a server, ``triton://host:port/model``: one connection in each process.

    Raises:
        ConfigError: no such address can be.
        ServerError: the server does not answer.
        CheckpointError: it serves something else, or other weights than ``digest`` says.
        MissingDependencyError: tritonclient is not installed.
    """
    if digest is not None and (address, digest) in _served:
        return _served[address, digest]
    from rs3l_gnn.inference.triton import TritonAddress, TritonTagger

    tagger = TritonTagger(TritonAddress.parse(address))
    _require_digest(address, tagger.digest, digest)
    return _served.setdefault((address, tagger.digest), tagger)


def _require_digest(name: str, found: str, wanted: str | None) -> None:
    if wanted is not None and found != wanted:
        raise CheckpointError(
            f"{name} is not the network that this job was prepared with",
            got=found,
            allowed=wanted,
            hint="prepare the job again, or put the file back",
        )


def cached_tagger_count() -> int:
    """How many networks this process holds."""
    return len(_taggers) + len(_exported) + len(_served)


@contextmanager
def limited_threads(threads: int | None) -> Iterator[None]:
    """Give the kernels, and torch where it is loaded, ``threads`` threads inside the block; afterwards as before.

    A worker that lets torch take all cores, beside as many other workers, is up to a hundred times slower.
    """
    torch: Any = sys.modules.get("torch")
    before = None if torch is None or threads is None else torch.get_num_threads()
    try:
        if before is not None:
            torch.set_num_threads(threads)
        with encoder_threads(threads):
            yield
    finally:
        if before is not None:
            torch.set_num_threads(before)
