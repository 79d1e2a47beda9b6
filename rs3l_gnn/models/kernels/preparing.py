"""All that a first score calls, compiled or loaded at once: in two processes where nothing is compiled yet."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numba
import numpy as np

from rs3l_gnn.conventions.compiling import never_compiled
from rs3l_gnn.models.kernels import dense, edges, elementwise, fixed_point
from rs3l_gnn.models.kernels.parts import parts, real_of

__all__ = ["compile_share", "prepare"]

_PATIENCE = 60
"""Seconds that the other process is waited for; it takes two, and on a busy machine ten."""

_typeof: Any = numba.typeof  # without annotations
_lock = threading.Lock()
_ready: set[str] = set()


def prepare(kind: str) -> None:
    """Compile or load what layers without gradients call.

    Where nothing is compiled yet and there is a second core, another process compiles one half of it, as numba compiles
    one function at a time. It can be missing, fail or be killed: what is not found in the end is compiled here.

    Args:
        kind: of the particles, see :func:`rs3l_gnn.models.kernels.parts.real_of`.
    """
    if kind in _ready:
        return
    with _lock:
        if kind not in _ready:
            with _other_process(kind):
                for part in parts:
                    part.link(kind)
                rows, cuts = np.empty((0, 0), real_of(kind)), np.empty(0, np.int64)
                _compile(elementwise.pool, rows, cuts, rows)
                if kind == "int32":
                    _compile(fixed_point.fix_jets, rows, cuts, np.empty((0, 0), np.int16), np.empty(0, real_of(kind)))
            _compile_callers(kind)
            _ready.add(kind)


def compile_share(kind: str) -> None:
    """What the other process does: functions that call the parts, without the parts."""
    for part in parts:
        part.pretend(kind)
    _compile_callers(kind)


def _compile_callers(kind: str) -> None:
    real = real_of(kind)
    one = np.dtype(real).type(0)
    rows, panels, bias = (np.empty((0,) * axes, real) for axes in (2, 3, 1))
    x, pair = (np.empty((0,) * axes, kind) for axes in (2, 4))
    cuts, where = np.empty(0, np.int64), np.empty((0, 0), np.int32)
    _compile(edges.edge_forward, x, pair, rows, bias, cuts, bias, 0, 0, one, rows, where, False, bias)
    _compile(dense.dense_forward, rows, panels, bias, 0, one, rows)


def _compile(function: Any, *arguments: Any) -> None:
    """For arguments like these."""
    function.compile(tuple(map(_typeof, arguments)))


@contextmanager
def _other_process(kind: str) -> Iterator[None]:
    """Has done its share, or is over, at the end of the block."""
    process = _start(kind) if never_compiled(edges.edge_forward) and _has_a_core_free() else None
    try:
        yield
        if process is not None:
            process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        pass
    finally:
        if process is not None:
            process.kill()
            process.wait()


def _has_a_core_free() -> bool:
    """A second core, which no other worker of the same pool has."""
    multiprocessing: Any = sys.modules.get("multiprocessing.process")
    if multiprocessing is not None and multiprocessing.parent_process() is not None:
        return False
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores > 1


def _start(kind: str) -> subprocess.Popen[bytes] | None:
    # In a program that Python is built into, the executable is something else.
    if getattr(sys, "frozen", False) or not Path(sys.executable or "").name.startswith("python"):
        return None
    # What the end of a process takes, nobody needs of this one.
    share = f"import os; from {__name__} import compile_share; compile_share({kind!r}); os._exit(0)"
    config: Any = numba.config
    folder = {"NUMBA_CACHE_DIR": config.CACHE_DIR} if config.CACHE_DIR else {}
    nowhere = subprocess.DEVNULL
    try:
        return subprocess.Popen(  # noqa: S603  # our own program
            [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; {share}"],
            env={**os.environ, **folder},
            stdin=nowhere,
            stdout=nowhere,
            stderr=nowhere,
        )
    except OSError:
        return None
