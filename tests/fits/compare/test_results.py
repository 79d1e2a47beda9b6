from __future__ import annotations

import math
from dataclasses import replace

import pytest

from rs3l_gnn.fits import Spread, TaggerResult
from rs3l_gnn.fits.compare.results import Comparison, average_trainings

RS3L = TaggerResult(
    histogram="score_rs3l",
    mu=1.0,
    mu_error=0.5,
    mu_error_statistical=0.3,
    mu_error_shower=0.4,
    mu_error_other=0.0,
    edges={"sr": [0.0, 0.5, 1.0]},
    signal_efficiency={"sr": [1.0, 0.5, 0.0]},
    background_efficiency={"sr": [1.0, 0.0123, 0.0]},
    bias={"altHad": -0.1},
    bias_error={"altHad": 0.03},
    replicas=Spread(
        mean={"mu_error": 0.52, "mu_error_statistical": 0.3, "mu_error_shower": 0.42, "mu_error_other": 0.0},
        deviation={"mu_error": 0.02, "mu_error_statistical": 0.001, "mu_error_shower": 0.03, "mu_error_other": 0.0},
        n=100,
        failed=0,
    ),
)
N2 = replace(RS3L, histogram="score_n2", mu_error_shower=0.9, bias={"altHad": 0.4}, bias_error={"altHad": 0.04})


def test_differences_add_errors_in_squares() -> None:
    document = Comparison.of({"n2": N2, "rs3l": RS3L}, {}).record()
    (pair,) = document["differences"].values()
    assert pair["mu_error_shower"] == {"value": pytest.approx(0.5), "error": pytest.approx(0.03 * 2**0.5)}
    # Sizes of biases: 0.4 is larger than 0.1, whatever their signs.
    assert pair["size of bias altHad"] == {"value": pytest.approx(0.3), "error": pytest.approx(0.05)}


def test_no_error_where_one_is_unknown() -> None:
    document = Comparison.of({"n2": replace(N2, replicas=None), "rs3l": RS3L}, {}).record()
    (pair,) = document["differences"].values()
    assert pair["mu_error_shower"]["error"] is None
    assert pair["size of bias altHad"]["error"] is not None


def test_one_tagger_has_no_differences() -> None:
    assert Comparison.of({"rs3l": RS3L}, {}).differences == {}


def test_trainings_are_averaged() -> None:
    other = replace(RS3L, mu_error_shower=0.5, bias={"altHad": -0.3})
    found = average_trainings({"n2": N2, "rs3l_1": RS3L, "rs3l_2": other}, {"rs3l": ["rs3l_1", "rs3l_2"]})
    assert list(found) == ["n2", "rs3l"]
    assert found["n2"] == N2
    mean = found["rs3l"]
    assert mean.mu_error_shower == pytest.approx(0.45)
    assert mean.bias["altHad"] == pytest.approx(-0.2)
    # The error from the events stays 0.03; 0.4 and 0.5 have a spread of 0.0707, their mean an error of 0.05.
    assert mean.error_of("mu_error_shower") == pytest.approx(math.hypot(0.03, 0.05))
    assert mean.bias_error["altHad"] == pytest.approx(math.hypot(0.03, 0.1))
    assert mean.trainings is not None
    assert mean.trainings["mu_error_shower"] == pytest.approx(0.1 / 2**0.5)
    assert mean.trainings["mu_error"] == 0.0


def test_average_without_errors_and_of_one() -> None:
    bare = replace(RS3L, replicas=None, bias_error={"altHad": None})
    mean = average_trainings({"a": bare, "b": bare}, {"both": ["a", "b"]})["both"]
    assert mean.error_of("mu_error") is None
    assert mean.bias_error == {"altHad": None}
    alone = average_trainings({"a": RS3L}, {"one": ["a"]})["one"]
    assert alone.error_of("mu_error_shower") == pytest.approx(0.03)
