from __future__ import annotations

import datetime as dt
import io
import time
import uuid
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from rs3l_gnn.simulation.timeless import without_dates


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """The same file, written twice with more than a second between."""
    rng = np.random.default_rng(4)
    jets = ak.unflatten(rng.random(3000), rng.multinomial(3000, np.full(100, 0.01)))
    contents = []
    for _ in range(2):
        path = tmp_path_factory.mktemp("file") / "a.root"
        with uproot.recreate(path, compression=uproot.ZLIB(1), uuid_function=lambda: uuid.UUID(int=3)) as file:
            tree = file.mktree("Events", {"event": "i8", "pt": ak.type(jets).content})
            tree.extend({"event": np.arange(100), "pt": jets})
            tree.extend({"event": np.arange(100), "pt": jets})  # the tree moves and leaves a gap
            file["text"] = "words " * 500
        contents.append(path.read_bytes())
        time.sleep(1.1)
    return contents[0], contents[1]


def test_only_dates_and_gaps_differ(files: tuple[bytes, bytes]) -> None:
    assert files[0] != files[1]
    frozen = without_dates(files[0])
    assert frozen == without_dates(files[1])
    assert len(frozen) == len(files[0])
    assert without_dates(frozen) == frozen
    with uproot.open(io.BytesIO(files[0])) as before, uproot.open(io.BytesIO(frozen)) as after:
        assert before["Events"].arrays().to_list() == after["Events"].arrays().to_list()
        assert after["Events"].num_entries == 200
        assert str(after["text"]) == "words " * 500
        assert after.file.uuid == uuid.UUID(int=3)
        assert {key.created_on for key in (after.key("Events"), after.key("text"))} == {dt.datetime(2000, 1, 1)}


def test_a_file_can_be_added_to_afterwards(files: tuple[bytes, bytes], tmp_path: Path) -> None:
    path = tmp_path / "a.root"
    path.write_bytes(without_dates(files[0]))
    with uproot.update(path) as file:
        file["more"] = "later"
    with uproot.open(path) as file:
        assert str(file["more"]) == "later"
        assert file["Events"].num_entries == 200
