"""Embeddings of all processes, with gradients, so that every view of the joint batch is a negative."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed
from torch import Tensor

__all__ = ["gather_embeddings"]


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor) -> Tensor:
        ctx.rank, ctx.rows = torch.distributed.get_rank(), len(z)
        parts = [torch.empty_like(z) for _ in range(torch.distributed.get_world_size())]
        torch.distributed.all_gather(parts, z.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        # Each process has the joint loss, so the sum over processes is world_size times the gradient; the mean that
        # DistributedDataParallel takes over the processes brings it back.
        total = gradients[0].contiguous()
        torch.distributed.all_reduce(total)
        return total[ctx.rank * ctx.rows : (ctx.rank + 1) * ctx.rows]


def gather_embeddings(z: Tensor) -> Tensor:
    """Rows of all processes, in the order of the ranks; ``z`` itself if there is one process.

    Args:
        z: embeddings of this process [n, dim]; n is the same in all.
    """
    if not torch.distributed.is_available() or not torch.distributed.is_initialized():
        return z
    out: Tensor = _Gather.apply(z)  # type: ignore[no-untyped-call]  # torch leaves this method without types
    return out
