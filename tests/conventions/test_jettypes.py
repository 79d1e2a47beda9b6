from __future__ import annotations

import pytest

from rs3l_gnn.conventions import (
    ConfigError,
    InputFileError,
    InvalidDataError,
    JetLabel,
    JetType,
    jettype_names,
    jettype_numbers,
    merge_labels,
    own_label,
)

PUBLISHED = "Q C B H_BB G_QQ G_CC G_BB GG Z_BB Z_QQ W_QQ"


def test_the_numbers_of_the_public_files() -> None:
    """arXiv:2403.07066: 1 q, 2 c, 3 b, 4 H->bb, 5 to 8 gluons, 9 and 10 Z, 11 W."""
    assert [int(JetType[name]) for name in PUBLISHED.split()] == list(range(1, 12))
    assert (JetType.H_CC, JetType.TOP_BQQ) == (12, 13)


def test_a_coarse_label_stands_for_finer_ones() -> None:
    own = (own_label("Z_SS", within="Z_QQ"), own_label("A_GG"))
    assert jettype_numbers(["W_QQ"]) == {11, JetType.W_UD, JetType.W_CS, JetType.TOP_QQ}
    assert jettype_numbers(["Z_QQ", "A_GG"], own) == {10, JetType.Z_UDS, JetType.Z_CC, own[0].number, own[1].number}
    assert jettype_numbers(["W_CS"]) == {22}
    with pytest.raises(ConfigError, match="class 'x': unknown jet type 'A_GG'"):
        jettype_numbers(["A_GG"], where="class 'x'")


def test_own_labels_travel_with_files() -> None:
    one = own_label("A_GG", description="pseudoscalar")
    assert JetLabel.from_record(one.record(), where="file") == one
    assert jettype_names([one])[one.number] == "A_GG"
    assert merge_labels([(one,), (own_label("A_GG"),), ()]) == (one,)
    with pytest.raises(InvalidDataError, match="'A_GG' and 'other' have the same number"):
        merge_labels([(one,), (JetLabel("other", one.number),)])
    with pytest.raises(InputFileError, match="unusable label"):
        JetLabel.from_record({"name": "x"}, where="file")
