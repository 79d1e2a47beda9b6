"""Where compiled code is kept: numba's places, read as well where nobody may write.

numba keeps compiled code beside the module, or where that may not be written in the user's folder, and looks for it in
that one place alone. Here it is also read beside the module where nobody may write: in the image of a container, or in
an installation that many share, which somebody filled before.

numba does not promise the names that this is made of. Where one is missing, importing this module or making
:class:`Places` ends in an ``ImportError``, ``AttributeError`` or ``TypeError``, never in other code than was compiled.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from typing import Any

from llvmlite import binding as llvm  # type: ignore[import-untyped]  # llvmlite ships no type information
from numba.core import caching as numba_caching

__all__ = ["Places", "use_places"]

_caching: Any = numba_caching  # without annotations


def _anyhow(locator: Any) -> Any:
    """A place of numba's that is taken even if it may not be written."""
    return _known(type(locator.__name__, (locator,), {"ensure_cache_path": lambda _: None}))


def _known(kind: type) -> type:
    """A class, all names of which numba knows: what it calls by another name it would not find here.

    Raises:
        AttributeError: for another name.
    """
    for name in vars(kind):
        if not name.startswith("__"):
            getattr(kind.__base__, name)
    return kind


@cache
def _processor() -> str:
    """Stands for the kind of this processor in names of files."""
    return _digest(f"{llvm.get_host_cpu_name()} {llvm.get_host_cpu_features().flatten()}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


@_known
class _OwnImpl(_caching.CompileResultCacheImpl):  # type: ignore[misc]  # numba's classes are Any
    # Numba tells processors apart within one file, which two machines that share a folder may write at the same moment:
    # then one of them would be given the code of the other.
    def __init__(self, function: Callable[..., Any]) -> None:
        self._needs = [_digest(one) for one in getattr(function, "needs", ())]
        super().__init__(function)

    def get_filename_base(self, fullname: str, abiflags: str) -> str:
        """Name of what is kept of a function, up to the number and the suffix."""
        return ".".join([super().get_filename_base(fullname, abiflags), _processor(), *self._needs])


@_known
class _FirstImpl(_OwnImpl):
    # NUMBA_CACHE_DIR if it is set, then beside the module.
    _locator_classes = tuple(map(_anyhow, _caching.CompileResultCacheImpl._locator_classes[:2]))


@_known
class _OwnPlace(_caching.FunctionCache):  # type: ignore[misc]  # as above
    """What is kept in the first place that may be written."""

    _impl_class = _OwnImpl


@_known
class _FirstPlace(_caching.FunctionCache):  # type: ignore[misc]  # as above
    """What is kept in the first of numba's places, whether or not it may be written."""

    _impl_class = _FirstImpl


class Places(_caching.NullCache):  # type: ignore[misc]  # as above
    """Compiled code of a function: read in the first place and in the first one that may be written, kept in this.

    Args:
        function: as it is in Python. Its attribute ``needs``, if it has one, holds texts that say of what its code was
            made besides its own file: with others, other code is kept.
        before: is given the types of the arguments before code for them is loaded.
    """

    def __init__(self, function: Callable[..., Any], before: Callable[[tuple[Any, ...]], None] | None = None) -> None:
        places = []
        for kind in (_OwnPlace, _FirstPlace):
            try:
                places.append(kind(function))
            except RuntimeError:  # no folder, or no file of the function
                places.append(_caching.NullCache())
        own, first = places
        self._before = before
        self._path: str | None = own.cache_path
        self._own, self._all = own, [own] if first.cache_path == self._path else [own, first]
        kept = [place for place in self._all if place.cache_path is not None]
        self._indexes = [place._cache_file._load_index for place in kept]

    @property
    def empty(self) -> bool:
        """Nothing of the function's code is kept, but could be."""
        return self._path is not None and not any(index() for index in self._indexes)

    @property
    def cache_path(self) -> str | None:
        """The folder that may be written."""
        return self._path

    def load_overload(self, *key: Any) -> Any:
        """The compiled function for these types, None where there is none."""
        if self._before is not None:
            self._before(key[0])
        return next((found for place in self._all if (found := place.load_overload(*key)) is not None), None)

    def save_overload(self, *found: Any) -> None:
        """Keep it."""
        self._own.save_overload(*found)

    def flush(self) -> None:
        """Forget what may be written."""
        self._own.flush()


def use_places(
    dispatcher: Any, function: Callable[..., Any], before: Callable[[tuple[Any, ...]], None] | None = None
) -> None:
    """Keep what numba compiles of a function in :class:`Places`.

    Raises:
        AttributeError: where numba has nothing by these names.
        TypeError: where its classes want more.
    """
    for name in ("cache_path", "load_overload", "save_overload", "flush"):
        getattr(_caching.NullCache, name)
    dispatcher._cache  # noqa: B018 - numba would not look at an attribute that it does not know
    dispatcher._cache = Places(function, before)
