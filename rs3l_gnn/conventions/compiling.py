"""How loops are compiled: without the interpreter's lock, and kept on disk where there is a place."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar, cast

import numba

from rs3l_gnn.conventions.numba_start import start_quickly

__all__ = ["compile_loop", "never_compiled"]

_log = logging.getLogger(__name__)
Function = TypeVar("Function", bound=Callable[..., Any])


def compile_loop(
    function: Function, *, before: Callable[[tuple[Any, ...]], None] | None = None, **options: Any
) -> Function:
    """Compile a function at its first call.

    Args:
        function: the loop.
        before: is given the types of the arguments before code that was kept for them is loaded.
        options: numba's.
    """
    # Nobody calls these loops from C, and every way in is compiled, too.
    options = {"nogil": True, "no_cfunc_wrapper": True} | options
    dispatcher: Any = numba.njit(**options)(function)
    try:
        from rs3l_gnn.conventions.compiled_places import use_places

        use_places(dispatcher, function, before)
    except (ImportError, AttributeError, TypeError) as error:
        _say(f"{error}")
        if before is None:  # numba does not ask before it loads
            dispatcher = _kept_by_numba(function, options)
    start_quickly(dispatcher)
    return cast("Function", dispatcher)


def never_compiled(function: Callable[..., Any]) -> bool:
    """True where nothing is kept of a loop, but could be."""
    return getattr(getattr(function, "_cache", None), "empty", False) is True


@cache
def _say(error: str) -> None:
    _log.warning(
        "numba %s has other names than the ones known here (%s): compiled code is kept as numba itself does, so that "
        "none is read where nobody may write, machines of several kinds must not share a folder for it, and each "
        "process compiles the layers' largest function anew",
        numba.__version__,
        error,
    )


def _kept_by_numba(function: Callable[..., Any], options: dict[str, Any]) -> Any:
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:  # no folder, or no file of the function
        return numba.njit(**options)(function)
