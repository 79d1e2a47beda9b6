"""The precision of networks, whatever other libraries set for the whole process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

__all__ = ["single_precision"]


@contextmanager
def single_precision() -> Iterator[None]:
    """Layers made inside the block hold float32. pyhf's pytorch backend makes float64 torch's default, for example."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
