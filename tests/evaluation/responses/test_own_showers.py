"""Responses of showers made here: by re-showering and by Pythia's own weights they are one number."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from rs3l_gnn.conventions import Split, SplitFractions
from rs3l_gnn.data import PairConfig, ViewsSource, pair
from rs3l_gnn.evaluation import EvaluateConfig
from rs3l_gnn.evaluation.joining import join_events
from rs3l_gnn.evaluation.meter import Meter
from rs3l_gnn.evaluation.responses.measure import measure_responses
from rs3l_gnn.evaluation.scoring import ScoredViews, Scores


def few_candidates(path: Path) -> Meter:
    """A tagger that likes jets of few candidates, on all events."""
    splits = SplitFractions(train=0, validation=0, test=1)
    with ViewsSource([path], shower_weights=True) as source:
        events = join_events(source, splits, Split.TEST)
        counts = np.diff(source.read(0, source.index.n_events).offsets)[events.source_jet]
    scores = -counts + np.random.default_rng(1).uniform(-0.5, 0.5, len(counts))  # no ties
    of_tagger = Scores(scores[events.nominal], scores)
    config = EvaluateConfig.model_validate(
        {"views": [path], "taggers": {"few": "few"}, "efficiencies": [0.5], "splits": splits, "bootstrap": 300}
    )
    return Meter(config, ScoredViews(events, config.weights.of(events.views), {"few": of_tagger, "n2": of_tagger}, {}))


@pytest.mark.slow
def test_two_ways_to_one_response(tmp_path: Path) -> None:
    pytest.importorskip("pythia8mc")
    from rs3l_gnn.simulation import SimulationConfig, simulate

    samples = {name: {"process": name, "events": 1_500, "pt_hat_min": 430.0} for name in ("qcd", "hbb")}
    settings = {"samples": samples, "variations": ["nominal", "fsrDefUp", "fsrDefDown"], "seed": 5, "workers": 1}
    simulate(SimulationConfig.model_validate(settings), tmp_path / "simulation")
    pair(PairConfig(directories=(tmp_path / "simulation",)), tmp_path / "views.h5")
    meter = few_candidates(tmp_path / "views.h5")
    found = measure_responses(meter, meter.task(None, None)).responses["few"]
    for which in ("higgs", "qcd"):
        again, weighted = (found[which][name]["50"].response for name in ("fsr x2", "fsr x2 by weights"))
        assert again is not None
        assert weighted is not None
        assert again.error is not None
        assert weighted.error is not None
        # A larger scale, less radiation, fewer candidates, more jets that pass.
        assert again.value > 3 * again.error
        assert abs(again.value - weighted.value) < 3 * math.hypot(again.error, weighted.error)
