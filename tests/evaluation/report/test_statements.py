"""The first lines, for taggers whose numbers are known."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rs3l_gnn.evaluation.meter import Meter
from rs3l_gnn.evaluation.metrics import measure
from rs3l_gnn.evaluation.report.statements import Statement, statements

N = 1500


def scores(mu: float, shift: float) -> NDArray[np.float64]:
    events = np.random.default_rng(1).normal(0, 1, 2 * N)
    nominal = events + mu * (np.arange(2 * N) < N)
    return np.stack([nominal, nominal + shift], axis=1).ravel()


@pytest.fixture(scope="module")
def found(make_meter: Callable[..., Meter]) -> list[Statement]:
    document: dict[str, Any] = {
        "bootstrap": 40,
        "taggers": {"supervised": ["s0", "s1"], "rs3l": ["r0", "r1"], "shaky": "x"},
        "reference": "supervised",
        "distance_aim": 0.5,
        "curves": {
            "labels": {
                "x_label": "labels",
                "lines": {"rs3l": {1000: ["r0", "r1"]}, "supervised": {1000: ["s0", "s1"]}},
                "reference": "supervised",
                "aims": {1000: 1.5},
            },
            "hard": {
                "x_label": "labels",
                "lines": {"rs3l": {1000: ["r0", "r1"]}},
                "references": {"supervised": ["s0", "s1"]},
                "reference": "supervised",
                "aims": {1000: 50},
            },
        },
        "tables": {"ablation": {"rows": {"old": ["s0", "s1"], "new": ["r0", "r1"]}, "reference": "old"}},
    }
    made = {
        "s0": scores(1.0, 0.2),
        "s1": scores(1.02, 0.2),
        "r0": scores(1.5, 0.08),
        "r1": scores(1.52, 0.08),
        "x": scores(1.0, 0.4),
    }
    meter = make_meter(document, made, n_signal=N, n_background=N, variations=("fsrRenHi",))
    return statements(meter, measure(meter))


def test_missed_aims_come_first(found: list[Statement]) -> None:
    order = [statement.holds for statement in found]
    assert order == sorted(order, key=[False, True, None].index)
    missed = [statement.text for statement in found if statement.holds is False]
    assert len(missed) == 3
    assert all("Not reached" in text for text in missed)


def test_distances(found: list[Statement]) -> None:
    rs3l, shaky = (
        next(s for s in found if s.text.startswith(f"Aim: Wasserstein distance of {name}, in units of the score"))
        for name in ("rs3l", "shaky")
    )
    assert rs3l.holds is True
    assert "Reached: so in 2 of 2 (ratios from 0.400" in rs3l.text
    assert "2 of the 2 distances of supervised exceed what statistics alone makes" in rs3l.text
    assert shaky.holds is False
    assert "in 0 of 2 (ratios from 2.00" in shaky.text


def test_gains(found: list[Statement]) -> None:
    texts = [statement.text for statement in found]
    reached = next(s for s in found if s.text.startswith("Aim (labels)"))
    assert reached.holds is True
    assert "1/FPR at 50 % of rs3l at least 1.5 times that of supervised at labels = 1 000. Reached: 2." in reached.text
    missed = next(s for s in found if s.text.startswith("Aim (hard)"))
    assert missed.holds is False
    assert any(text.startswith("labels: 1/FPR at 50 % of rs3l over supervised, by labels: 2.") for text in texts)


def test_facts(found: list[Statement]) -> None:
    texts = [statement.text for statement in found]
    rs3l = next(text for text in texts if text.startswith("rs3l: AUC"))
    assert "(2 trainings); against supervised: AUC +0.0" in rs3l
    assert "(higher)" in rs3l
    assert "(one training: spread unknown)" in next(text for text in texts if text.startswith("shaky: AUC"))
    table = next(text for text in texts if text.startswith("ablation:"))
    assert "different from old by 2 σ or more: new (2." in table


def test_aims_of_responses(make_meter: Callable[..., Meter]) -> None:
    def of(logit_shift: float, seed: int) -> NDArray[np.float64]:
        nominal = np.random.default_rng(seed).normal(0, 1, 2 * N) + (np.arange(2 * N) < N)
        return np.stack([nominal, nominal + logit_shift, nominal - logit_shift], axis=1).ravel()

    document: dict[str, Any] = {
        "bootstrap": 40,
        "taggers": {"new": "n", "half": "h", "old": "o"},
        "reference": "old",
        "efficiencies": [0.5],
        "responses": {"aim": 0.5},
    }
    made = {"o": of(0.3, 1), "n": of(0.01, 2), "h": of(0.15, 3)}
    meter = make_meter(document, made, n_signal=N, n_background=N, variations=("fsrDefUp", "fsrDefDown"))
    found = [one for one in statements(meter, measure(meter)) if one.text.startswith("Aim: responses")]
    assert [one.holds for one in found] == [False, True]
    assert found[0].text.startswith("Aim: responses of half to the scales of the shower below 0.5 times those of old")
    assert "so in 0 of 2" in found[0].text
    assert "Reached: so in 2 of 2." in found[1].text
