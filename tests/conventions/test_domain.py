"""The kind of jets: what is known, what is joined, what is strange."""

import json

import pytest

from rs3l_gnn.conventions import FEATURE_NAMES, IMPACT_FEATURES, InvalidDataError, JetDomain, merge_domains

WIDE = JetDomain(radius=0.8, pt_min=450.0, pt_max=1500.0, formats=("pfnano",), missing_features=())


def test_the_record_survives_json_and_later_keys() -> None:
    assert JetDomain.from_record(json.loads(json.dumps(WIDE.record()))) == WIDE
    assert JetDomain.from_record({"radius": 0.4, "colour": "red"}) == JetDomain(radius=0.4)
    assert JetDomain.from_record(None) == JetDomain()
    assert JetDomain().record() == {}


def test_files_are_joined_to_what_all_of_them_say() -> None:
    other = JetDomain(radius=0.8, pt_min=300.0, pt_max=900.0, formats=("nanoaod15",), missing_features=IMPACT_FEATURES)
    joined = merge_domains([WIDE, other])
    assert joined == JetDomain(0.8, 300.0, 1500.0, ("pfnano", "nanoaod15"), IMPACT_FEATURES)
    # What one file does not say is unknown, but zeros in one file are zeros.
    assert merge_domains([other, JetDomain()]) == JetDomain(missing_features=IMPACT_FEATURES)
    assert merge_domains([]) == JetDomain()
    with pytest.raises(InvalidDataError, match="different radii do not go together; got 0.4, 0.8"):
        merge_domains([WIDE, JetDomain(radius=0.4)])


def test_a_range_widens_a_cut_that_does_not_hold() -> None:
    assert JetDomain(pt_min=450.0).with_range(450.2, 900.0) == JetDomain(pt_min=450.0, pt_max=900.0)
    assert JetDomain(pt_min=450.0).with_range(300.0, 900.0).pt_min == 300.0
    assert JetDomain().with_range(300.0, 900.0).pt_min == 300.0


def test_differences_are_said_where_both_sides_are_known() -> None:
    narrow = JetDomain(radius=0.4, formats=("nanoaod15", "pfnano"), missing_features=IMPACT_FEATURES)
    assert narrow.strange(WIDE) == (
        "jets of radius 0.4 where the network was trained on 0.8",
        "candidates as in nanoaod15, trained on pfnano",
    )
    assert narrow.strange(JetDomain()) == JetDomain().strange(WIDE) == WIDE.strange(WIDE) == ()
    assert narrow.lacking(FEATURE_NAMES) == IMPACT_FEATURES
    assert JetDomain().lacking(FEATURE_NAMES) == narrow.lacking(("charge",)) == ()
