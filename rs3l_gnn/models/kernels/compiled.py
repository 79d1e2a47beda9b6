"""How the loops are compiled: without the interpreter's lock, and kept on disk where there is a place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from rs3l_gnn.conventions.compiling import compile_loop

__all__ = ["OPTIONS", "compiled"]

Function = TypeVar("Function", bound=Callable[..., Any])

OPTIONS: dict[str, Any] = {
    "nogil": True,
    "no_cfunc_wrapper": True,  # nobody but Python calls them, and each takes time to compile
    "error_model": "numpy",
    "fastmath": {"contract", "nnan", "nsz"},
}
"""Of every compiled function: multiply-adds may be joined, which all machines at hand do; no other order of sums."""


def compiled(function: Function, **more: Any) -> Function:
    """Compile a function at its first call.

    numba's cache looks at the file of the function alone: who edits :mod:`rs3l_gnn.models.kernels.simd` or another
    file whose functions are compiled into callers elsewhere must touch the callers' files, too. Parts
    (:mod:`rs3l_gnn.models.kernels.parts`) are not compiled into their callers.
    """
    return compile_loop(function, **OPTIONS | more)
