"""Other hard events of another generator: rates of their own, errors in squares, taggers still paired."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from rs3l_gnn.conventions import UnknownVariationError, n2_score
from rs3l_gnn.data import Views
from rs3l_gnn.evaluation import EvaluateConfig, evaluate
from rs3l_gnn.evaluation.meter import Meter
from rs3l_gnn.evaluation.responses.measure import measure_responses
from rs3l_gnn.evaluation.roc import threshold_at

from .conftest import Toy


def test_errors_are_those_of_two_samples_and_taggers_stay_paired(toy: Toy) -> None:
    rng = np.random.default_rng(1)
    slopes = {"one": (0.0,), "two": (0.0,)}
    document = {"bootstrap": 400, "efficiencies": [0.5], "responses": {"unpaired": {"sherpa": "unused.h5"}}}
    own = toy(slopes, rng, n_signal=2_000, variations=(), **document)
    other = toy(slopes, rng, n_signal=3_000, variations=(), **document, seed=7)
    meter = Meter(own.config, own.scored, {"sherpa": other})
    found = measure_responses(meter, meter.task(None, None))
    assert found.response_estimators["sherpa"].paired is False
    cell = found.responses["one"]["higgs"]["sherpa"]["50"]
    cut = meter.threshold("one0", meter.task(None, None), 0.5)
    rates = [np.mean(one.scored.scores["one0"].nominal[:n] >= cut) for one, n in ((other, 3_000), (own, 2_000))]
    assert cell.response is not None
    assert cell.response.value == pytest.approx(math.log(rates[0] / rates[1]), abs=1e-12)
    in_squares = math.sqrt(sum((1 - rate) / rate / n for rate, n in zip(rates, (3_000, 2_000), strict=True)))
    assert cell.response.error_events == pytest.approx(in_squares, rel=0.1)
    assert cell.pairs is not None
    assert cell.pairs.correlation == 0
    change = found.response_comparisons["two - one"]["higgs"]["sherpa"]["50"].change
    assert change.correlation == pytest.approx(0.5, abs=0.2)


def test_from_files_of_views(toy_views: Path, all_views: Views, tmp_path: Path) -> None:
    document = {"views": [toy_views], "bootstrap": 20, "efficiencies": [0.5], "variations": []}
    document["responses"] = {"unpaired": {"sherpa": str(toy_views)}}
    found = evaluate(EvaluateConfig.model_validate(document), tmp_path / "out")
    nominal = all_views.is_nominal()
    score, kind = n2_score(all_views.n2b1[nominal]), all_views.jettype[nominal]
    mine = all_views.split(EvaluateConfig().splits)[nominal] == 2
    cut = threshold_at(score[mine & (kind == 4)], 0.5)
    rates = [np.mean(score[chosen & (kind == 4)] >= cut) for chosen in (mine | True, mine)]
    response = found.responses.responses["n2"]["higgs"]["sherpa"]["50"].response
    assert response is not None
    assert response.value == pytest.approx(math.log(rates[0] / rates[1]), abs=1e-12)
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["responses"]["n2"]["higgs"]["sherpa"]["50"]["response"] == response.value
    assert "generators_higgs.png" in metrics["plots"]


def test_wrong_names_show_before_anything_is_scored(toy_views: Path, tmp_path: Path) -> None:
    document = {"views": [toy_views], "responses": {"generators": ["pythia9"]}}
    with pytest.raises(UnknownVariationError, match=r"responses\.generators names 'pythia9'"):
        evaluate(EvaluateConfig.model_validate(document), tmp_path / "out")
