"""Networks by name or file: on the kernels alone where they can, with torch where they must."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rs3l_gnn.conventions import CheckpointError, JetDomain
from rs3l_gnn.conventions.extras import needs_extra
from rs3l_gnn.conventions.precisions import Precision, require_exact, require_precision
from rs3l_gnn.models.frozen import FrozenEncoder, FrozenTagger, freeze
from rs3l_gnn.models.stored import find_checkpoint, read_stored

if TYPE_CHECKING:
    from rs3l_gnn.models.geometric import Graphs

__all__ = ["JetEncoder", "JetScorer", "load_encoder", "load_tagger"]


class JetEncoder(Protocol):
    """An encoder of jets, frozen."""

    @property
    def config(self) -> Any:
        """Its settings: ``features`` by name, in the order of the network, and ``dim``."""

    @property
    def domain(self) -> JetDomain:
        """The kind of jets that it was trained on."""

    @property
    def digest(self) -> str:
        """SHA-256 of the weights, the configuration and a precision other than float32, in hexadecimal."""

    def embed(
        self, features: ArrayLike | Graphs, offsets: ArrayLike | None = None, *, threads: int | None = None
    ) -> NDArray[np.float32]:
        """Embeddings [n_jets, dim], see :meth:`rs3l_gnn.models.frozen.FrozenEncoder.embed`."""


class JetScorer(Protocol):
    """A tagger, frozen."""

    @property
    def encoder(self) -> JetEncoder:
        """Gives its embeddings."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Name of each score in its order."""

    @property
    def digest(self) -> str:
        """SHA-256 of the weights, the configuration and a precision other than float32, in hexadecimal."""

    def score(
        self, features: ArrayLike | Graphs, offsets: ArrayLike | None = None, *, threads: int | None = None
    ) -> NDArray[np.float32]:
        """Probabilities of each jet, see :meth:`rs3l_gnn.models.frozen.FrozenTagger.score`."""

    def score_embeddings(self, z: NDArray[np.floating]) -> NDArray[np.float32]:
        """The same from embeddings [n_jets, dim] of its encoder."""


def load_encoder(
    name: str | Path,
    *,
    device: str = "cpu",
    features: tuple[str, ...] | None = None,
    precision: Precision = "float32",
) -> JetEncoder:
    """Load an encoder for inference.

    EdgeConv networks in own checkpoints run on the CPU without torch. For torch's module of a network, which trains,
    see :func:`rs3l_gnn.models.load_encoder`: its ``embed`` gives the same bits.

    Args:
        name: shipped weights by name, an own ``.safetensors`` file (of a tagger: its encoder), or a published ``.pt``.
        device: ``cpu`` or ``cuda:n``.
        features: names of the inputs, for a published file with other inputs than the 15 of the paper.
        precision: ``int16`` for whole numbers of 16 bits in the EdgeConv layers: about 1.5 times the rate, and nearly
            the same numbers, on every machine. For EdgeConv networks in own checkpoints on the CPU alone.

    Raises:
        ConfigError: a precision that is unknown, or not for this network.
        CheckpointError: no such file, not a checkpoint, or a key or shape that does not fit; the key is named.
        MissingDependencyError: another backbone, file or device, and torch is not installed.
    """
    frozen = _frozen(name, device, precision)
    if frozen is not None:
        return frozen[0]
    with needs_extra(f"the network {name}", "training"):
        from rs3l_gnn.models.checkpoints import load_encoder as with_torch
    return with_torch(name, device=device, features=features)


def load_tagger(
    name: str | Path,
    *,
    device: str = "cpu",
    features: tuple[str, ...] | None = None,
    precision: Precision = "float32",
) -> JetScorer:
    """Load an encoder with its head for inference; arguments and errors as for :func:`load_encoder`."""
    frozen = _frozen(name, device, precision)
    if frozen is not None:
        if frozen[1] is None:
            raise CheckpointError(
                f"{name} holds an encoder without a head", hint="fine-tune it first, or use load_encoder"
            )
        return frozen[1]
    with needs_extra(f"the network {name}", "training"):
        from rs3l_gnn.models.checkpoints import load_tagger as with_torch
    return with_torch(name, device=device, features=features)


def _frozen(name: str | Path, device: str, precision: Precision) -> tuple[FrozenEncoder, FrozenTagger | None] | None:
    require_precision(precision)
    path, found = find_checkpoint(name), None
    if device == "cpu" and path.suffix == ".safetensors":
        found = freeze(read_stored(path), precision)
    if found is None:
        hint = "leave it out" if device == "cpu" else "take device: cpu"
        require_exact(precision, network=f"{name} on {device}", hint=hint)
    return found
