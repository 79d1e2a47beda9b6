"""Networks for inference alone: arrays in, arrays out, on the kernels and without torch.

They are what :func:`rs3l_gnn.load_encoder` and :func:`rs3l_gnn.load_tagger` give for the package's EdgeConv networks.
torch's modules of the same networks run the same two functions, so that both give the same bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rs3l_gnn.conventions import CheckpointError, ConfigError, JetDomain
from rs3l_gnn.conventions.precisions import Precision
from rs3l_gnn.models.digest import digest_with, weights_digest
from rs3l_gnn.models.kernels import DenseNetwork, Stack
from rs3l_gnn.models.kernels.chunk import Memory
from rs3l_gnn.models.kernels.layers import dense_layer, edge_layer
from rs3l_gnn.models.reading import JetReader
from rs3l_gnn.models.sizes import EdgeConvSizes, HeadSizes
from rs3l_gnn.models.stored import Stored, require_fit
from rs3l_gnn.models.threads import run_chunks, thread_count

if TYPE_CHECKING:
    from rs3l_gnn.models.geometric import Graphs

__all__ = ["HEAD_JETS", "FrozenEncoder", "FrozenTagger", "embed_jets", "freeze", "score_embeddings"]

HEAD_JETS = 4096
"""Jets that a head sees at once, to bound the memory of its layers."""

State = Mapping[str, NDArray[Any]]


class FrozenEncoder:
    """Jets as vectors.

    Args:
        config: sizes.
        state: arrays by name, as in a checkpoint of an encoder.
        domain: the kind of jets that the weights were trained on.
        precision: with ``int16``, edge layers take whole numbers of 16 bits with a common factor a jet
            (:mod:`rs3l_gnn.models.kernels.fixed_point`), and all else single precision.

    Attributes:
        weights_digest: SHA-256 of the weights and the configuration, in hexadecimal.
        digest: the same, with another precision than float32 another one.
    """

    def __init__(
        self, config: EdgeConvSizes, state: State, domain: JetDomain, precision: Precision = "float32"
    ) -> None:
        self.config, self.domain, self.precision = config, domain, precision
        self.weights_digest = weights_digest(state, config.identity())
        self.digest = digest_with(self.weights_digest, precision)
        if precision == "int16":
            state = {key: value.astype(np.float32, copy=False) for key, value in state.items()}
        dense = [dense_layer(*_linear(state, f"particle.{n}"), pad_inputs=n > 0) for n in (0, 2)]
        edges = [edge_layer(*_linear(state, f"layers.{n}.nn.0"), config.k) for n in range(config.layers)]
        self._stack = Stack([*dense, *edges], fixed_point=precision == "int16")
        self._output = _network(state, "output", len(config.hidden) + 1, relu=False)

    def embed(
        self, features: ArrayLike | Graphs, offsets: ArrayLike | None = None, *, threads: int | None = None
    ) -> NDArray[np.float32]:
        """Embed any number of jets in chunks of bounded memory.

        Args:
            features: particles of all jets [n_particles, 15], any layout in memory: the 15 features in the order of
                ``conventions.FEATURES``, of which the encoder's are picked by name, or (where it takes fewer) its own
                inputs [n_particles, C]. A torch_geometric ``Batch`` or ``Data`` instead brings its own offsets.
            offsets: first particle of each jet [n_jets + 1].
            threads: how many to use; None is one for each core (torch's number where torch is loaded), and one inside a
                Dask worker.

        Returns:
            Embeddings float32 [n_jets, dim], not normalised.

        Raises:
            InvalidDataError: wrong width or type, decreasing offsets, NaN or infinity; the jet is named.
        """
        arrays: tuple[Any, Any] = (features, offsets)
        if offsets is None:
            from rs3l_gnn.models.geometric import particles_and_offsets

            arrays = particles_and_offsets(features, None)
        particles, jets = self._stack.largest_chunk
        reader = JetReader(*arrays, self.config.features, particles=particles, jets=jets)
        return embed_jets(reader, self._stack, self._output, threads=threads)


class FrozenTagger:
    """Encoder and head in one.

    Args:
        encoder: gives embeddings [n_jets, dim].
        config: sizes of the head.
        state: arrays by name, as in a checkpoint of a tagger.
        classes: name of each score in its order.

    Attributes:
        weights_digest, digest: as of a :class:`FrozenEncoder`.
    """

    def __init__(self, encoder: FrozenEncoder, config: HeadSizes, state: State, classes: tuple[str, ...]) -> None:
        self.encoder, self.classes = encoder, classes
        self.weights_digest = weights_digest(state, encoder.config.identity(), config.identity())
        self.digest = digest_with(self.weights_digest, encoder.precision)
        self._head = _network(_below(state, "head."), "mlp", len(config.hidden) + 1, relu=True)

    def score(
        self, features: ArrayLike | Graphs, offsets: ArrayLike | None = None, *, threads: int | None = None
    ) -> NDArray[np.float32]:
        """Probabilities of each jet.

        Args:
            features, offsets, threads: as for :meth:`FrozenEncoder.embed`.

        Returns:
            In [0, 1]: signal probability [n_jets] for one class, else [n_jets, n_classes] with sum 1, in the order of
            :attr:`classes`.

        Raises:
            InvalidDataError: as for :meth:`FrozenEncoder.embed`.
        """
        return self.score_embeddings(self.encoder.embed(features, offsets, threads=threads))

    def score_embeddings(self, z: NDArray[np.floating]) -> NDArray[np.float32]:
        """:meth:`score` from embeddings [n_jets, dim] of :attr:`encoder`, for several heads on one encoder."""
        return score_embeddings(self._head, z)


def freeze(stored: Stored, precision: Precision = "float32") -> tuple[FrozenEncoder, FrozenTagger | None] | None:
    """The encoder of a checkpoint, and its tagger where it has a head; None for networks that need torch.

    Raises:
        CheckpointError: a key, shape or size that does not fit, or weights that are not those of the stored digest.
    """
    try:
        sizes = EdgeConvSizes.of(stored.encoder)
        head_sizes = None if stored.head is None else HeadSizes.of(stored.head)
    except (ConfigError, TypeError) as error:
        raise CheckpointError(f"{stored.path}: {error}") from error
    if sizes is None or (head_sizes is None) != (stored.head is None):
        return None
    shapes = {f"encoder.{key}": shape for key, shape in sizes.shapes().items()}
    shapes |= (
        {} if head_sizes is None else {f"head.{key}": shape for key, shape in head_sizes.shapes(sizes.dim).items()}
    )
    require_fit(stored.path, shapes, stored.state)
    if any(value.dtype not in (np.float32, np.float64) for value in stored.state.values()):
        return None
    own = _below(stored.state, "encoder.")
    encoder = FrozenEncoder(sizes, own, stored.domain, precision)
    settings = [config for _, config in sorted(stored.document["config"].items())]
    if head_sizes is None:
        stored.require_digest([encoder.weights_digest, weights_digest(own, *settings)])
        return encoder, None
    classes = stored.classes(head_sizes.n_classes)
    tagger = FrozenTagger(encoder, head_sizes, stored.state, classes)
    stored.require_digest([tagger.weights_digest, weights_digest(stored.state, *settings)])
    return encoder, tagger


def embed_jets(
    reader: JetReader, stack: Stack, output: DenseNetwork, *, threads: int | None = None
) -> NDArray[np.float32]:
    """Run a network on jets, chunk by chunk.

    Args:
        reader: of the jets.
        stack: layers on the particles, which are then summed.
        output: layers on the jets.
        threads: how many to use; see :func:`rs3l_gnn.models.threads.thread_count`.

    Returns:
        Embeddings float32 [n_jets, dim], not normalised.
    """
    out = np.empty((reader.n_jets, output.n_out), dtype=np.float32)

    def memory() -> tuple[NDArray[np.floating], Memory]:
        return np.empty((reader.longest[0], reader.n_inputs), stack.dtype), stack.memory(*reader.longest)

    def work(chunk: int, memory: tuple[NDArray[np.floating], Memory]) -> None:
        x, inner = memory
        where, cuts = reader.read(chunk, x)
        out[where] = output(stack.chunk(x[: cuts[-1]], cuts, inner))

    run_chunks(work, len(reader), threads=thread_count(threads), scratch=memory)
    return out


def score_embeddings(head: DenseNetwork, z: NDArray[np.floating]) -> NDArray[np.float32]:
    """Probabilities from embeddings [n_jets, dim]: of the signal [n_jets] for one logit, else [n_jets, n_classes]."""
    p = np.empty((len(z), head.n_out), dtype=np.float32)
    z = z.astype(head.dtype, copy=False)
    for first in range(0, len(z), HEAD_JETS):
        p[first : first + HEAD_JETS] = head.probabilities(z[first : first + HEAD_JETS])
    return p[:, 0] if head.n_out == 1 else p


def _network(state: State, name: str, layers: int, *, relu: bool) -> DenseNetwork:
    return DenseNetwork([_linear(state, f"{name}.{2 * number}") for number in range(layers)], relu=relu)


def _linear(state: State, name: str) -> tuple[NDArray[Any], NDArray[Any]]:
    return state[f"{name}.weight"], state[f"{name}.bias"]


def _below(state: State, prefix: str) -> dict[str, NDArray[Any]]:
    return {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
