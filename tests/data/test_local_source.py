"""Bytes of local files are those of the file, however they are asked for."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from rs3l_gnn.data import local_source
from rs3l_gnn.data.local_source import LocalSource

_CONTENT = np.random.default_rng(3).bytes(5000)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.bin"
    path.write_bytes(_CONTENT)
    return path


def _open(path: Path) -> LocalSource:
    return LocalSource(str(path), num_workers=1, use_threads=False)


@pytest.mark.parametrize("largest", [0, 10**6])
def test_bytes_are_those_of_the_file(path: Path, largest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_source, "_SMALL", largest)
    with _open(path) as source:
        for _ in range(2):
            for start, stop in ((0, 5000), (0, 1), (4999, 5000), (17, 17), (100, 4000)):
                chunk = source.chunk(start, stop)
                assert (chunk.start, chunk.stop) == (start, stop)
                assert chunk.raw_data.tobytes() == _CONTENT[start:stop]
        copy = pickle.loads(pickle.dumps(source))  # noqa: S301  # our own bytes
        assert copy.chunk(3, 9).raw_data.tobytes() == _CONTENT[3:9]
        copy.close()
        with pytest.raises(OSError, match="expected Chunk of length 200"):
            source.chunk(4900, 5100).wait()


def test_a_small_file_is_read_once(path: Path) -> None:
    with _open(path) as source:
        assert source.chunk(10, 20).raw_data.tobytes() == _CONTENT[10:20]
        path.write_bytes(bytes(5000))  # in its place: nothing of it is read any more
        assert source.chunk(30, 40).raw_data.tobytes() == _CONTENT[30:40]


def test_a_file_that_shrank_is_not_read(path: Path) -> None:
    with _open(path) as source:
        os.truncate(path, 100)
        with pytest.raises(OSError, match="expected Chunk of length"):
            source.chunk(50, 200)


def test_a_closed_file_gives_nothing(path: Path) -> None:
    source = _open(path)
    source.chunk(0, 9)
    source.close()
    with pytest.raises(Exception, match="closed"):
        source.chunk(0, 9).wait()
