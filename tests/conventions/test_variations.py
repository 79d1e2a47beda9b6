from __future__ import annotations

import json

import pytest

from rs3l_gnn.conventions import VARIATIONS, UnknownVariationError, Variation, get_variation, select_variations


def test_published_numbers() -> None:
    numbers = {name: VARIATIONS[name].vartype for name in ("nominal", "seed", "fsrRenHi", "fsrRenLo", "herwig")}
    assert numbers == {"nominal": -1, "seed": 0, "fsrRenHi": 1, "fsrRenLo": 2, "herwig": 3}
    assert VARIATIONS["fsrRenHi"].settings == ("TimeShower:renormMultFac=0.707",)
    assert VARIATIONS["fsrRenLo"].settings == ("TimeShower:renormMultFac=1.414",)


def test_up_is_the_larger_scale() -> None:
    assert VARIATIONS["fsrRenLo"].axis_name == "fsrUp"
    assert VARIATIONS["fsrRenHi"].axis_name == "fsrDown"


def test_numbers_and_axis_names_are_unique() -> None:
    assert len({v.vartype for v in VARIATIONS.values()}) == len(VARIATIONS)
    assert len({v.axis_name for v in VARIATIONS.values()}) == len(VARIATIONS)


def test_two_sided_sources_have_both_sides() -> None:
    sides: dict[str, set[str | None]] = {}
    for variation in VARIATIONS.values():
        if variation.source is not None and variation.two_sided:
            sides.setdefault(variation.source, set()).add(variation.direction)
    assert sides
    assert all(found == {"Up", "Down"} for found in sides.values())


def test_seed_is_never_a_nuisance() -> None:
    assert VARIATIONS["seed"].source is None
    assert VARIATIONS["seed"].axis_name == "seed"


def test_unknown_name_lists_what_is_known() -> None:
    with pytest.raises(UnknownVariationError, match=r"unknown variation 'fsr_dn' in a.yaml; allowed: nominal, seed"):
        get_variation("fsr_dn", where="a.yaml")


def test_selection_puts_nominal_first_and_refuses_repeats() -> None:
    assert [v.name for v in select_variations(["seed", "nominal"])] == ["nominal", "seed"]
    with pytest.raises(UnknownVariationError, match="named twice"):
        select_variations(["seed", "seed"])


@pytest.mark.parametrize("name", list(VARIATIONS))
def test_a_stored_record_gives_the_variation_back(name: str) -> None:
    record = json.loads(json.dumps(VARIATIONS[name].record()))
    assert Variation.from_record(record, where="a.root") == VARIATIONS[name]


@pytest.mark.parametrize("record", [{}, {"name": "a", "vartype": 1}, {**VARIATIONS["seed"].record(), "colour": "red"}])
def test_an_unusable_record_is_refused(record: dict[str, object]) -> None:
    with pytest.raises(UnknownVariationError, match=r"a\.root holds an unusable record"):
        Variation.from_record(record, where="a.root")


def test_other_words_are_no_other_variation() -> None:
    """Files keep the description of their time; the settings make a variation."""
    vincia = VARIATIONS["vincia"]
    older = Variation.from_record({**vincia.record(), "description": "older words"}, where="a file")
    assert older == vincia
    assert Variation.from_record({**vincia.record(), "vartype": 99}, where="a file") != vincia
