from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import uproot

from rs3l_gnn.conventions import InputFileError, expansion
from rs3l_gnn.conventions.expansion import bound_baskets, open_arrays, require_bounded

MB = 2**20


def test_64_mb_and_20_times_the_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(2 * MB))
    require_bounded(path, 104 * MB)
    with pytest.raises(InputFileError, match=r"would take 104 MB of memory; got a file of 2 MB; allowed: 64 MB and"):
        require_bounded(path, 104 * MB + 1)


def test_a_small_archive_of_a_large_array(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "good.npz", a=np.arange(5))
    with open_arrays(tmp_path / "good.npz") as arrays:
        assert arrays["a"].tolist() == [0, 1, 2, 3, 4]
    np.savez_compressed(tmp_path / "large.npz", a=np.zeros(100 * MB, np.uint8))
    assert (tmp_path / "large.npz").stat().st_size < MB
    with pytest.raises(InputFileError, match="would take 100 MB"), open_arrays(tmp_path / "large.npz"):
        pass


def test_what_must_be_unpickled_is_not_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "objects.npz", a=np.array([{}], dtype=object))
    with open_arrays(tmp_path / "objects.npz") as arrays, pytest.raises(ValueError, match="allow_pickle"):
        arrays["a"]


def test_a_basket_that_says_that_it_holds_much_more_than_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = uproot.compression.decompress.hook_before_block
    monkeypatch.setattr(uproot.compression.decompress, "hook_before_block", before)
    bound_baskets()
    path = tmp_path / "zeros.root"
    with uproot.recreate(path) as file:
        file.mktree("Events", {"x": "float64"}).extend({"x": np.zeros(200_000)})
    with uproot.open(path) as file:
        assert file["Events"]["x"].array(library="np").sum() == 0
    # 1.6 MB of zeros take some kilobytes; the bounds are for hundreds of MB.
    monkeypatch.setattr(expansion, "_BASKET_FREE", MB)
    monkeypatch.setattr(expansion, "_BASKET_RATIO", 10)
    with (
        uproot.open(path) as file,
        pytest.raises(InputFileError, match=r"zeros.root: a basket would take 1\.53 MB of memory; got \d+ bytes"),
    ):
        file["Events"]["x"].array()
