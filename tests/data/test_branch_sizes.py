"""Sizes of branches against those of their baskets, and of the numbers that stand in them."""

from __future__ import annotations

from pathlib import Path

import awkward as ak
import numpy as np
import uproot

from rs3l_gnn.data.branch_sizes import compressed_bytes

_LISTS = ak.values_astype(ak.Array([[1, 2], [], [3], [4, 5, 6]]), np.float32)


def test_a_branch_has_the_bytes_of_its_baskets(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "a.root") as file:
        tree = file.mktree("Events", {"x": "float64", "y": "var * float32"})
        for _ in range(3):
            tree.extend({"x": np.arange(4.0), "y": _LISTS})
    with uproot.open(tmp_path / "a.root") as file:
        for name in ("x", "y"):
            branch = file["Events"][name]
            assert branch.num_baskets == 3
            assert compressed_bytes(branch) == sum(branch.basket_compressed_bytes(number) for number in range(3)) > 3


def test_a_field_has_the_bytes_of_its_numbers_and_offsets(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "b.root", compression=uproot.ZLIB(0)) as file:
        ntuple = file.mkrntuple("Events", {"x": np.float64, "y": "var * float32"})
        for _ in range(2):
            ntuple.extend({"x": np.arange(4.0), "y": _LISTS})
    with uproot.open(tmp_path / "b.root") as file:
        assert compressed_bytes(file["Events"]["x"]) == 2 * 4 * 8
        assert compressed_bytes(file["Events"]["y"]) == 2 * (4 * 8 + 6 * 4)
