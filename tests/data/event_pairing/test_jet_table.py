"""Selected jets as columns, compared with loops over jets by hand."""

from __future__ import annotations

import awkward as ak
import numpy as np
import pytest

from rs3l_gnn.conventions import JetType
from rs3l_gnn.data.event_pairing.config import JetSelectionConfig
from rs3l_gnn.data.event_pairing.jet_table import JET_NUMBERS, JetTable, read_jets

PT = [[500.0, 300.0, 250.0], [], [900.0, 280.0]]
ETA = [[-2.1, 0.3, 2.5], [], [0.0, -2.4]]


def _jets(**more: object) -> ak.Array:
    fields = {"pt": PT, "eta": ETA, "phi": [[0.1, 0.2, 0.3], [], [0.4, 0.5]], "mass": [[80.0] * 3, [], [170.0] * 2]}
    return ak.Array([*ak.zip({**fields, **more})])


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ({}, [(7, 0), (7, 1), (7, 2), (9, 0), (9, 1)]),
        ({"pt_min": 250.0}, [(7, 0), (7, 1), (9, 0), (9, 1)]),  # a jet at the cut is none
        ({"pt_max": 500.0}, [(7, 1), (7, 2), (9, 1)]),
        ({"abs_eta_max": 2.4}, [(7, 0), (7, 1), (9, 0)]),
        ({"pt_min": 290.0, "pt_max": 600.0, "abs_eta_max": 2.0}, [(7, 1)]),
        ({"pt_min": 1000.0}, []),
    ],
)
def test_cuts(selection: dict[str, float], expected: list[tuple[int, int]]) -> None:
    table, chosen = read_jets(_jets(), 7, JetSelectionConfig(**selection))
    assert list(zip(table.row.tolist(), table.place.tolist(), strict=True)) == expected
    flat = [(7 + event, place) for event, jets in enumerate(PT) for place in range(len(jets))]
    assert chosen.tolist() == [flat.index(jet) for jet in expected]
    assert table.numbers["pt"].tolist() == [PT[row - 7][place] for row, place in expected]
    assert len(table) == len(expected)


def test_columns_that_a_format_lacks_are_not_known() -> None:
    table, _ = read_jets(_jets(msoftdrop=[[1.0, 2.0, 3.0], [], [4.0, 5.0]]), 0, JetSelectionConfig(pt_min=260.0))
    assert list(table.numbers) == list(JET_NUMBERS)
    assert table.numbers["msoftdrop"].tolist() == [1.0, 2.0, 4.0, 5.0]
    assert np.isnan(table.numbers["n2b1"]).all()
    assert set(table.jettype) == {JetType.UNMATCHED}
    assert table.is_anchor is None


def test_parts_are_joined_in_order() -> None:
    flags = [[True, False, False], [], [False, True]]
    cut = JetSelectionConfig(pt_min=290.0)
    parts = [read_jets(_jets(anchor=flags), start, cut)[0] for start in (0, 3)]
    whole = JetTable.join(parts)
    assert whole.row.tolist() == [0, 0, 2, 3, 3, 5]
    assert whole.place.tolist() == [0, 1, 0] * 2
    assert whole.is_anchor is not None
    assert whole.is_anchor.tolist() == [True, False, False] * 2
    # What one part does not say is not known of the whole.
    assert JetTable.join([parts[0], read_jets(_jets(), 3, cut)[0]]).is_anchor is None
