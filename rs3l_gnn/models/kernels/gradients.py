"""Forward and backward pass of layers on a batch, as one step of automatic differentiation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rs3l_gnn.models.kernels import edges, elementwise
from rs3l_gnn.models.kernels.chunk import CHUNK_JETS, CHUNK_PARTICLES, Memory, forward_chunk, run_chunk
from rs3l_gnn.models.kernels.layers import Layer
from rs3l_gnn.models.ragged import chunks
from rs3l_gnn.models.threads import run_chunks

__all__ = ["ApplyLayers"]

_GROUPS = 8
"""Sums over all particles are added up in so many parts, whose cut the number of threads has no part in."""

Runs = list[tuple[int, int]]


class ApplyLayers(torch.autograd.Function):
    """Layers on a batch, differentiable once; see :class:`rs3l_gnn.models.kernels.stack.Stack`."""

    @staticmethod
    def forward(  # noqa: PLR0917  # torch passes them by position
        ctx: Any,
        layers: Sequence[Layer],
        x: Tensor,
        cuts: NDArray[np.int64],
        jets: bool,
        threads: int,
        *parameters: Tensor,
    ) -> Tensor:
        del parameters  # they are those of the layers, named for the sake of their gradients
        x = x.detach().contiguous()
        keep = any(ctx.needs_input_grad)
        runs = list(chunks(cuts, CHUNK_PARTICLES, CHUNK_JETS))
        widths = [len(layer.bias) for layer in layers]
        result = x.new_empty((len(cuts) - 1 if jets else len(x), widths[-1]))
        outputs = [x.new_empty((len(x), width)) for width in widths] if keep else []
        winners = [
            torch.empty((len(x), width), dtype=torch.int32) if keep and layer.k else None
            for layer, width in zip(layers, widths, strict=True)
        ]

        def work(number: int, memory: Memory) -> None:
            first, last = runs[number]
            part, inside = _part(cuts, first, last)
            target = result[first:last] if jets else result[part]
            if not keep:
                target.copy_(run_chunk(layers, x[part], inside, memory, jets=jets))
                return
            kept = [output[part] for output in outputs]
            forward_chunk(layers, x[part], inside, kept, _of(winners, part), products=memory.products)
            if jets:
                elementwise.pool(kept[-1].numpy(), inside, target.numpy())
            else:
                target.copy_(kept[-1])

        run_chunks(work, len(runs), threads=threads, scratch=lambda: Memory.of(layers, *_longest(runs, cuts)))
        ctx.save_for_backward(x, *outputs)
        ctx.layers, ctx.cuts, ctx.runs, ctx.jets, ctx.threads, ctx.winners = layers, cuts, runs, jets, threads, winners
        return result

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, *outputs = ctx.saved_tensors
        layers, cuts, runs, jets = ctx.layers, ctx.cuts, ctx.runs, ctx.jets
        grad = grad.detach().contiguous()  # it asks for gradients of its own where a graph is made of it
        grad_x = torch.empty_like(x) if ctx.needs_input_grad[1] else None
        groups = [group.tolist() for group in np.array_split(np.arange(len(runs)), _GROUPS) if len(group)]
        sums = [_zeros(layers) for _ in groups]

        def work(group: int, memory: _Memory) -> None:
            for first, last in (runs[number] for number in groups[group]):
                part, inside = _part(cuts, first, last)
                g = memory.gradient(len(layers), part.stop - part.start, outputs[-1].shape[1])
                if jets:
                    elementwise.pool_backward(grad[first:last].numpy(), inside, g.numpy())
                else:
                    g.copy_(grad[part])
                inputs = [x[part], *(output[part] for output in outputs)]
                target = None if grad_x is None else grad_x[part]
                _backward_chunk(layers, inputs, _of(ctx.winners, part), g, sums[group], memory, target)

        longest = _longest(runs, cuts)[0]
        run_chunks(work, len(groups), threads=ctx.threads, scratch=lambda: _Memory(layers, longest))
        totals = _zeros(layers)
        for group_sums in sums:
            torch._foreach_add_(totals, group_sums)
        return None, grad_x, None, None, None, *totals


class _Memory:
    """What one thread needs for the backward pass of chunks of up to ``particles`` particles."""

    def __init__(self, layers: Sequence[Layer], particles: int) -> None:
        widest = max(max(layer.weight.shape[1], len(layer.bias)) for layer in layers)
        like = layers[0].weight.detach()
        self._pair = [like.new_empty(particles * widest) for _ in range(2)]
        self._products = like.new_empty(particles * 2 * widest)

    def gradient(self, layer: int, n: int, width: int) -> Tensor:
        """Memory [n, width] for the gradient of a layer's input; neighbouring layers have different ones."""
        return self._pair[layer % 2][: n * width].view(n, width)

    def products(self, n: int, width: int) -> list[Tensor]:
        """Memory, two times [n, width], for the gradients of an edge layer's products."""
        return list(self._products[: 2 * n * width].view(2, n, width))


def _backward_chunk(  # noqa: PLR0917  # all are needed, all of one call
    layers: Sequence[Layer],
    inputs: Sequence[Tensor],
    winners: Sequence[Tensor | None],
    g: Tensor,
    sums: Sequence[Tensor],
    memory: _Memory,
    grad_x: Tensor | None,
) -> None:
    n = len(g)
    for number in reversed(range(len(layers))):
        layer, where = layers[number], winners[number]
        x, y = inputs[number], inputs[number + 1]
        width = len(layer.bias)
        weight, g_weight, g_bias = layer.weight.detach(), sums[2 * number], sums[2 * number + 1].numpy()
        if where is None:
            elementwise.activate_backward(g.numpy(), y.numpy(), g_bias)
            products = [g]
        else:
            products = memory.products(n, width)
            ga, gc = (product.numpy() for product in products)
            slope = g_bias.dtype.type(layer.slope)
            edges.edge_backward(g.numpy(), y.numpy(), where.numpy(), layer.kind, slope, ga, gc, g_bias)
        target = memory.gradient(number, n, x.shape[1]) if number else grad_x
        for i, product in enumerate(products):
            rows = slice(i * width, (i + 1) * width)
            g_weight[rows].addmm_(product.T, x)
            if target is not None and i == 0:
                torch.mm(product, weight[rows], out=target)
            elif target is not None:
                target.addmm_(product, weight[rows])
        if target is not None:
            g = target


def _part(cuts: NDArray[np.int64], first: int, last: int) -> tuple[slice, NDArray[np.int64]]:
    return slice(int(cuts[first]), int(cuts[last])), cuts[first : last + 1] - cuts[first]


def _of(winners: Sequence[Tensor | None], part: slice) -> list[Tensor | None]:
    return [None if where is None else where[part] for where in winners]


def _longest(runs: Runs, cuts: NDArray[np.int64]) -> tuple[int, int]:
    particles = max((int(cuts[last] - cuts[first]) for first, last in runs), default=0)
    return particles, max((last - first for first, last in runs), default=0)


def _zeros(layers: Sequence[Layer]) -> list[Tensor]:
    return [torch.zeros_like(tensor) for layer in layers for tensor in (layer.weight.detach(), layer.bias.detach())]
