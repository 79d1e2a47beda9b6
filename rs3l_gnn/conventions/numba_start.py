"""A quick start of numba for code that needs no more than numbers and arrays."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

__all__ = ["quick_start", "start_quickly"]

_entrypoints: Any = None
with suppress(ImportError):  # numba does not promise that they are there
    from numba.core import entrypoints as _entrypoints
_lock = threading.RLock()


def start_quickly(dispatcher: Any) -> None:
    """Give a compiled function, whenever it is compiled or loaded, a :func:`quick_start`."""
    for name in ("compile", "_compilation_chain_init_hook"):  # the second one finds extensions
        method = getattr(dispatcher, name, None)
        if method is not None:
            setattr(dispatcher, name, quick_start()(method))


@contextmanager
def quick_start() -> Iterator[None]:
    """Compile or load inside this block without what takes time and is not needed.

    * Other packages extend numba, which looks for them when it compiles first: vector brings sympy, half a second. They
      are found after the block, by whoever compiles next, and inside it by other threads.
    * Compiling makes a million objects that stay: looking for garbage among them takes a tenth of the time.
    """
    with _lock:
        collecting = gc.isenabled()
        gc.disable()
        try:
            with _no_extensions():
                yield
        finally:
            if collecting:
                gc.enable()


@contextmanager
def _no_extensions() -> Iterator[None]:
    find: Any = getattr(_entrypoints, "init_all", None)
    if find is None:
        yield
        return
    here = threading.get_ident()

    def find_elsewhere() -> None:
        if threading.get_ident() != here:
            find()

    _entrypoints.init_all = find_elsewhere
    try:
        yield
    finally:
        _entrypoints.init_all = find
