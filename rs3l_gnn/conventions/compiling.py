"""How loops are compiled: without the interpreter's lock, and kept on disk where there is a place.

numba keeps compiled code beside the module, or where that may not be written in the user's folder, and looks for it in
that one place alone. Here it is also read beside the module where nobody may write: in the image of a container, or in
an installation that many share, which somebody filled before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar, cast

import numba
from llvmlite import binding as llvm  # type: ignore[import-untyped]  # llvmlite ships no type information
from numba.core import caching as numba_caching

__all__ = ["compile_loop"]

Function = TypeVar("Function", bound=Callable[..., Any])

_caching: Any = numba_caching  # without annotations


def compile_loop(function: Function, **options: Any) -> Function:
    """Compile a function at its first call; ``options`` are numba's."""
    # Nobody calls these loops from C, and every way in is compiled, too.
    dispatcher: Any = numba.njit(**{"nogil": True, "no_cfunc_wrapper": True} | options)(function)
    dispatcher._cache = _Places(function)
    return cast("Function", dispatcher)


def _anyhow(locator: Any) -> Any:
    """A place of numba's that is taken even if it may not be written."""
    return type(locator.__name__, (locator,), {"ensure_cache_path": lambda _: None})


@cache
def _processor() -> str:
    """Stands for the kind of this processor in names of files."""
    kind = f"{llvm.get_host_cpu_name()} {llvm.get_host_cpu_features().flatten()}"
    return hashlib.sha256(kind.encode()).hexdigest()[:8]


class _OwnImpl(_caching.CompileResultCacheImpl):  # type: ignore[misc]  # numba's classes are Any
    # Numba tells processors apart within one file, which two machines that share a folder may write at the same moment:
    # then one of them would be given the code of the other.
    def get_filename_base(self, fullname: str, abiflags: str) -> str:
        """Name of what is kept of a function, up to the number and the suffix."""
        return f"{super().get_filename_base(fullname, abiflags)}.{_processor()}"


class _FirstImpl(_OwnImpl):
    # NUMBA_CACHE_DIR if it is set, then beside the module.
    _locator_classes = tuple(map(_anyhow, _caching.CompileResultCacheImpl._locator_classes[:2]))


class _OwnPlace(_caching.FunctionCache):  # type: ignore[misc]  # as above
    """What is kept in the first place that may be written."""

    _impl_class = _OwnImpl


class _FirstPlace(_caching.FunctionCache):  # type: ignore[misc]  # as above
    """What is kept in the first of numba's places, whether or not it may be written."""

    _impl_class = _FirstImpl


class _Places(_caching.NullCache):  # type: ignore[misc]  # as above
    """Compiled code of a function: read in the first place and in the first one that may be written, kept in this."""

    def __init__(self, function: Callable[..., Any]) -> None:
        places = []
        for kind in (_OwnPlace, _FirstPlace):
            try:
                places.append(kind(function))
            except RuntimeError:  # no folder, or no file of the function
                places.append(_caching.NullCache())
        self._own, self._first = places

    @property
    def cache_path(self) -> str | None:
        """The folder that may be written."""
        path: str | None = self._own.cache_path
        return path

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The compiled function for these types, None where there is none."""
        found = self._own.load_overload(sig, target_context)
        if found is None and self._first.cache_path != self._own.cache_path:
            found = self._first.load_overload(sig, target_context)
        return found

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep it."""
        self._own.save_overload(sig, data)

    def flush(self) -> None:
        """Forget what may be written."""
        self._own.flush()
