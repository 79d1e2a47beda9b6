"""How loops are compiled: without the interpreter's lock, and kept on disk where there is a place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

__all__ = ["compile_loop"]

Function = TypeVar("Function", bound=Callable[..., Any])


def compile_loop(function: Function, **options: Any) -> Function:
    """Compile a function at its first call; ``options`` are numba's."""
    try:
        return cast("Function", numba.njit(cache=True, nogil=True, **options)(function))
    except RuntimeError:  # no folder to keep the compiled code in
        return cast("Function", numba.njit(nogil=True, **options)(function))
