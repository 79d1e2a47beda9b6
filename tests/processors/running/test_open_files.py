"""One opening for all chunks of a file, and a new one where the file is another."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import uproot

from rs3l_gnn.processors.running.open_files import LentTrees, close_file, kept_open


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    yield _write(tmp_path / "a.root", 5)
    close_file()


def _write(path: Path, events: int) -> Path:
    with uproot.recreate(path, compression=None) as file:
        file.mktree("Events", {"x": "int64"}).extend({"x": np.arange(events)})
    return path


def _item(path: Path, start: int = 0, stop: int = 5) -> Any:
    return SimpleNamespace(filename=str(path), treename="Events", fileuuid=b"", entrystart=start, entrystop=stop)


def _read(path: Path, cache: LentTrees) -> tuple[Any, list[int]]:
    """The tree as coffea opens it, and its column."""
    with kept_open(_item(path), timeout=5), uproot.open({str(path): None}, object_cache=cache) as file:
        tree = file["Events"]
        return tree, tree["x"].array(library="np").tolist()


def test_the_tree_of_a_file_is_read_once(path: Path, tmp_path: Path) -> None:
    cache = pickle.loads(pickle.dumps(LentTrees()))  # noqa: S301  # our own bytes
    found = [_read(path, cache) for _ in range(3)]
    assert found[0][0] is found[1][0] is found[2][0]
    assert all(values == [0, 1, 2, 3, 4] for _, values in found)
    other, values = _read(_write(tmp_path / "b.root", 2), cache)
    assert other is not found[0][0]
    assert values == [0, 1]


def test_a_file_that_is_written_anew_is_read_anew(path: Path) -> None:
    cache = LentTrees()
    before, *_ = _read(path, cache)
    path.unlink()
    _write(path, 7)
    after, values = _read(path, cache)
    assert after is not before
    assert len(values) == 7


def test_a_second_try_reads_everything_anew(path: Path) -> None:
    cache = LentTrees()
    with kept_open(_item(path), timeout=5):
        trees = []
        for _ in range(2):
            with uproot.open({str(path): None}, object_cache=cache) as file:
                trees.append(file["Events"])
    assert trees[0] is not trees[1]
    assert not trees[0].file.closed  # the kept one's
    assert trees[1].file.closed


def test_an_error_gives_the_file_up(path: Path) -> None:
    cache = LentTrees()
    tree, *_ = _read(path, cache)
    with pytest.raises(ValueError, match="mine"), kept_open(_item(path), timeout=5):
        raise ValueError("mine")
    assert tree.file.closed
    assert _read(path, cache)[0] is not tree


def test_what_cannot_be_opened_is_left_to_who_reads_it(tmp_path: Path) -> None:
    (tmp_path / "bad.root").write_bytes(b"no such format")
    with kept_open(_item(tmp_path / "bad.root"), timeout=5):
        assert LentTrees().get("any") is None
    with pytest.raises(KeyError):
        LentTrees()["outside of any chunk"]


@pytest.mark.parametrize("cuts", [(0, 5), (0, 1, 5), (0, 2, 3, 3, 5)])
def test_chunks_have_the_bytes_of_the_file_together(path: Path, cuts: tuple[int, ...]) -> None:
    total = 0
    for start, stop in pairwise(cuts):
        with kept_open(_item(path, start, stop), timeout=5) as size:
            total += size(["x"])
    with uproot.open(path) as file:
        assert total == file["Events"]["x"].basket_compressed_bytes(0) > 5 * 8


def test_a_file_without_events_has_no_bytes(tmp_path: Path) -> None:
    with kept_open(_item(_write(tmp_path / "empty.root", 0), 0, 0), timeout=5) as size:
        assert size(["x"]) == 0
    close_file()


def test_threads_do_not_share(path: Path) -> None:
    cache = LentTrees()
    mine, *_ = _read(path, cache)
    with ThreadPoolExecutor(1) as pool:
        theirs, *_ = pool.submit(_read, path, cache).result()
        pool.submit(close_file).result()
    assert theirs is not mine
    assert theirs.file.closed
    assert not mine.file.closed
