"""None in lists of jets, by hand."""

from __future__ import annotations

import awkward as ak
import numpy as np
import pytest

from rs3l_gnn.data.missing_jets import with_none, without_none


def test_none_is_left_out_and_put_back() -> None:
    jets = ak.Array([[{"pt": 1.0}, None], [], [None], [{"pt": 2.0}]])
    kept = without_none(jets)
    assert kept.to_list() == [[{"pt": 1.0}], [], [], [{"pt": 2.0}]]
    present = np.array([True, False, False, True])
    assert with_none(np.array([5.0, 6.0]), present).to_list() == [5.0, None, None, 6.0]


@pytest.mark.parametrize("n", [0, 2])
def test_rows_of_several_numbers(n: int) -> None:
    present = np.array([False] * 2 + [True] * n)
    rows = with_none(np.arange(3.0 * n).reshape(n, 3), present)
    assert rows.to_list() == [None, None, *np.arange(3.0 * n).reshape(n, 3).tolist()]
    assert str(rows.type).endswith("?3 * float64") or "option[3 * float64]" in str(rows.type)
