"""Loops give their numbers under a numba that has other names for its cache."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tempfile
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from numba.core import caching

from rs3l_gnn import conventions
from rs3l_gnn.conventions import compiling

LOOPS = """
from rs3l_gnn.conventions.compiling import compile_loop

@compile_loop
def total(values):
    found = 0
    for value in values:
        found += value
    return found

@compile_loop
def largest(values):
    found = values[0]
    for value in values:
        found = max(found, value)
    return found
"""
PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
import loops, numpy, rs3l_gnn.models.kernels
print(loops.total(numpy.arange(101)), loops.largest(numpy.arange(101)), sum(loops.total.stats.cache_hits.values()))
"""
LOST = "compiled code is kept as numba itself does"
NAMES = [
    *("CompileResultCacheImpl", "FunctionCache", "NullCache", "_impl_class", "_locator_classes"),
    *("cache_path", "ensure_cache_path", "get_filename_base", "load_overload", "save_overload", "_load_index"),
]


def test_a_process_with_another_numba(tmp_path: Path, renamed: Callable[[str, str], str]) -> None:
    """What it compiles by numba's own cache the next one reads."""
    (tmp_path / "loops.py").write_text(LOOPS, encoding="utf-8")
    for hits, name in enumerate(("_cache", "FunctionCache")):
        done = subprocess.run(  # noqa: S603  # our own program
            [sys.executable, "-c", renamed("numba", name) + PROGRAM, str(tmp_path)],
            check=True,
            capture_output=True,
            text=True,
        )
        (found,), (said,) = done.stdout.splitlines(), done.stderr.splitlines()
        assert found == f"5050 100 {hits}"
        assert said.startswith(f"WARNING rs3l_gnn.conventions.compiling numba {numba.__version__} ")
        assert f"'{name}'" in said
        assert LOST in said


@pytest.fixture
def _another_numba(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Its classes of caches have another name for one thing; numba itself goes on with its own."""
    other = types.ModuleType("numba.core.caching")
    source = Path(caching.__file__).read_text(encoding="utf-8")
    exec(re.sub(rf"\b{request.param}\b", "another", source), vars(other))  # noqa: S102  # of numba
    monkeypatch.setattr("numba.core.caching", other)
    monkeypatch.setitem(sys.modules, "numba.core.caching", other)
    monkeypatch.delitem(sys.modules, "rs3l_gnn.conventions.compiled_places", raising=False)
    monkeypatch.delattr(conventions, "compiled_places", raising=False)
    compiling._say.cache_clear()
    yield
    compiling._say.cache_clear()


def _loops(folder: Path) -> Any:
    path = folder / "loops.py"
    path.write_text(LOOPS, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("loops", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.usefixtures("_another_numba")
@pytest.mark.parametrize("_another_numba", NAMES, indirect=True)
def test_every_name_may_change(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    loops = _loops(tmp_path)
    assert loops.total(np.arange(101)) == 5050
    assert [LOST in record.getMessage() for record in caplog.records] == [True]  # one line for two loops


@pytest.mark.usefixtures("_another_numba")
@pytest.mark.parametrize("_another_numba", ["FunctionCache"], indirect=True)
def test_nothing_is_kept_where_numba_itself_cannot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    assert _loops(tmp_path).total(np.arange(101)) == 5050
    assert list(tmp_path.rglob("*.nb?")) == []
