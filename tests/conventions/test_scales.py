"""Which weights and which variations move a scale up and down by the same factor."""

import dataclasses
import math

import pytest

from rs3l_gnn.conventions import NOMINAL, VARIATIONS, own_variation
from rs3l_gnn.conventions.scales import reshowered_scales, scale_of, scale_responses


def test_pairs_of_weights() -> None:
    names = (
        "isr:muRfac=2.0",
        "fsr:muRfac=1.414",
        "fsr:muRfac=0.707",
        "isr:muRfac=0.5",
        "fsr:muRfac=4.0",
        "isrUp",
        "isr:muRfac=2 fsr:muRfac=2",
        "isr:muRfac=0.5 fsr:muRfac=0.5",
        "isr:muRfac=2 fsr:muRfac=0.5",
    )
    found = {response.name: response for response in scale_responses(names)}
    assert set(found) == {"isr x2", "fsr x1.41", "fsr+isr x2"}
    assert found["isr x2"].logarithm == pytest.approx(2 * math.log(4))
    assert (found["fsr x1.41"].up, found["fsr x1.41"].down) == ("fsr:muRfac=1.414", "fsr:muRfac=0.707")


def test_pairs_of_variations() -> None:
    found = {response.name: response for response in reshowered_scales(VARIATIONS.values())}
    # The published views have the scale squared times 1.414 and 0.707.
    names = {f"{kind} x{factor}" for kind in ("fsr", "isr") for factor in ("1.19", "1.41", "2", "4")}
    assert set(found) == names
    assert (found["fsr x2"].up, found["fsr x2"].down) == ("fsrDefUp", "fsrDefDown")
    assert found["fsr x2"].logarithm == pytest.approx(math.log(4 / 0.25))
    assert (found["fsr x1.19"].up, found["fsr x1.19"].down) == ("fsrRenLo", "fsrRenHi")
    assert found["isr x4"].logarithm == pytest.approx(math.log(16**2))


def test_variations_without_a_partner_make_no_pair() -> None:
    alone = own_variation("softUp", settings=["TimeShower:renormMultFac=3.0"])
    assert reshowered_scales([NOMINAL, alone, VARIATIONS["fsrDefDown"], VARIATIONS["altHad"]]) == ()
    partner = own_variation("softDown", settings=[f"TimeShower:renormMultFac={1 / 3}"])
    assert [(one.up, one.down) for one in reshowered_scales([alone, partner])] == [("softUp", "softDown")]


def test_records_without_settings_have_their_parameter() -> None:
    bare = dataclasses.replace(VARIATIONS["fsrDefUp"], settings=())
    assert scale_of(bare) == ("fsr", 2.0)
    assert scale_of(dataclasses.replace(bare, factor=None)) is None
