"""Numbers of an evaluation against plain loops over the events."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from rs3l_gnn.conventions import InvalidDataError, JetType, UnknownVariationError
from rs3l_gnn.evaluation import ClassConfig, EvaluateConfig
from rs3l_gnn.evaluation.metrics import measure
from rs3l_gnn.evaluation.scoring import ScoredViews, score_test_events


@pytest.fixture(scope="module")
def scored(config: EvaluateConfig) -> ScoredViews:
    return score_test_events(config)


def by_event(scored: ScoredViews, tagger: str, jettype: JetType) -> dict[int, dict[int, float]]:
    """Score of each view, by event index and variation number, for events whose nominal view is of a type."""
    views = scored.views
    out: dict[int, dict[int, float]] = {}
    for event in range(views.n_events):
        jets = range(views.first[event], views.first[event + 1])
        if views.jettype[jets[0]] == jettype:
            out[event] = {int(views.vartype[jet]): float(scored.scores[tagger][jet]) for jet in jets}
    return out


@pytest.mark.parametrize("tagger", ["n2", "one"])
def test_the_area_counts_pairs_of_jets(metrics: dict[str, Any], scored: ScoredViews, tagger: str) -> None:
    signal = [views[-1] for views in by_event(scored, tagger, JetType.H_BB).values()]
    background = [views[-1] for views in by_event(scored, tagger, JetType.Q).values()]
    assert metrics["events"] == {"qcd": len(background), "higgs": len(signal)}
    wins = [1.0 if s > b else 0.5 if s == b else 0.0 for s in signal for b in background]
    assert metrics["tagging"][tagger]["auc"] == pytest.approx(np.mean(wins), abs=1e-12)
    # Hanley and McNeil's error of an area has the same size.
    area = float(np.mean(wins))
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area) + (len(signal) - 1) * (q1 - area**2) + (len(background) - 1) * (q2 - area**2)
    expected = np.sqrt(variance / (len(signal) * len(background)))
    assert metrics["tagging"][tagger]["auc_error"] == pytest.approx(expected, rel=0.5)


def test_the_rejection_is_at_the_wanted_efficiency(metrics: dict[str, Any], scored: ScoredViews) -> None:
    signal = sorted((views[-1] for views in by_event(scored, "n2", JetType.H_BB).values()), reverse=True)
    background = [views[-1] for views in by_event(scored, "n2", JetType.Q).values()]
    for percent, numbers in metrics["tagging"]["n2"]["rejection"].items():
        cut = signal[int(np.ceil(int(percent) / 100 * len(signal))) - 1]
        passed = sum(score >= cut for score in background)
        assert numbers["background_jets"] == passed
        assert numbers["background_efficiency"] == pytest.approx(passed / len(background))
        if passed:
            assert numbers["value"] == pytest.approx(len(background) / passed)
        else:
            assert numbers["value"] is None


@pytest.mark.parametrize("variation", [("seed", 0), ("fsrRenHi", 1), ("fsrRenLo", 2)])
def test_distances_and_rates_compare_the_same_events(
    metrics: dict[str, Any], scored: ScoredViews, variation: tuple[str, int]
) -> None:
    name, vartype = variation
    for which, jettype in (("higgs", JetType.H_BB), ("qcd", JetType.Q)):
        events = [views for views in by_event(scored, "two", jettype).values() if vartype in views]
        nominal, varied = [views[-1] for views in events], [views[vartype] for views in events]
        shift = metrics["robustness"]["two"][which][name]
        assert shift["events"] == len(events)
        assert shift["wasserstein"] == pytest.approx(wasserstein_distance(nominal, varied), abs=1e-12)
        assert shift["wasserstein_error"] > 0
        signal = sorted((views[-1] for views in by_event(scored, "two", JetType.H_BB).values()), reverse=True)
        cut = signal[int(np.ceil(0.5 * len(signal))) - 1]
        passed = sum(score >= cut for score in nominal)
        change = metrics["rate_changes"]["two"][which][name]["50"]["change"]
        if passed:
            assert change == pytest.approx(sum(score >= cut for score in varied) / passed - 1)
        else:
            assert change is None


def test_comparisons_are_differences(metrics: dict[str, Any]) -> None:
    assert list(metrics["comparisons"]) == ["two - one"]
    robustness = metrics["robustness"]
    for which, shifts in metrics["comparisons"]["two - one"].items():
        for name, numbers in shifts.items():
            for key, difference in (("wasserstein", "difference"), ("wasserstein_common", "difference_common")):
                one, two = (robustness[tagger][which][name][key] for tagger in ("one", "two"))
                assert numbers[difference] == pytest.approx(two - one, abs=1e-12)
            assert numbers["error"] >= 0


def test_a_monotone_change_of_a_score_moves_neither_roc_nor_common_scale(
    config: EvaluateConfig, scored: ScoredViews, metrics: dict[str, Any]
) -> None:
    squeezed = {name: score**3 if name == "one" else score for name, score in scored.scores.items()}
    other = measure(config, ScoredViews(scored.views, squeezed, scored.embeddings, scored.nominal))
    assert other["tagging"] == metrics["tagging"]
    for which, shifts in metrics["robustness"]["one"].items():
        for name, numbers in shifts.items():
            changed = other["robustness"]["one"][which][name]
            assert changed["wasserstein_common"] == pytest.approx(numbers["wasserstein_common"], abs=1e-12)
            assert changed["wasserstein"] != numbers["wasserstein"]


def test_the_seed_fixes_the_errors(config: EvaluateConfig, scored: ScoredViews, metrics: dict[str, Any]) -> None:
    again = measure(config, scored)
    assert again["tagging"] == metrics["tagging"]
    other = measure(config.model_copy(update={"seed": 2}), scored)
    assert other["tagging"]["n2"]["auc"] == again["tagging"]["n2"]["auc"]
    assert other["tagging"]["n2"]["auc_error"] != again["tagging"]["n2"]["auc_error"]


def test_wanted_variations_and_further_classes(config: EvaluateConfig, scored: ScoredViews) -> None:
    light = ClassConfig(name="light", jettypes=("Q", "GG"))
    numbers = measure(config.model_copy(update={"variations": ("fsrRenLo",), "others": (light,)}), scored)
    assert list(numbers["robustness"]["n2"]) == ["qcd", "higgs", "light"]
    assert list(numbers["robustness"]["n2"]["light"]) == ["fsrRenLo"]
    assert numbers["probes"]["one"].keys() == {"higgs", "light"}
    with pytest.raises(UnknownVariationError, match="'herwig' does not occur"):
        measure(config.model_copy(update={"variations": ("herwig",)}), scored)


def test_a_class_without_jets_is_named(config: EvaluateConfig, scored: ScoredViews) -> None:
    top = ClassConfig(name="top", jettypes=("TOP_BQQ",))
    with pytest.raises(InvalidDataError, match="no test event is of class 'top'.*'higgs'|'qcd'.*TOP_BQQ"):
        measure(config.model_copy(update={"signal": top}), scored)
    with pytest.raises(InvalidDataError, match="no test event is of class 'top'"):
        measure(config.model_copy(update={"background": top}), scored)
