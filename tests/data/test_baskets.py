"""Baskets that are written here by hand, and those that uproot wrote and reads."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot

from rs3l_gnn.data.baskets import read_basket
from rs3l_gnn.data.opening import open_events

_START = 1000


class Bytes:
    """A source of uproot: some bytes at a place of a file."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def chunk(self, start: int, stop: int) -> Any:
        """As uproot's sources give them."""
        return uproot.source.chunk.Chunk.wrap(self, self.content[start - _START : stop - _START], start)


def _basket(numbers: bytes, *, entries: int, places: list[int] | None = None, **wrong: int) -> bytes:
    """A basket that is not compressed, as ROOT's description of its format says."""
    name = b"\x07TBasket\x01x\x06Events"
    key_size = 26 + len(name) + 19
    tail = b"" if places is None else struct.pack(f">{len(places)}i", *places)
    said = {"n_bytes": key_size + len(numbers) + len(tail), "unpacked": len(numbers) + len(tail), "entries": entries}
    said |= {"last": key_size + len(numbers), "key_size": key_size, **wrong}
    key = struct.pack(">ihiIhhii", said["n_bytes"], 4, said["unpacked"], 0, said["key_size"], 0, _START, 100) + name
    return key + struct.pack(">HiiiiB", 3, 32000, 1000, said["entries"], said["last"], 0) + numbers + tail


_KEY_SIZE = 26 + 17 + 19


def test_numbers_and_places_are_those_that_were_written() -> None:
    content = _basket(struct.pack(">3i", 7, 8, 9), entries=3)
    found = read_basket(Bytes(content), _START, len(content))
    assert found is not None
    assert (found.entries, found.offsets) == (3, None)
    assert found.data.view(">i4").tolist() == [7, 8, 9]
    places = [3, _KEY_SIZE, _KEY_SIZE + 8, _KEY_SIZE + 8, 0]
    content = _basket(struct.pack(">3i", 7, 8, 9), entries=3, places=places)
    found = read_basket(Bytes(content), _START, len(content))
    assert found is not None
    assert found.offsets is not None
    assert found.offsets.tolist() == [0, 8, 8, 12]
    assert found.data.view(">i4").tolist() == [7, 8, 9]


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_bytes": 90},
        {"unpacked": 0},
        {"unpacked": -4},
        {"key_size": 20},
        {"key_size": 30_000},
        {"last": 10},
        {"last": 30_000},
        {"last": _KEY_SIZE + 4},
        {"entries": 4},
    ],
    ids=str,
)
def test_a_basket_that_disagrees_with_itself_is_left_to_uproot(wrong: dict[str, int]) -> None:
    right = {"entries": 3}
    places = [3, _KEY_SIZE, _KEY_SIZE + 4, _KEY_SIZE + 8, 0]
    content = _basket(struct.pack(">3i", 7, 8, 9), places=places, **{**right, **wrong})
    assert read_basket(Bytes(content), _START, len(content)) is None


def test_what_is_no_place_of_a_basket_is_left_to_uproot() -> None:
    content = _basket(struct.pack(">3i", 7, 8, 9), entries=3)
    assert read_basket(Bytes(content), 0, len(content)) is None
    assert read_basket(Bytes(content), _START, 40) is None
    assert read_basket(Bytes(content), _START, 0) is None


@pytest.mark.parametrize(
    "compression", [None, uproot.ZLIB(1), uproot.LZMA(1), uproot.LZ4(1), uproot.ZSTD(1)], ids=lambda c: type(c).__name__
)
def test_baskets_are_those_of_uproot(compression: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    with uproot.recreate(tmp_path / "a.root", compression=compression) as file:
        tree = file.mktree("Events", {"x": "float32", "n": "int64", "y": "var * float64"})
        for n in (5, 300):
            lists = [rng.integers(0, 9, count).astype(float) for count in rng.integers(0, 6, n)]
            tree.extend({"x": rng.integers(0, 9, n).astype("f4"), "n": np.arange(n), "y": lists})
    with open_events(str(tmp_path / "a.root")) as file:
        for branch in file["Events"].branches:
            for number in range(2):
                expected = branch.basket(number)
                place = int(branch.member("fBasketSeek")[number])
                found = read_basket(file.file.source, place, branch.basket_compressed_bytes(number))
                assert found is not None
                assert found.entries == expected.num_entries
                assert found.data.tolist() == expected.data.tolist()
                if expected.byte_offsets is None:
                    assert found.offsets is None
                else:
                    assert found.offsets is not None
                    assert found.offsets.tolist() == expected.byte_offsets.tolist()
