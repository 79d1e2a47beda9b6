"""Names and numbers in words."""

import re

import pytest

from rs3l_gnn.conventions import VARIATIONS, JetType
from rs3l_gnn.conventions.wording import (
    bracket,
    compared,
    number,
    plus_minus,
    position,
    readable_jettype,
    readable_variation,
    rejection,
    sigmas,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (5.8373, "5.84"), (1053.2, "1 053"), (0.00123456, "0.00123"), (1.5e-7, "1.50e-07"), (2e7, "2.00e+07")],
)
def test_three_digits(value: float, text: str) -> None:
    assert number(value) == text


def test_errors_decide_on_the_decimals() -> None:
    assert plus_minus(0.123456, 0.00123) == "0.1235 ± 0.0012"
    assert plus_minus(123.4, 12.3) == "123 ± 12"
    assert plus_minus(0.5, None) == plus_minus(0.5, 0.0) == "0.500"
    assert plus_minus(None, 0.1) == number(None) == "-"
    assert plus_minus(1e-15, 2e-16) == "1e-15 ± 2e-16"


def test_intervals_may_be_open() -> None:
    assert bracket(400.0, [300.0, None]) == "400 [300, \N{INFINITY}]"
    assert rejection(None, [250.0, None]) == "> 250"
    assert rejection(None, [None, None]) == "no background jet left"
    assert compared(1.5, [1.2, 1.9], 2.345) == "1.50 [1.20, 1.90] (+2.3 σ)"
    assert compared(None, [None, None], None) == sigmas(None) == "-"


def test_positions() -> None:
    assert position(60000.0) == "60 000"
    assert position(0.05) == "0.05"
    assert position(None) == "-"


def test_significances_beyond_what_an_error_tells_are_bounds() -> None:
    assert [sigmas(x) for x in (8.0, 8.01, 37.0, -37.0, -0.04)] == ["+8.0 σ", "> 8 σ", "> 8 σ", "< -8 σ", "-0.0 σ"]


def test_variations_keep_apart_in_words() -> None:
    """Every name of the registry and every entry of the axis has words of its own, without a look of code."""
    words = {name: readable_variation(name) for name in VARIATIONS}
    assert len(set(words.values())) == len(words)
    on_axis = {variation.axis_name: readable_variation(variation.axis_name) for variation in VARIATIONS.values()}
    assert len(set(on_axis.values())) == len(on_axis)
    assert not any(re.search(r"[a-z][A-Z]|_", text) for text in (*words.values(), *on_axis.values()))


def test_scales_say_their_factor() -> None:
    assert [readable_variation(f"fsrRen{side}") for side in ("Hi", "Lo")] == ["FSR μ² × 0.707", "FSR μ² × 1.414"]
    assert readable_variation("isrConDown") == "ISR μ² × 0.0625"
    assert readable_variation("candidateScaleUp") == "candidate scale up"


def test_jet_types_keep_apart_in_words() -> None:
    words = [readable_jettype(kind.name) for kind in JetType]
    assert len(set(words)) == len(words)
    assert not any("_" in text for text in words)
    assert readable_jettype("W_QQ") == "W→qq"
