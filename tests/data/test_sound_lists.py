"""Lists of damaged files: what uproot takes for them is not handed on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from rs3l_gnn.data import get_format
from rs3l_gnn.data.event_tables import read_events
from rs3l_gnn.data.sound_lists import sound


def _lists(*offsets: int) -> ak.Array:
    content = ak.contents.NumpyArray(np.arange(6.0))
    return ak.Array(ak.contents.ListOffsetArray(ak.index.Index64(np.array(offsets)), content))


@pytest.mark.parametrize("offsets", [(0, 2, 3, 6), (0, 0, 0), (1, 1, 6)])
def test_good_lists_are_handed_on(offsets: tuple[int, ...]) -> None:
    lists = _lists(*offsets)
    assert sound(lists, "a.root") is lists
    numbers = np.arange(3)
    assert sound(numbers, "a.root") is numbers


@pytest.mark.parametrize("offsets", [(0, 2, 1, 6), (0, 2, 7), (-1, 2, 6)])
def test_others_are_not(offsets: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"lists do not lie in their baskets in file a\.root$"):
        sound(ak.zip({"y": _lists(*offsets)}, depth_limit=1), "a.root")


def test_a_file_that_uproot_reads_by_itself(misplaced: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """As one from a server: the second list begins far behind the last number."""
    path = misplaced("FatJet_pt", 1, 400)
    monkeypatch.setattr("rs3l_gnn.data.opening.is_local", lambda _: False)
    with uproot.open({str(path): None}) as file, pytest.raises(ValueError, match=f"in file {path}"):
        read_events(file["Events"], get_format("pfnano"), ["FatJet_pt"])
