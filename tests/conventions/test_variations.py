from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rs3l_gnn.conventions import (
    VARIATIONS,
    ConfigError,
    UnknownVariationError,
    Variation,
    get_variation,
    select_variations,
    variations,
)


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


_PLUGIN = """
from dataclasses import replace
from rs3l_gnn.conventions import own_variation

glosser = own_variation("glosser", settings=["TimeShower:pTmin=0.7"], one_sided=True)
numbered = replace(glosser, name="numbered")
"""


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Installs a package with one variation beside this one."""

    def install(point: str) -> None:
        (tmp_path / "my_variations.py").write_text(_PLUGIN)
        metadata = tmp_path / "my_variations-2.1.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: my-variations\nVersion: 2.1\n")
        (metadata / "entry_points.txt").write_text(f"[rs3l_gnn.variations]\nmine = {point}\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(sys.modules, "my_variations", raising=False)
        monkeypatch.setattr(variations, "_KNOWN", variations.installed_variations())

    return install


def test_another_package_brings_a_variation(plugin: Callable[[str], None]) -> None:
    plugin("my_variations:glosser")
    assert get_variation("glosser").settings == ("TimeShower:pTmin=0.7",)
    assert [v.name for v in select_variations(["glosser", "seed"])] == ["nominal", "glosser", "seed"]
    with pytest.raises(UnknownVariationError, match="allowed: nominal, seed.*glosser"):
        get_variation("glossier")


@pytest.mark.parametrize(
    ("point", "message"),
    [
        ("my_variations:numbered", "'numbered' of another package has a number of its own.*own_variation"),
        ("my_variations:replace", r"entry point 'mine' of my-variations 2.1 is no variation"),
        ("my_variations:absent", "'mine' of my-variations 2.1 cannot be imported"),
    ],
)
def test_what_another_package_may_not_bring(plugin: Callable[[str], None], point: str, message: str) -> None:
    plugin(point)
    with pytest.raises(ConfigError, match=message):
        get_variation("seed")
