"""Torch's modules on the kernels: their layers, and a batch through them as one step of automatic differentiation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rs3l_gnn.models.kernels import DenseNetwork, Layer, edges, elementwise
from rs3l_gnn.models.kernels.chunk import CHUNK_JETS, CHUNK_PARTICLES, Memory, forward_chunk, run_chunk
from rs3l_gnn.models.kernels.layers import dense_layer, edge_layer
from rs3l_gnn.models.kernels.memory import aligned
from rs3l_gnn.models.lending import Lender
from rs3l_gnn.models.reading import chunks
from rs3l_gnn.models.threads import run_chunks, thread_count
from rs3l_gnn.models.torch_threads import TORCH_POOL

__all__ = ["apply_layers", "dense_network", "factors", "layers_of", "runs_on_kernels"]

_LENDER = Lender()
_GROUPS = 8
"""Sums over all particles are added up in so many parts, whose cut the number of threads has no part in."""

Modules = Sequence[nn.Linear | tuple[nn.Sequential, int]]
Runs = list[tuple[int, int]]


def runs_on_kernels(x: Tensor) -> bool:
    """Whether the compiled loops handle such particles, or weights."""
    return x.device.type == "cpu" and x.dtype in (torch.float32, torch.float64)


def factors(module: object) -> bool:
    """Whether ``module`` is a linear layer and an increasing activation that the kernels know."""
    if not isinstance(module, nn.Sequential) or len(module) != 2:
        return False
    linear, activation = module
    if type(linear) is not nn.Linear or linear.in_features % 2:
        return False
    if type(activation) is nn.ELU:
        return activation.alpha >= 0  # with a negative alpha or slope the activation falls below zero
    if type(activation) is nn.LeakyReLU:
        return activation.negative_slope >= 0
    return type(activation) is nn.ReLU


def layers_of(modules: Modules) -> tuple[Layer, ...]:
    """Layers with the weights that modules have now.

    Args:
        modules: of each layer in its order: a linear layer, which ELU follows, or the network of an EdgeConv with its
            number of neighbours, for which :func:`factors` holds.
    """
    return tuple(
        _edge_layer(*module) if isinstance(module, tuple) else _dense_layer(module, pad_inputs=number > 0)
        for number, module in enumerate(modules)
    )


def apply_layers(modules: Modules, x: Tensor, offsets: Tensor, *, jets: bool, threads: int | None = None) -> Tensor:
    """Run a batch through layers, differentiable once with respect to particles and parameters.

    Args:
        modules: as for :func:`layers_of`.
        x: particles of all jets [n_particles, C].
        offsets: first particle of each jet [n_jets + 1].
        jets: sum the particles of each jet.
        threads: see :func:`rs3l_gnn.models.threads.thread_count`.

    Returns:
        Particles [n_particles, O] or jets [n_jets, O].
    """
    layers = layers_of(modules)
    missing = layers[0].weight.shape[1] - x.shape[1]
    if missing:
        x = nn.functional.pad(x, (0, missing))
    linears = [cast("nn.Linear", module[0][0]) if isinstance(module, tuple) else module for module in modules]
    parameters = [parameter for linear in linears for parameter in (linear.weight, linear.bias)]
    cuts = np.array(offsets.detach().numpy(), dtype=np.int64)
    out: Tensor = _ApplyLayers.apply(layers, x, cuts, jets, thread_count(threads), *parameters)  # type: ignore[no-untyped-call]  # torch
    return out[:, : linears[-1].out_features]


def dense_network(network: nn.Sequential) -> DenseNetwork:
    """The kernels' form of ``Linear`` layers with the same activation, ELU or ReLU, between them."""
    linears = [cast("nn.Linear", layer) for layer in list(network)[::2]]
    relu = any(isinstance(layer, nn.ReLU) for layer in network)
    return DenseNetwork([(_array(linear.weight), _array(linear.bias)) for linear in linears], relu=relu)


def _dense_layer(linear: nn.Linear, *, pad_inputs: bool) -> Layer:
    return dense_layer(_array(linear.weight), _array(linear.bias), pad_inputs=pad_inputs)


def _edge_layer(module: nn.Sequential, k: int) -> Layer:
    linear, activation = cast("nn.Linear", module[0]), module[1]
    given = cast("Tensor | None", linear.bias)
    weight, bias = _array(linear.weight), None if given is None else _array(given)
    if isinstance(activation, nn.ELU):
        return edge_layer(weight, bias, k, slope=float(activation.alpha))
    slope = float(getattr(activation, "negative_slope", 0.0))
    return edge_layer(weight, bias, k, kind=elementwise.LEAKY_RELU, slope=slope)


def _array(tensor: Tensor) -> NDArray[Any]:
    array: NDArray[Any] = tensor.detach().numpy()
    return array


def _kept(layers: Sequence[Layer], x: NDArray[Any]) -> tuple[list[NDArray[Any]], list[NDArray[np.int32] | None]]:
    """Memory for what the backward pass needs of each layer: its output, and of an edge layer the places of maxima."""
    widths = [len(layer.bias) for layer in layers]
    numbers = sum(widths) * x.itemsize + 4 * sum(width for layer, width in zip(layers, widths, strict=True) if layer.k)
    memory, used = _LENDER.lend(len(x) * numbers), 0

    def take(width: int, dtype: Any) -> NDArray[Any]:
        nonlocal used
        first, used = used, used + len(x) * width * np.dtype(dtype).itemsize
        part: NDArray[Any] = memory[first:used].view(dtype).reshape(len(x), width)
        return part

    outputs = [take(width, x.dtype) for width in widths]
    return outputs, [take(width, np.int32) if layer.k else None for layer, width in zip(layers, widths, strict=True)]


class _ApplyLayers(torch.autograd.Function):
    """Layers on a batch, differentiable once; see :func:`apply_layers`."""

    @staticmethod
    def forward(  # noqa: PLR0917  # torch passes them by position
        ctx: Any,
        layers: Sequence[Layer],
        x: Tensor,
        cuts: NDArray[np.int64],
        jets: bool,
        threads: int,
        *parameters: Tensor | None,
    ) -> Tensor:
        del parameters  # they are those of the layers, named for the sake of their gradients
        x = x.detach().contiguous()
        keep = any(ctx.needs_input_grad)
        runs = list(chunks(cuts, CHUNK_PARTICLES, CHUNK_JETS))
        widths = [len(layer.bias) for layer in layers]
        result = x.new_empty((len(cuts) - 1 if jets else len(x), widths[-1]))
        given, given_result = x.numpy(), result.numpy()
        outputs, winners = _kept(layers, given) if keep else ([], [])

        def work(number: int, memory: Memory) -> None:
            first, last = runs[number]
            part, inside = _part(cuts, first, last)
            target = given_result[first:last] if jets else given_result[part]
            if not keep:
                target[:] = run_chunk(layers, given[part], inside, memory, jets=jets)
                return
            kept = [output[part] for output in outputs]
            some = [None if where is None else where[part] for where in winners]
            forward_chunk(layers, given[part], inside, kept, some, work=memory.work)
            if jets:
                elementwise.pool(kept[-1], inside, target)
            else:
                target[:] = kept[-1]

        run_chunks(work, len(runs), threads=threads, scratch=lambda: Memory.of(layers, *_longest(runs, cuts)))
        places = [where for where in winners if where is not None]
        ctx.save_for_backward(x, *map(torch.from_numpy, outputs), *map(torch.from_numpy, places))
        ctx.layers, ctx.cuts, ctx.runs, ctx.jets, ctx.threads = layers, cuts, runs, jets, threads
        return result

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        layers, cuts, runs, jets = ctx.layers, ctx.cuts, ctx.runs, ctx.jets
        # Arrays, not tensors: an operation of torch lets other threads run, and waits for its own turn afterwards.
        x, *saved = (tensor.numpy() for tensor in ctx.saved_tensors)
        outputs, places = saved[: len(layers)], iter(saved[len(layers) :])
        winners = [next(places) if layer.k else None for layer in layers]
        given = grad.detach().contiguous().numpy()  # it asks for gradients of its own where a graph is made of it
        grad_x = torch.empty(x.shape, dtype=grad.dtype).numpy() if ctx.needs_input_grad[1] else None
        groups = [group.tolist() for group in np.array_split(np.arange(len(runs)), _GROUPS) if len(group)]
        sums: list[list[NDArray[Any]]] = [[] for _ in groups]

        def work(group: int, memory: _Memory) -> None:
            sums[group] = _zeros(layers)
            for first, last in (runs[number] for number in groups[group]):
                part, inside = _part(cuts, first, last)
                g = memory.gradient(len(layers), part.stop - part.start, outputs[-1].shape[1])
                if jets:
                    elementwise.pool_backward(given[first:last], inside, g)
                else:
                    g[:] = given[part]
                inputs = [array[part] for array in (x, *outputs)]
                some = [None if where is None else where[part] for where in winners]
                target = None if grad_x is None else grad_x[part]
                _backward_chunk(layers, inputs, some, g, sums[group], memory, target)

        longest = _longest(runs, cuts)[0]
        run_chunks(work, len(groups), threads=ctx.threads, scratch=lambda: _Memory(layers, longest), pool=TORCH_POOL)
        totals = _zeros(layers)
        for total, *parts in zip(totals, *sums, strict=True):
            for part in parts:
                np.add(total, part, out=total)
        own: list[Tensor] = []
        for number, layer in enumerate(layers):
            padded = totals[2 * number : 2 * number + 2]
            own += map(torch.from_numpy, map(np.ascontiguousarray, layer.own_gradients(*padded)))
        wanted = (gradient if ctx.needs_input_grad[5 + i] else None for i, gradient in enumerate(own))
        return None, None if grad_x is None else torch.from_numpy(grad_x), None, None, None, *wanted


class _Memory:
    """What one thread needs for the backward pass of chunks of up to ``particles`` particles."""

    def __init__(self, layers: Sequence[Layer], particles: int) -> None:
        widest = max(max(layer.weight.shape[1], len(layer.bias)) for layer in layers)
        dtype = layers[0].weight.dtype
        self._pair = [aligned(particles * widest, dtype) for _ in range(2)]
        self._products = aligned(particles * 2 * widest, dtype)

    def gradient(self, layer: int, n: int, width: int) -> NDArray[Any]:
        """Memory [n, width] for the gradient of a layer's input; neighbouring layers have different ones."""
        return self._pair[layer % 2][: n * width].reshape(n, width)

    def products(self, n: int, width: int) -> NDArray[Any]:
        """Memory [2, n, width] for the gradients of an edge layer's products."""
        return self._products[: 2 * n * width].reshape(2, n, width)


def _backward_chunk(  # noqa: PLR0917  # all are needed, all of one call
    layers: Sequence[Layer],
    inputs: Sequence[NDArray[Any]],
    winners: Sequence[NDArray[np.int32] | None],
    g: NDArray[Any],
    sums: Sequence[NDArray[Any]],
    memory: _Memory,
    grad_x: NDArray[Any] | None,
) -> None:
    n = len(g)
    for number in reversed(range(len(layers))):
        layer, where = layers[number], winners[number]
        x, y = inputs[number], inputs[number + 1]
        width = len(layer.bias)
        g_weight, g_bias = sums[2 * number], sums[2 * number + 1]
        if where is None:
            elementwise.activate_backward(g, y, g_bias)
            products = g[None]
        else:
            products = memory.products(n, width)
            slope = g_bias.dtype.type(layer.slope)
            edges.edge_backward(g, y, where, layer.kind, slope, products[0], products[1], g_bias)
        target = memory.gradient(number, n, x.shape[1]) if number else grad_x
        for i, product in enumerate(products):
            rows = slice(i * width, (i + 1) * width)
            _multiply(product.T, x, g_weight[rows], add=True)
            if target is not None:
                _multiply(product, layer.weight[rows], target, add=i > 0)
        if target is not None:
            g = target


def _multiply(a: NDArray[Any], b: NDArray[Any], out: NDArray[Any], *, add: bool) -> None:
    """``out = a b``, or that added to it, by torch."""
    one, other, result = map(torch.from_numpy, (a, b, out))
    if add:
        result.addmm_(one, other)
    else:
        torch.mm(one, other, out=result)


def _part(cuts: NDArray[np.int64], first: int, last: int) -> tuple[slice, NDArray[np.int64]]:
    return slice(int(cuts[first]), int(cuts[last])), cuts[first : last + 1] - cuts[first]


def _longest(runs: Runs, cuts: NDArray[np.int64]) -> tuple[int, int]:
    particles = max((int(cuts[last] - cuts[first]) for first, last in runs), default=0)
    return particles, max((last - first for first, last in runs), default=0)


def _zeros(layers: Sequence[Layer]) -> list[NDArray[Any]]:
    """Zeros for the gradients of each layer's weight and bias."""
    zeros = []
    for array in (array for layer in layers for array in (layer.weight, layer.bias)):
        zeros.append(aligned(array.size, array.dtype).reshape(array.shape))
        zeros[-1][:] = 0
    return zeros
