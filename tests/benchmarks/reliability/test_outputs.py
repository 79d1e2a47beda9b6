from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import uproot

from rs3l_gnn.benchmarks.reliability.outputs import differences, leftovers


def _write(folder: Path, value: float, seconds: float) -> Path:
    (folder / "inside").mkdir(parents=True)
    with uproot.recreate(folder / "a.root") as file:
        file.mktree("Events", {"x": "float64"})
        file["Events"].extend({"x": np.array([1.0, value])})
    (folder / "inside" / "a.json").write_text(json.dumps({"mu": value, "seconds": {"total": seconds}}))
    np.savez(folder / "a.npz", a=np.array([value]))
    (folder / "page.html").write_text(str(seconds))
    return folder


def test_arrays_and_numbers_count_and_times_do_not(tmp_path: Path) -> None:
    one = _write(tmp_path / "one", 2.0, 1.0)
    assert differences(one, _write(tmp_path / "two", 2.0, 7.0)) == []
    other = _write(tmp_path / "three", 3.0, 1.0)
    assert differences(one, other) == ["a.npz", "a.root", "inside/a.json"]
    (other / "more").touch()
    assert "more" in differences(one, other)
    assert differences(one / "a.npz", other / "a.npz") == [""]


def test_hidden_files_are_left_over(tmp_path: Path) -> None:
    (tmp_path / "a" / ".x.partial-1").mkdir(parents=True)
    h5py.File(tmp_path / "b.h5", "w").close()
    assert leftovers(tmp_path) == ["a/.x.partial-1"]
