from __future__ import annotations

import builtins
import io
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hist
import lz4.frame  # type: ignore[import-untyped]  # ships no type information
import numpy as np
import pytest

from rs3l_gnn.processors.generated import GeneratedEvents
from rs3l_gnn.running.checkpoints import ChunkFolder
from rs3l_gnn.running.stored_results import pack, unpack


class _Own:
    """A class of a user's module."""

    def __init__(self, value: int) -> None:
        self.value = value


class _Calls:
    """What pickles as the call of a function."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.call


def test_results_come_back() -> None:
    filled = hist.Hist.new.Reg(3, 0, 1, name="score").StrCat([], growth=True, name="variation").Weight()
    filled.fill(score=[0.1, 0.5, 0.5], variation="nominal", weight=[1, 2, 3])
    result = {
        "histogram": filled,
        "numbers": (np.arange(6.0).reshape(2, 3)[:, ::2], np.float32(2.5), np.array(["a", "bc"])),
        "generated": GeneratedEvents("a.root", 3, 2.5),
        "models": {"x", "y"},
    }
    found = unpack(pack(result), modules=["builtins"])
    assert found["histogram"] == filled
    assert found["numbers"][0].tolist() == [[0, 2], [3, 5]]
    assert (found["numbers"][1], found["numbers"][2].tolist()) == (2.5, ["a", "bc"])
    assert (found["generated"], found["models"]) == (result["generated"], {"x", "y"})


def test_classes_of_the_processors_module_come_back_there_only() -> None:
    packed = pack({"a": _Own(3)})
    assert unpack(packed, modules=[__name__])["a"].value == 3
    with pytest.raises(pickle.UnpicklingError, match="asks to import .*_Own"):
        unpack(packed, modules=["another"])


@pytest.mark.parametrize(
    ("function", "arguments"),
    [(Path.touch, ()), (builtins.open, ("w",)), (io.open, ("w",)), (shutil.copyfile, (__file__,)[::-1])],
)
def test_a_call_is_refused_and_nothing_runs(
    function: Callable[..., Any], arguments: tuple[str, ...], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    trap = tmp_path / "trap"
    calls = _Calls(function, *((__file__, str(trap)) if function is shutil.copyfile else (trap, *arguments)))
    store = ChunkFolder(tmp_path, "0" * 64, resume=True)
    path = store.path({"dataset": "a"})
    path.parent.mkdir()
    path.write_bytes(lz4.frame.compress(pickle.dumps({"out": calls})))
    assert store.load({"dataset": "a"}) is None
    assert not trap.exists()
    assert [record.message.count("it asks to import") for record in caplog.records] == [1]


@pytest.mark.parametrize(
    "name",
    [
        b"rs3l_gnn.running.checkpoints\nos.system",
        b"rs3l_gnn.running.checkpoints\nfile_digest",
        b"rs3l_gnn.running.checkpoints\nPath",
        b"rs3l_gnn.running.checkpoints\ncode_digest",
        b"hist.hist\nbh",
        b"builtins\neval",
        b"histogram\nx",
    ],
)
def test_names_that_a_module_imports_are_not_its_classes(name: bytes) -> None:
    with pytest.raises(pickle.UnpicklingError, match="it asks to import"):
        unpack(lz4.frame.compress(b"c" + name + b"\n."), modules=["builtins"])


def test_a_length_beyond_all_memory_is_refused() -> None:
    opcode = b"\x8e" + (2**60).to_bytes(8, "little")  # bytes of this length, of which none follow
    content = lz4.frame.compress(b"\x80\x04" + opcode + b".")
    with pytest.raises(pickle.UnpicklingError, match="more memory than there is"):
        unpack(content)


def test_a_small_result_of_a_gigabyte_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rs3l_gnn.running.stored_results._LARGEST", 2**20)
    content = pack(np.zeros(2**20 - 1000, np.uint8))
    assert len(content) < 10_000
    assert not unpack(content, modules=["a"]).any()
    with pytest.raises(pickle.UnpicklingError, match="it holds more than 1 MB"):
        unpack(pack(np.zeros(2**20, np.uint8)), modules=["a"])
