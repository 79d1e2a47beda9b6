"""A quick start leaves the process as it was, and numba's extensions to whoever needs them."""

from __future__ import annotations

import gc
import importlib.util
import subprocess
import sys
import threading
from typing import Any

import pytest
from numba.core import entrypoints as numba_entrypoints

from rs3l_gnn.conventions import numba_start
from rs3l_gnn.conventions.numba_start import quick_start

entrypoints: Any = numba_entrypoints  # without annotations
PROGRAM = """
import sys
import awkward as ak
import numba
import numpy as np
import rs3l_gnn
rs3l_gnn.load_tagger("default-hbb").score(np.zeros((3, 15), np.float32), np.array([0, 3]), threads=1)
print("sympy" in sys.modules)

@numba.njit
def total(lists):
    found = 0
    for one in lists:
        for value in one:
            found += value
    return found

print(total(ak.Array([[1, 2], [], [3]])))
"""


@pytest.mark.parametrize("collecting", [True, False])
def test_the_collector_is_as_before(collecting: bool) -> None:
    before = gc.isenabled()
    (gc.enable if collecting else gc.disable)()
    try:
        with quick_start():
            assert not gc.isenabled()
        assert gc.isenabled() is collecting
        with pytest.raises(KeyError), quick_start():
            raise KeyError
        assert gc.isenabled() is collecting
    finally:
        (gc.enable if before else gc.disable)()


def test_extensions_are_found_by_others(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    monkeypatch.setattr(entrypoints, "init_all", lambda: found.append(threading.get_ident()))
    original = entrypoints.init_all
    with quick_start():
        entrypoints.init_all()
        assert found == []
        other = threading.Thread(target=entrypoints.init_all)
        other.start()
        other.join()
        assert len(found) == 1
    assert entrypoints.init_all is original


def test_a_numba_without_that_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(entrypoints, "init_all")
    with quick_start():
        pass
    assert not hasattr(entrypoints, "init_all")


def test_a_numba_without_that_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numba.core.entrypoints", None)
    monkeypatch.delattr("numba.core.entrypoints")
    spec = importlib.util.spec_from_file_location("another", numba_start.__file__)
    assert spec is not None
    assert spec.loader is not None
    another = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(another)
    with another.quick_start():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_loops_on_lists_are_compiled_after_a_score() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True)  # noqa: S603  # our own program
    assert done.stdout.split() == ["False", "6"]
