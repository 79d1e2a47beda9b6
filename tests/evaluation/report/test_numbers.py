"""Numbers as text."""

import pytest

from rs3l_gnn.evaluation.report.numbers import bracket, compared, number, plus_minus, position, rejection, sigmas


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
    assert rejection({"value": None, "interval": [250.0, None]}) == "> 250"
    assert rejection({"value": None, "interval": [None, None]}) == "no background jet left"
    assert compared(1.5, [1.2, 1.9], 2.345) == "1.50 [1.20, 1.90] (+2.3 sigma)"
    assert compared(None, [None, None], None) == sigmas(None) == "-"


def test_positions() -> None:
    assert position(60000.0) == "60 000"
    assert position(0.05) == "0.05"
    assert position(None) == "-"
