"""How the loops are compiled: without the interpreter's lock, and kept on disk where there is a place."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
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

    numba's cache looks at the file of the function alone, but functions of other files here become pieces of it: what
    is kept counts for all files as they are.
    """
    needs = [*getattr(function, "needs", ()), _sources()]
    function.needs = needs  # type: ignore[attr-defined]  # for what is kept of it
    return compile_loop(function, **OPTIONS | more)


@cache
def _sources() -> str:
    files = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
