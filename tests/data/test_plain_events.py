"""Events put together column by column are those of uproot and awkward."""

from __future__ import annotations

from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from rs3l_gnn.data import get_format
from rs3l_gnn.data.event_tables import as_records, read_events
from rs3l_gnn.data.opening import open_events
from rs3l_gnn.data.plain_events import plain_events

_NAMES = ["event", "Jet_pt", "Jet_good", "MET_pt", "MET_phi", "weights"]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plain") / "a.root"
    rng = np.random.default_rng(2)
    types = {"event": np.uint64, "MET_pt": np.float32, "MET_phi": np.float32, "text": "string"}
    lists = {"Jet": "var * {pt: float32, good: bool}", "weights": "var * float32", "Other_a": "var * int32"}
    lists["Other_b"] = "var * int32"
    with uproot.recreate(path) as file:
        file.mktree("Events", {**types, **lists})
        for n in (20, 13):
            counts = rng.integers(0, 4, n)
            total = int(counts.sum())
            one = ak.unflatten(np.arange(total, dtype=np.int32), counts)
            jets = {"pt": rng.normal(size=total).astype(np.float32), "good": rng.random(total) < 0.5}
            file["Events"].extend(
                {
                    "event": np.arange(n, dtype=np.uint64),
                    **{name: rng.normal(size=n).astype(np.float32) for name in ("MET_pt", "MET_phi")},
                    "text": ["a"] * n,
                    "Jet": ak.zip({name: ak.unflatten(values, counts) for name, values in jets.items()}),
                    "weights": ak.unflatten(rng.normal(size=2 * n).astype(np.float32), np.full(n, 2)),
                    "Other_a": one,
                    "Other_b": one[:, :1],
                }
            )
    return path


@pytest.mark.parametrize("entries", [{}, {"entry_start": 3, "entry_stop": 30}, {"entry_start": 20}])
def test_events_are_those_of_uproot(path: Path, entries: dict[str, int]) -> None:
    form = get_format("nanoaod")
    with open_events(str(path)) as file:
        found = plain_events(file["Events"], form.separator, _NAMES, **entries)
        expected = as_records(file["Events"].arrays(_NAMES, **entries), form)
        assert found is not None
        assert found.to_list() == expected.to_list()
        assert str(ak.type(found)) == str(ak.type(expected))
        assert read_events(file["Events"], form, _NAMES, **entries).to_list() == expected.to_list()


def test_others_are_left_to_uproot(path: Path) -> None:
    with open_events(str(path)) as file:
        tree = file["Events"]
        assert plain_events(tree, "_", ["event", "text"]) is None
        assert plain_events(tree, "_", ["Other_a", "Other_b"]) is None  # lists of other lengths
        assert plain_events(tree, "_", ["event"], entry_start=4, entry_stop=4) is None
        found = plain_events(tree, "", ["Other_a", "Other_b"])
        assert found is not None
        assert ak.num(found.Other_b).to_list() == np.minimum(ak.num(found.Other_a), 1).to_list()
