"""Certified luminosity blocks against a loop over the ranges."""

from __future__ import annotations

import json
from pathlib import Path

import awkward as ak
import numpy as np
import pytest

from rs3l_gnn.conventions import InputFileError, MissingBranchError
from rs3l_gnn.processors.certified import certified_events, read_certified

GOLDEN = {"355100": [[1, 1], [3, 9], [20, 30]], "355103": [], "355110": [[5, 4000]]}


def test_blocks_inside_the_ranges(tmp_path: Path) -> None:
    path = tmp_path / "golden.json"
    path.write_text(json.dumps(GOLDEN))
    run, block = np.meshgrid([355100, 355101, 355103, 355110], np.arange(0, 40))
    events = ak.zip({"run": run.ravel().astype(np.uint32), "luminosityBlock": block.ravel().astype(np.uint32)})
    loops = [
        any(low <= event.luminosityBlock <= high for low, high in GOLDEN.get(str(event.run), [])) for event in events
    ]
    assert certified_events(events, path).tolist() == loops
    assert 20 < sum(loops) < 100
    assert read_certified(path)[355100] == [[1, 1], [3, 9], [20, 30]]
    with pytest.raises(MissingBranchError, match="lack luminosityBlock"):
        certified_events(events[["run"]], path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "no JSON document"),
        ("{}", "holds no certified blocks"),
        ('{"run": [[1, 2]]}', "a run that is no number; got 'run'"),
        ('{"1": [1, 2]}', "no ranges of blocks for run 1"),
        ('{"1": [[1, 2, 3]]}', "no ranges of blocks for run 1"),
        ('{"1": [["1", "2"]]}', "no ranges of blocks for run 1"),
        ('{"1": [[5, 2]]}', "do not rise, or overlap"),
        ('{"1": [[5, 9], [1, 2]]}', "do not rise, or overlap"),
        ('{"1": [[1, 5], [5, 9]]}', "do not rise, or overlap"),
        ('{"1": [[1, 4294967296]]}', "a block beyond 32 bits in run 1; got 4294967296"),
        ('{"1": [[9223372036854775808, 9223372036854775808]]}', "a block beyond 32 bits in run 1"),
        ('{"4294967296": [[1, 2]]}', "a run beyond 32 bits; got 4294967296"),
        (f'{{"{"9" * 5000}": [[1, 2]]}}', "a run beyond 32 bits"),
    ],
)
def test_other_documents_are_refused(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "golden.json").write_text(content)
    with pytest.raises(InputFileError, match=message):
        read_certified(tmp_path / "golden.json")


def test_the_last_block_of_32_bits_is_one(tmp_path: Path) -> None:
    path = tmp_path / "golden.json"
    path.write_text('{"4294967295": [[1, 4294967295]]}')
    events = ak.Array({"run": [4294967295, 4294967295, 1], "luminosityBlock": [4294967295, 0, 1]})
    assert certified_events(events, path).tolist() == [True, False, False]


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match=r"cannot read the certified blocks .*none.json"):
        read_certified(tmp_path / "none.json")
