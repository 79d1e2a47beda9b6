from __future__ import annotations

import pytest

from rs3l_gnn.conventions.lazy import lazy_names


def test_names_come_from_their_modules() -> None:
    load, names = lazy_names("rs3l_gnn.conventions", {"delta_phi": "angles", "JetType": "jettypes"})
    assert load("JetType").H_BB == 4
    assert names() == ["JetType", "delta_phi"]
    with pytest.raises(AttributeError, match="module 'rs3l_gnn.conventions' has no attribute 'nonsense'"):
        load("nonsense")
