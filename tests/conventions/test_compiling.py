"""Compiled loops do what Python does, with a place to be kept and without."""

from __future__ import annotations

import importlib
import importlib.util
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba.core.dispatcher import Dispatcher

import rs3l_gnn
from rs3l_gnn.conventions import compiled_places
from rs3l_gnn.conventions.compiling import compile_loop

SOURCE = """
from rs3l_gnn.conventions.compiling import compile_loop

@compile_loop
def total(values):
    found = values[0]
    for value in values[1:]:
        found += value
    return found
"""


def _sum_of_odd(values: Any) -> int:
    total = 0
    for value in values:
        if value % 2:
            total += value
    return total


def test_the_loop_gives_the_same() -> None:
    values = np.arange(101)
    assert compile_loop(_sum_of_odd)(values) == _sum_of_odd(values) == 50**2


Load = Callable[[], Any]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Gives the loop of a module in ``tmp_path / "installed"`` as a new process has it."""
    monkeypatch.setattr("numba.config.CACHE_DIR", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    path = tmp_path / "installed" / "loops.py"
    path.parent.mkdir()
    path.write_text(SOURCE, encoding="utf-8")

    def fresh() -> Any:
        spec = importlib.util.spec_from_file_location("loops", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.total

    return fresh


def _forbid(monkeypatch: pytest.MonkeyPatch, *folders: Path) -> None:
    """No new files there, as far as numba asks."""
    allowed = tempfile.TemporaryFile

    def refused(*, dir: str) -> Any:  # noqa: A002  # tempfile's name
        if any(Path(dir).is_relative_to(folder) for folder in folders):
            raise PermissionError(dir)
        return allowed(dir=dir)

    monkeypatch.setattr(tempfile, "TemporaryFile", refused)


def _kept(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*.nbc"))


def test_what_was_compiled_before_is_read_where_nobody_may_write(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in the image of a container, and what it lacks goes to the user's folder."""
    whole = np.arange(5)
    assert load()(whole) == 10
    (filled,) = _kept(tmp_path / "installed")
    _forbid(monkeypatch, tmp_path / "installed")
    again = load()
    assert again(whole) == 10
    assert sum(again.stats.cache_hits.values()) == 1
    assert _kept(tmp_path / "home") == []
    assert again(whole / 2) == 5.0
    assert _kept(tmp_path / "installed") == [filled]
    assert len(_kept(tmp_path / "home")) == 1
    third = load()
    assert (third(whole), third(whole / 2)) == (10, 5.0)
    assert sum(third.stats.cache_hits.values()) == 2


def test_code_of_another_source_is_not_taken(load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load()(np.arange(5)) == 10
    path = tmp_path / "installed" / "loops.py"
    path.write_text(SOURCE.replace("found +=", "found -="), encoding="utf-8")
    os.utime(path, (0, 0))  # Python itself takes a source of the same second and length for the same
    _forbid(monkeypatch, tmp_path / "installed")
    changed = load()
    assert changed(np.arange(5)) == -10
    assert sum(changed.stats.cache_hits.values()) == 0


def test_without_a_folder_for_compiled_code(load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a worker without a home."""
    _forbid(monkeypatch, tmp_path)
    assert load()(np.arange(7)) == 21
    assert _kept(tmp_path) == []


def test_kinds_of_processors_share_a_folder_and_no_file(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two machines may compile into one folder at the same moment."""
    assert load()(np.arange(5)) == 10
    (ours,) = tmp_path.rglob("*.nbc")
    index = {path: path.read_bytes() for path in tmp_path.rglob("*.nbi")}
    monkeypatch.setattr(compiled_places, "_processor", lambda: "another")
    other = load()
    assert other(np.arange(5)) == 10
    assert sum(other.stats.cache_hits.values()) == 0
    assert [path for path in tmp_path.rglob("*.nbc") if "another" in path.name] != []
    assert ours.exists()
    assert {path: path.read_bytes() for path in index} == index


def test_loops_outside_the_kernels_call_none_of_another_file() -> None:
    """numba keeps compiled code by the file of the function alone: a change of another file would not be seen."""
    seen = 0
    for file in sorted(Path(rs3l_gnn.__file__).parent.rglob("*.py")):
        name = ".".join(("rs3l_gnn", *file.relative_to(Path(rs3l_gnn.__file__).parent).with_suffix("").parts))
        if "compile_loop" not in file.read_text(encoding="utf-8") or ".kernels" in name or name.endswith(".compiling"):
            continue
        loops = [one for one in vars(importlib.import_module(name)).values() if isinstance(one, Dispatcher)]
        for loop in loops:
            called = (loop.py_func.__globals__.get(each) for each in loop.py_func.__code__.co_names)
            assert {one.py_func.__module__ for one in called if isinstance(one, Dispatcher)} <= {name}
        seen += len(loops)
    assert seen >= 5
