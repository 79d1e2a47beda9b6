"""The experiment's own scores: kept by pairing, evaluated beside others."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rs3l_gnn.conventions import InvalidDataError, JetType
from rs3l_gnn.data import Views, read_views, write_views
from rs3l_gnn.evaluation import EvaluateConfig, evaluate
from rs3l_gnn.evaluation.scoring import score_test_events
from rs3l_gnn.evaluation.stored_scores import stored_scores


@pytest.fixture
def with_scores(all_views: Views) -> Views:
    """Views with two scores, one of which is missing for some jets."""
    rng = np.random.default_rng(2)
    scores = rng.uniform(size=(all_views.n_jets, 2)).astype(np.float32)
    scores[::7, 1], scores[3::7, 1] = -1000, np.nan
    return dataclasses.replace(all_views, score_names=("part", "pnet"), scores=scores)


def _auc(signal: Any, background: Any) -> float:
    pairs = [(s > b) + 0.5 * (s == b) for s in signal for b in background]
    return float(np.mean(pairs))


def test_areas_of_stored_scores(with_scores: Views, taggers: dict[str, str], tmp_path: Path) -> None:
    write_views(tmp_path / "views.h5", with_scores)
    assert read_views(tmp_path / "views.h5").score_names == ("part", "pnet")
    document = {
        "views": tmp_path / "views.h5",
        "taggers": {"mine": taggers["one"], "part": {"kind": "stored"}, "other": {"kind": "stored", "column": "pnet"}},
        "bootstrap": 10,
        "responses": None,
    }
    config = EvaluateConfig.model_validate(document)
    scored = score_test_events(config)
    found = scored.scores["other"].views
    assert found is not None
    kept = with_scores.scores
    assert kept is not None
    for place, jet in enumerate(scored.events.source_jet):
        value = float(kept[jet, 1])
        assert found[place] == pytest.approx(value if value >= 0 else 0.0)
    missing = sum(not kept[jet, 1] >= 0 for jet in scored.events.source_jet)
    assert f"other: {missing} of {scored.views.n_jets} jets have no score and count as not tagged" in scored.remarks
    evaluate(config, tmp_path / "out")
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    types = scored.views.jettype[scored.nominal]
    part = kept[scored.events.source_jet[scored.nominal], 0]
    expected = _auc(part[types == JetType.H_BB], part[types == JetType.Q])
    assert metrics["tagging"]["part"]["auc"] == pytest.approx(expected, abs=1e-6)
    assert set(metrics["robustness"]["part"]["higgs"]) == {"seed", "fsrRenHi", "fsrRenLo"}
    assert "part" in (tmp_path / "out" / "report.html").read_text()


def test_what_is_not_stored(with_scores: Views, all_views: Views, tmp_path: Path) -> None:
    write_views(tmp_path / "views.h5", with_scores)
    write_views(tmp_path / "bare.h5", all_views)

    def score(*names: str) -> None:
        files = [tmp_path / name for name in names]
        score_test_events(EvaluateConfig.model_validate({"views": files, "taggers": {"pn": {"kind": "stored"}}}))

    with pytest.raises(
        InvalidDataError, match="the views hold no score 'pn' for the tagger pn; got part, pnet; name the"
    ):
        score("views.h5")
    with pytest.raises(InvalidDataError, match=r"bare.h5: the views hold no score 'pn' .* got no scores"):
        score("bare.h5")
    too_large = dataclasses.replace(with_scores, scores=np.full((with_scores.n_jets, 2), 3.0, np.float32))
    with pytest.raises(InvalidDataError, match="scores of the tagger x are above 1; got 3; make a number from 0 to 1"):
        stored_scores(too_large, "part", tagger="x")
    with pytest.raises(InvalidDataError, match="no score 'z'"):
        stored_scores(with_scores, "z", tagger="x")
