"""Which responses variations and weights can tell."""

import math

import pytest

from rs3l_gnn.conventions import NOMINAL, VARIATIONS, ConfigError, UnknownVariationError, Variation
from rs3l_gnn.conventions.variation import own_variation
from rs3l_gnn.evaluation.responses.estimators import find_estimators


def recorded(*names: str) -> list[Variation]:
    """Variations as a file of views gives them back."""
    return [Variation.from_record(VARIATIONS[name].record(), where="a file") for name in names]


def test_scales_of_the_registry() -> None:
    names = ("nominal", "seed", "fsrRenHi", "fsrRenLo", "fsrDefUp", "fsrDefDown", "isrDefUp", "isrDefDown", "cp5Up")
    found = {one.name: one for one in find_estimators(recorded(*names, "cp5Down", "lundAUp"))}
    assert set(found) == {"fsr x1.19", "fsr x2", "isr x2"}
    assert (found["fsr x2"].up, found["fsr x2"].down) == ("fsrDefUp", "fsrDefDown")
    assert found["fsr x2"].logarithm == pytest.approx(math.log(16))  # mu^2 by 4 and by 1/4
    # fsrRenHi has the smaller factor: more radiation.
    assert (found["fsr x1.19"].up, found["fsr x1.19"].down) == ("fsrRenLo", "fsrRenHi")
    assert found["fsr x1.19"].logarithm == pytest.approx(math.log(1.414 / 0.707))


def test_numbers_come_from_the_records_and_not_from_the_names() -> None:
    own = [
        own_variation("softUp", settings=["TimeShower:renormMultFac=9"]),
        own_variation("softDown", settings=["TimeShower:renormMultFac FORCE=0.111111"]),
        own_variation("both", settings=["TimeShower:renormMultFac=4", "SpaceShower:renormMultFac=4"], one_sided=True),
        own_variation(
            "bothLess", settings=["SpaceShower:renormMultFac=.25", "TimeShower:renormMultFac=.25"], one_sided=True
        ),
        own_variation("apart", settings=["TimeShower:renormMultFac=4", "SpaceShower:renormMultFac=2"], one_sided=True),
        own_variation("more", settings=["TimeShower:renormMultFac=2", "StringZ:aLund=0.5"], one_sided=True),
        own_variation("alone", settings=["SpaceShower:renormMultFac=16 "], one_sided=True),
        own_variation(
            "lost", settings=["TimeShower:renormMultFac=2"], detector=["tracker.efficiency=0.9"], one_sided=True
        ),
    ]
    found = {one.name: one for one in find_estimators([NOMINAL, *own])}
    assert set(found) == {"fsr x3", "fsr+isr x2", "isr x4 alone"}
    assert found["fsr x3"].logarithm == pytest.approx(math.log(81), rel=1e-5)
    assert (found["fsr+isr x2"].up, found["fsr+isr x2"].down) == ("both", "bothLess")
    assert found["isr x4 alone"].down == "nominal"
    assert found["isr x4 alone"].logarithm == pytest.approx(math.log(16))


def test_weights_come_in_pairs() -> None:
    names = ["isr:muRfac=2.0", "fsr:muRfac=1.414", "fsr:muRfac=0.707", "isr:muRfac=0.5", "fsr:muRfac=4.0", "isrUp"]
    names += ["isr:muRfac=2 fsr:muRfac=2", "isr:muRfac=0.5 fsr:muRfac=0.5", "isr:muRfac=2 fsr:muRfac=0.5"]
    found = {one.name: one for one in find_estimators([NOMINAL], names)}
    assert set(found) == {"isr x2 by weights", "fsr x1.41 by weights", "fsr+isr x2 by weights"}
    assert found["isr x2 by weights"].logarithm == pytest.approx(2 * math.log(4))
    assert found["fsr x1.41 by weights"].up == "fsr:muRfac=1.414"


def test_other_generators() -> None:
    views = recorded("nominal", "herwig", "vincia", "vinciaMatched", "altHad", "fsrDefUp", "fsrDefDown")
    sherpa = own_variation("sherpa", generator=True, one_sided=True)
    found = [one for one in find_estimators([*views, sherpa]) if one.kind == "generator"]
    assert [one.name for one in found] == ["herwig", "vincia", "vinciaMatched", "sherpa"]
    assert {(one.down, one.logarithm) for one in found} == {("nominal", 1.0)}
    chosen = find_estimators(views, generators=["altHad"])
    assert [one.name for one in chosen] == ["fsr x2", "altHad"]
    with pytest.raises(UnknownVariationError, match="names 'sherpa', which does not occur"):
        find_estimators(views, generators=["sherpa"])
    other = find_estimators(views, generators=[], unpaired=["sherpa"])[-1]
    assert (other.name, other.kind, other.paired) == ("sherpa", "generator", False)
    with pytest.raises(ConfigError, match="names 'vincia', which is a variation"):
        find_estimators(views, unpaired=["vincia"])
