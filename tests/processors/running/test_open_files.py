"""One opening for all chunks of a file, and a new one where the file is another."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import uproot

from rs3l_gnn.processors.running.open_files import KeptFile, close_file, keep_open


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


def _open(path: Path) -> KeptFile:
    return keep_open(_item(path), timeout=5)


def _numbers(kept: KeptFile) -> list[int]:
    numbers: list[int] = kept.tree["x"].array(library="np").tolist()
    return numbers


def test_the_tree_of_a_file_is_read_once(path: Path, tmp_path: Path) -> None:
    kept = _open(path)
    assert _numbers(kept) == [0, 1, 2, 3, 4]
    assert _open(path) is kept
    other = _open(_write(tmp_path / "b.root", 2))
    assert other is not kept
    assert kept.directory.file.closed
    assert _numbers(other) == [0, 1]


def test_files_with_the_same_branches_share_what_is_made_of_them(path: Path, tmp_path: Path) -> None:
    kept = _open(path)
    kept.shared["made"] = 1
    assert _open(_write(tmp_path / "b.root", 9)).shared == {"made": 1}
    with uproot.recreate(tmp_path / "c.root") as file:
        file.mktree("Events", {"x": "int64", "y": "int64"}).extend(dict.fromkeys("xy", np.arange(5)))
    assert _open(tmp_path / "c.root").shared == {}
    del kept.shared["made"]


def test_a_file_that_is_written_anew_is_read_anew(path: Path) -> None:
    before = _open(path)
    path.unlink()
    _write(path, 7)
    after = _open(path)
    assert after is not before
    assert len(_numbers(after)) == 7


def test_a_closed_file_is_opened_again(path: Path) -> None:
    before = _open(path)
    close_file()
    close_file()  # twice is as good
    assert before.directory.file.closed
    after = _open(path)
    assert after is not before
    assert _numbers(after) == [0, 1, 2, 3, 4]


def test_what_cannot_be_opened_is_an_error_each_time(tmp_path: Path, path: Path) -> None:
    (tmp_path / "bad.root").write_bytes(b"no such format")
    for _ in range(2):
        with pytest.raises(OSError, match="expected Chunk of length"):
            _open(tmp_path / "bad.root")
    with pytest.raises(uproot.KeyInFileError):
        keep_open(SimpleNamespace(filename=str(path), treename="none", fileuuid=b""), timeout=5)
    assert _numbers(_open(path)) == [0, 1, 2, 3, 4]


def test_arrays_are_forgotten(path: Path) -> None:
    kept = _open(path)
    kept.tree._tree["x"].array(library="np")
    assert len(kept.directory.file.array_cache) == 1
    kept.forget_arrays()
    assert len(kept.directory.file.array_cache) == 0


@pytest.mark.parametrize("cuts", [(0, 5), (0, 1, 5), (0, 2, 3, 3, 5)])
def test_chunks_have_the_bytes_of_the_file_together(path: Path, cuts: tuple[int, ...]) -> None:
    total = 0
    for start, stop in pairwise(cuts):
        item = _item(path, start, stop)
        total += keep_open(item, timeout=5).size(item, ["x"])
    with uproot.open(path) as file:
        assert total == file["Events"]["x"].basket_compressed_bytes(0) > 5 * 8


def test_a_file_without_events_has_no_bytes(tmp_path: Path) -> None:
    item = _item(_write(tmp_path / "empty.root", 0), 0, 0)
    assert keep_open(item, timeout=5).size(item, ["x"]) == 0
    close_file()


def test_threads_do_not_share(path: Path) -> None:
    mine = _open(path)
    with ThreadPoolExecutor(1) as pool:
        theirs = pool.submit(_open, path).result()
        pool.submit(close_file).result()
    assert theirs is not mine
    assert theirs.directory.file.closed
    assert not mine.directory.file.closed
