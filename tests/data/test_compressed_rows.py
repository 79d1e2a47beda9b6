"""Rows that threads compress, compared with the filters of HDF5 itself."""

from __future__ import annotations

import itertools
import zlib
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from rs3l_gnn.data import compressed_rows
from rs3l_gnn.data.compressed_rows import CompressedRows, compressing_threads

_CHUNK = 64


def _dataset(file: Any) -> Any:
    filters = {"shuffle": True, "compression": "gzip", "compression_opts": 1}
    return file.create_dataset("x", (0, 3), np.float32, maxshape=(None, 3), chunks=(_CHUNK, 1), **filters)


def _write(path: Path, blocks: list[NDArray[np.float32]]) -> None:
    with h5py.File(path, "w") as file, compressing_threads() as threads:
        rows = CompressedRows(_dataset(file), threads)
        for block in blocks:
            rows.append(block)
        rows.finish()


@pytest.mark.parametrize("n", [0, 1, 63, 64, 65, 3000])
def test_the_data_set_is_that_of_hdf5(tmp_path: Path, n: int) -> None:
    rng = np.random.default_rng(n)
    values = np.round(rng.normal(size=(n, 3)), 1).astype(np.float32)
    blocks = np.split(values, np.sort(rng.integers(0, n + 1, 7)))
    _write(tmp_path / "ours.h5", blocks)
    with h5py.File(tmp_path / "theirs.h5", "w") as file:
        dataset = _dataset(file)
        dataset.resize(n, axis=0)
        dataset[:] = values
    with h5py.File(tmp_path / "ours.h5") as ours, h5py.File(tmp_path / "theirs.h5") as theirs:
        np.testing.assert_array_equal(ours["x"][:], values)
        np.testing.assert_array_equal(ours["x"][:], theirs["x"][:])
        for place in itertools.product(range(0, n, _CHUNK), range(3)):
            chunks = [file["x"].id.read_direct_chunk(place)[1] for file in (ours, theirs)]
            assert zlib.decompress(chunks[0]) == zlib.decompress(chunks[1])


def test_what_threads_cannot_do_is_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(data: object) -> bytes:
        raise ValueError("nothing is compressed here")

    monkeypatch.setattr(compressed_rows, "compress", refuse)
    with h5py.File(tmp_path / "x.h5", "w") as file, compressing_threads() as threads:
        rows = CompressedRows(_dataset(file), threads)
        rows.append(np.zeros((_CHUNK, 3), np.float32))
        with pytest.raises(Exception, match="nothing is compressed"):
            rows.finish()
