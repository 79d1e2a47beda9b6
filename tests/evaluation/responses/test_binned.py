"""Binned responses of taggers: sums, edges, taggers that see one observable alone."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from rs3l_gnn.conventions import ConfigError
from rs3l_gnn.evaluation import EvaluateConfig, evaluate
from rs3l_gnn.evaluation.meter import Meter
from rs3l_gnn.evaluation.responses.config import ProfileConfig
from rs3l_gnn.evaluation.responses.measure import measure_responses

from .conftest import Toy


def with_mass(meter: Meter, rng: np.random.Generator) -> Meter:
    """The second tagger's score, which the groomed mass then tells exactly; other columns are noise."""
    scores = meter.scored.scores["two0"].views
    assert scores is not None
    views = dataclasses.replace(
        meter.scored.views, msoftdrop=scores.astype(np.float32), mass=rng.normal(size=len(scores)).astype(np.float32)
    )
    scored = dataclasses.replace(meter.scored, events=dataclasses.replace(meter.scored.events, views=views))
    return Meter(meter.config, scored)


def test_what_an_observable_carries(toy: Toy) -> None:
    rng = np.random.default_rng(1)
    # A bin that one side leaves empty would have the rate of the other alone: wide bins at the lower end.
    edges = {"msoftdrop": [0, 0.5, 0.6, 0.65, 0.68, 0.7, 0.73, 0.8, 1, 9]}
    profile = {"observables": ["msoftdrop", "mass"], "edges": edges, "efficiency": 0.5}
    document = {"responses": {"profile": profile}, "n_signal": 20_000, "n_background": 200, "taggers_share": 0.0}
    slopes = {"one": (0.1, 0.1), "two": (0.1,)}
    found = measure_responses(meter := with_mass(toy(slopes, rng, **document), rng), meter.task(None, None))
    for tagger in slopes:
        response = found.responses[tagger]["higgs"]["fsr x2"]["50"].response
        for profile_ in found.response_profiles[tagger]["higgs"]["fsr x2"].values():
            parts = [one for bin_ in profile_.bins for one in (bin_.moving, bin_.passing)]
            assert response is not None
            assert sum(one.value for one in parts if one is not None) == pytest.approx(response.value, abs=1e-12)
            assert sum(bin_.share for bin_ in profile_.bins) == pytest.approx(1)
            assert profile_.moving is not None
            assert profile_.passing is not None
            assert profile_.moving.value + profile_.passing.value == pytest.approx(response.value, abs=1e-12)
    seen = found.response_profiles["two"]["higgs"]["fsr x2"]["msoftdrop"]
    unseen = found.response_profiles["two"]["higgs"]["fsr x2"]["mass"]
    other = found.response_profiles["one"]["higgs"]["fsr x2"]["msoftdrop"]
    values = []
    for one, expected in ((seen, 0.1), (unseen, 0.0), (other, 0.0)):
        assert one.moving is not None
        values.append(one.moving.value)
        assert one.moving.error is not None
        assert one.moving.value == pytest.approx(expected, abs=4 * one.moving.error + 2e-3)
    change = found.response_profile_comparisons["two - one"]["higgs"]["fsr x2"]["msoftdrop"]
    assert change.moving.difference == pytest.approx(values[0] - values[2])
    assert change.moving.significance is not None
    assert change.moving.significance > 5


def test_edges_of_the_configuration(toy: Toy) -> None:
    rng = np.random.default_rng(2)
    profile = {"observables": ["msoftdrop"], "edges": {"msoftdrop": [0, 1, 2]}}
    meter = with_mass(toy({"one": (0.1,), "two": (0.0,)}, rng, responses={"profile": profile}), rng)
    bins = measure_responses(meter, meter.task(None, None)).response_profiles["two"]["qcd"]["fsr x2"]["msoftdrop"].bins
    assert [(one.low, one.high) for one in bins] == [(0, 1), (1, 2)]
    scores = meter.scored.scores["two0"].views
    assert scores is not None
    assert bins[0].share == pytest.approx(np.mean(scores.reshape(-1, 3)[600:, 1:] < 1))
    assert bins[1].rate == 1  # everything beyond passes
    for wrong in ([1.0], [1.0, 2.0], [1.0, 3.0, 2.0]):
        with pytest.raises(ConfigError, match="must rise and make two bins"):
            ProfileConfig(edges={"mass": tuple(wrong)})


def test_particles_of_the_views_are_read(toy_views: Path, taggers: dict[str, str], tmp_path: Path) -> None:
    document = {
        "views": [toy_views],
        "taggers": {"one": taggers["one"]},
        "bootstrap": 10,
        "efficiencies": [0.5],
        "variations": ["fsrRenHi", "fsrRenLo"],
        "responses": {"profile": {"bins": 2, "efficiency": 0.5}},
    }
    found = evaluate(EvaluateConfig.model_validate(document), tmp_path / "out")
    for which in ("higgs", "qcd"):
        for name, profiles in found.responses.response_profiles["one"][which].items():
            response = found.responses.responses["one"][which][name]["50"].response
            assert len(profiles) == 5
            for profile in profiles.values():
                if response is not None and profile.moving is not None and profile.passing is not None:
                    total = profile.moving.value + profile.passing.value
                    assert total == pytest.approx(response.value, abs=1e-12)
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert "profile_higgs_fsr_x1.19.png" in metrics["plots"]
    page = (tmp_path / "out" / "report.html").read_text()
    assert "jets moving between bins of one observable" in page
