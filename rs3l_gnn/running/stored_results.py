"""The result of a chunk as bytes, and back: numbers, tables and histograms, and nothing that could run."""

from __future__ import annotations

import io
import pickle
from collections.abc import Collection
from typing import Any

import lz4.frame  # type: ignore[import-untyped]  # ships no type information

__all__ = ["pack", "unpack"]

_NAMES = frozenset(
    {("numpy", "dtype"), ("numpy", "ndarray"), ("coffea.processor.executor", "WorkItem")}
    | {(f"{core}.multiarray", name) for core in ("numpy._core", "numpy.core") for name in ("_reconstruct", "scalar")}
    | {(f"{core}.numeric", "_frombuffer") for core in ("numpy._core", "numpy.core")}
)
_LARGEST = 2**30
"""Bytes of a result; its packed form can be 255 times smaller."""
_PACKAGES = ("boost_histogram", "hist", "rs3l_gnn.processors")
"""Their classes are results; their functions are not called."""


def pack(result: Any) -> bytes:
    """Bytes of a result."""
    packed: bytes = lz4.frame.compress(pickle.dumps(result))
    return packed


def unpack(content: bytes, *, modules: Collection[str] = ()) -> Any:
    """The result that :func:`pack` made bytes of; bytes of another origin run no code of theirs.

    Args:
        content: of the file.
        modules: whose classes may be in the result, beside those of histograms.

    Raises:
        UnpicklingError: they ask for something that no result is made of, which is named, or for too much memory.
        Exception: whatever damaged bytes raise.
    """
    with lz4.frame.open(io.BytesIO(content)) as stream:
        unpacked = io.BytesIO(stream.read(_LARGEST))
        if stream.read(1):
            raise pickle.UnpicklingError(f"it holds more than {_LARGEST // 2**20} MB")
    try:
        return _Reader(unpacked, modules).load()
    except MemoryError as error:  # for a length that is written there, before anything is read
        raise pickle.UnpicklingError("it asks for more memory than there is") from error


class _Reader(pickle.Unpickler):
    def __init__(self, stream: io.BytesIO, modules: Collection[str]) -> None:
        super().__init__(stream)
        self._modules = modules

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _NAMES:
            return super().find_class(module, name)
        if "." not in name and self._holds_results(module):
            found = super().find_class(module, name)
            # A module's names are also those that it imports from others.
            if isinstance(found, type) and found.__module__ == module:
                return found
        raise pickle.UnpicklingError(f"it asks to import {module}.{name}")

    def _holds_results(self, module: str) -> bool:
        own = module in self._modules and module != "builtins"
        return own or any(module == package or module.startswith(f"{package}.") for package in _PACKAGES)
