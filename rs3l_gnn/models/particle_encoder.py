"""Encoders that update particles layer by layer and sum over them (arXiv:2403.07066, section III)."""

from __future__ import annotations

from abc import abstractmethod
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from rs3l_gnn.models.backbones.edgeconv import EdgeConvConfig
from rs3l_gnn.models.backbones.transformer import TransformerConfig
from rs3l_gnn.models.differentiable import apply_layers, dense_network, layers_of, runs_on_kernels
from rs3l_gnn.models.edgeconv import DynamicEdgeConv
from rs3l_gnn.models.encoder import Encoder
from rs3l_gnn.models.frozen import embed_jets
from rs3l_gnn.models.geometric import Graphs
from rs3l_gnn.models.kernels import Stack
from rs3l_gnn.models.padded import PaddedNetwork
from rs3l_gnn.models.ragged import jet_of_particle
from rs3l_gnn.models.transformer import AttentionLayer, attend
from rs3l_gnn.models.unpadded import UnpaddedEdgeConv, UnpaddedNetwork

__all__ = ["EdgeConvEncoder", "ParticleEncoder", "TransformerEncoder"]


class ParticleEncoder(Encoder):
    """Particle network, layers in which particles see each other, sum over the particles, output network.

    Args:
        config: sizes.
    """

    def __init__(self, config: EdgeConvConfig | TransformerConfig) -> None:
        super().__init__(config)
        width = config.width
        self.particle = nn.Sequential(
            nn.Linear(len(config.features), width), nn.ELU(), nn.Linear(width, width), nn.ELU()
        )
        self.layers = nn.ModuleList(self.layer() for _ in range(config.layers))
        output: list[nn.Module] = []
        size = width
        for hidden in config.hidden:
            output += [nn.Linear(size, hidden), nn.ELU()]
            size = hidden
        self.output = nn.Sequential(*output, nn.Linear(size, config.dim))

    @abstractmethod
    def layer(self) -> nn.Module:
        """One layer with random weights."""

    @abstractmethod
    def update(self, h: Tensor, offsets: Tensor) -> Tensor:
        """Run all layers on particles [n_particles, width]."""

    def network(self, x: Tensor, offsets: Tensor) -> Tensor:
        """Embed jets [n_jets, dim], with gradients."""
        z: Tensor = self.output(self.pooled_with_torch(x, offsets))
        return z

    def pooled_with_torch(self, x: Tensor, offsets: Tensor) -> Tensor:
        """Sums over the updated particles, layer by layer and on any device.

        Args:
            x: the encoder's inputs [n_particles, C].
            offsets: first particle of each jet [n_jets + 1].

        Returns:
            Jets [n_jets, width], differentiable.
        """
        h = self.update(self.particle(x), offsets)
        return h.new_zeros((len(offsets) - 1, h.shape[1])).index_add(0, jet_of_particle(offsets), h)


class EdgeConvEncoder(ParticleEncoder):
    """EdgeConv layers; on the CPU they run on kernels.

    Args:
        config: sizes.
    """

    config: EdgeConvConfig

    def layer(self) -> nn.Module:
        """An EdgeConv layer with random weights."""
        width = self.config.width
        return DynamicEdgeConv(nn.Sequential(nn.Linear(2 * width, width), nn.ELU()), k=self.config.k)

    def update(self, h: Tensor, offsets: Tensor) -> Tensor:
        """Run all layers on particles [n_particles, width]."""
        for layer in self.layers:
            h = layer(h, ptr=offsets)
        return h

    def network(self, x: Tensor, offsets: Tensor) -> Tensor:
        """Embed jets [n_jets, dim], with gradients."""
        if not self._on_kernels:
            return super().network(x, offsets)
        z: Tensor = self.output(apply_layers(self._modules_in_order(), x, offsets, jets=True))
        return z

    def embed(
        self, features: ArrayLike | Graphs, offsets: ArrayLike | None = None, *, threads: int | None = None
    ) -> NDArray[np.float32]:
        """Embed any number of jets without gradients; see :meth:`Encoder.embed`."""
        if not self._on_kernels:
            return super().embed(features, offsets, threads=threads)
        reader = self.reader(features, offsets, Stack.largest_chunk)
        stack, output = Stack(layers_of(self._modules_in_order())), dense_network(self.output)
        return embed_jets(reader, stack, output, threads=threads)

    def padded(self) -> nn.Module:
        """The same network on padded jets, for export."""
        edges = [cast("nn.Sequential", cast("DynamicEdgeConv", layer).nn) for layer in self.layers]
        layers = nn.ModuleList(UnpaddedEdgeConv(cast("nn.Linear", edge[0]), self.config.k) for edge in edges)
        return UnpaddedNetwork(self.particle, layers, self.output)

    @property
    def _on_kernels(self) -> bool:
        return runs_on_kernels(next(self.parameters()))

    def _modules_in_order(self) -> list[nn.Linear | tuple[nn.Sequential, int]]:
        edges = [cast("DynamicEdgeConv", layer) for layer in self.layers]
        dense = [cast("nn.Linear", layer) for layer in list(self.particle)[::2]]
        return [*dense, *((cast("nn.Sequential", edge.nn), edge.k) for edge in edges)]


class TransformerEncoder(ParticleEncoder):
    """Attention layers.

    Args:
        config: sizes.
    """

    config: TransformerConfig

    def layer(self) -> nn.Module:
        """An attention layer with random weights."""
        return AttentionLayer(self.config.width, self.config.heads)

    def update(self, h: Tensor, offsets: Tensor) -> Tensor:
        """Run all layers on particles [n_particles, width]."""
        return attend(self.layers, h, offsets)

    def padded(self) -> nn.Module:
        """The same network on padded jets, for export."""
        return PaddedNetwork(self.particle, self.layers, self.output)
