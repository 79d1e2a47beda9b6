"""Numbers of an evaluation against plain loops over the events."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from rs3l_gnn.conventions import ConfigError, InvalidDataError, JetType, UnknownVariationError
from rs3l_gnn.evaluation import ClassConfig, EvaluateConfig
from rs3l_gnn.evaluation.meter import Meter
from rs3l_gnn.evaluation.metrics import measure
from rs3l_gnn.evaluation.scoring import ScoredViews, Scores, score_test_events


@pytest.fixture(scope="module")
def plain(config: EvaluateConfig) -> EvaluateConfig:
    """The taggers alone."""
    return config.model_copy(update={"curves": {}, "tables": {}})


@pytest.fixture(scope="module")
def scored(config: EvaluateConfig) -> ScoredViews:
    return score_test_events(config)


def by_event(scored: ScoredViews, weights: str, jettype: JetType) -> dict[int, dict[int, float]]:
    """Score of each view, by event index and variation number, for events whose nominal view is of a type."""
    views, scores = scored.views, scored.scores[weights].views
    assert scores is not None
    out: dict[int, dict[int, float]] = {}
    for event in range(views.n_events):
        jets = range(views.first[event], views.first[event + 1])
        if views.jettype[jets[0]] == jettype:
            out[event] = {int(views.vartype[jet]): float(scores[jet]) for jet in jets}
    return out


@pytest.mark.parametrize("tagger", ["n2", "one", "two"])
def test_the_area_counts_pairs_of_jets(
    metrics: dict[str, Any], config: EvaluateConfig, scored: ScoredViews, tagger: str
) -> None:
    areas = []
    for weights in config.trainings[tagger]:
        signal = [views[-1] for views in by_event(scored, weights, JetType.H_BB).values()]
        background = [views[-1] for views in by_event(scored, weights, JetType.Q).values()]
        wins = [1.0 if s > b else 0.5 if s == b else 0.0 for s in signal for b in background]
        areas.append(float(np.mean(wins)))
    assert metrics["events"] == {"qcd": len(background), "higgs": len(signal)}
    numbers = metrics["tagging"][tagger]
    assert numbers["auc_trainings"] == pytest.approx(areas, abs=1e-12)
    assert numbers["auc"] == pytest.approx(np.mean(areas), abs=1e-12)
    if tagger != "two":
        # Hanley and McNeil's error of an area has the same size.
        area = areas[0]
        q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
        variance = area * (1 - area) + (len(signal) - 1) * (q1 - area**2) + (len(background) - 1) * (q2 - area**2)
        expected = np.sqrt(variance / (len(signal) * len(background)))
        assert numbers["auc_error"] == pytest.approx(expected, rel=0.5)


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


def test_the_curve_goes_through_the_rejections(metrics: dict[str, Any]) -> None:
    for tagger, curve in metrics["roc"].items():
        at = dict(zip(curve["signal_efficiency"], curve["background_efficiency"], strict=True))
        for percent, numbers in metrics["tagging"][tagger]["rejection"].items():
            assert at[int(percent) / 100] == numbers["background_efficiency"]
        assert curve["background_efficiency"][-1] <= 1
        low, high = np.array(curve["interval_low"]), np.array(curve["interval_high"])
        assert ((low >= 0) & (low <= high)).all()


def test_gains_are_ratios(metrics: dict[str, Any]) -> None:
    assert list(metrics["gains"]) == ["one / n2", "two / n2", "two / one"]
    for pair, gain in metrics["gains"].items():
        above, below = (metrics["tagging"][name] for name in pair.split(" / "))
        assert gain["auc"]["difference"] == pytest.approx(above["auc"] - below["auc"])
        for percent, numbers in gain["rejection"].items():
            rates = [tagger["rejection"][percent]["background_efficiency"] for tagger in (below, above)]
            expected = rates[0] / rates[1] if rates[1] else None
            assert numbers["ratio"] == (expected if expected is None else pytest.approx(expected))


@pytest.mark.parametrize("variation", [("seed", 0), ("fsrRenHi", 1), ("fsrRenLo", 2)])
def test_distances_and_rates_compare_the_same_events(
    metrics: dict[str, Any], scored: ScoredViews, taggers: dict[str, str], variation: tuple[str, int]
) -> None:
    name, vartype = variation
    for which, jettype in (("higgs", JetType.H_BB), ("qcd", JetType.Q)):
        distances, changes = [], []
        for weights in (taggers["two"], taggers["again"]):
            events = [views for views in by_event(scored, weights, jettype).values() if vartype in views]
            nominal, varied = [views[-1] for views in events], [views[vartype] for views in events]
            distances.append(wasserstein_distance(nominal, varied))
            signal = sorted((v[-1] for v in by_event(scored, weights, JetType.H_BB).values()), reverse=True)
            cut = signal[int(np.ceil(0.5 * len(signal))) - 1]
            passed = sum(score >= cut for score in nominal)
            changes.append(sum(score >= cut for score in varied) / passed - 1 if passed else None)
        shift = metrics["robustness"]["two"][which][name]
        assert shift["events"] == len(events)
        assert shift["wasserstein_trainings"] == pytest.approx(distances, abs=1e-12)
        assert shift["wasserstein"] == pytest.approx(np.mean(distances), abs=1e-12)
        assert shift["wasserstein_spread"] == pytest.approx(np.std(distances, ddof=1), abs=1e-12)
        assert shift["wasserstein_error"] > 0
        assert 0 < shift["wasserstein_null"] <= shift["wasserstein_null_95"]
        change = metrics["rate_changes"]["two"][which][name]["50"]["change"]
        known = [value for value in changes if value is not None]
        assert change == (pytest.approx(np.mean(known)) if len(known) == 2 else None)


def test_comparisons_are_differences(metrics: dict[str, Any]) -> None:
    assert list(metrics["comparisons"]) == ["two - one"]
    robustness = metrics["robustness"]
    for which, shifts in metrics["comparisons"]["two - one"].items():
        for name, numbers in shifts.items():
            for suffix in ("", "_common"):
                one, two = (robustness[tagger][which][name][f"wasserstein{suffix}"] for tagger in ("one", "two"))
                assert numbers[f"difference{suffix}"] == pytest.approx(two - one, abs=1e-12)
                assert numbers[f"ratio{suffix}"] == pytest.approx(two / one)
                low, high = numbers[f"interval{suffix}"]
                assert low < two / one < high
                assert numbers[f"error{suffix}"] > 0


def test_a_monotone_change_of_a_score_moves_neither_roc_nor_common_scale(
    plain: EvaluateConfig, scored: ScoredViews, metrics: dict[str, Any], taggers: dict[str, str]
) -> None:
    def squeezed(scores: Scores) -> Scores:
        assert scores.views is not None
        return Scores(scores.nominal**3, scores.views**3)

    scores = {name: squeezed(s) if name == taggers["one"] else s for name, s in scored.scores.items()}
    other = measure(Meter(plain, dataclasses.replace(scored, scores=scores))).document()
    assert other["tagging"] == metrics["tagging"]
    for which, shifts in metrics["robustness"]["one"].items():
        for name, numbers in shifts.items():
            changed = other["robustness"]["one"][which][name]
            assert changed["wasserstein_common"] == pytest.approx(numbers["wasserstein_common"], abs=1e-12)
            assert changed["wasserstein"] != numbers["wasserstein"]


def test_the_seed_fixes_the_errors(plain: EvaluateConfig, scored: ScoredViews, metrics: dict[str, Any]) -> None:
    again = measure(Meter(plain, scored)).document()
    assert again["tagging"] == metrics["tagging"]
    other = measure(Meter(plain.model_copy(update={"seed": 2}), scored)).document()
    assert other["tagging"]["n2"]["auc"] == again["tagging"]["n2"]["auc"]
    assert other["tagging"]["n2"]["auc_error"] != again["tagging"]["n2"]["auc_error"]


def test_wanted_variations_and_further_classes(plain: EvaluateConfig, scored: ScoredViews) -> None:
    light = ClassConfig(name="light", jettypes=("Q", "GG"))
    chosen = plain.model_copy(update={"variations": ("fsrRenLo",), "others": (light,)})
    numbers = measure(Meter(chosen, scored)).document()
    assert list(numbers["robustness"]["n2"]) == ["qcd", "higgs", "light"]
    assert list(numbers["robustness"]["n2"]["light"]) == ["fsrRenLo"]
    assert numbers["probes"]["one"].keys() == {"higgs", "light"}
    with pytest.raises(UnknownVariationError, match="'herwig' does not occur"):
        measure(Meter(plain.model_copy(update={"variations": ("herwig",)}), scored))


def test_a_class_without_jets_is_named(plain: EvaluateConfig, scored: ScoredViews) -> None:
    top = ClassConfig(name="top", jettypes=("TOP_BQQ",))
    with pytest.raises(InvalidDataError, match="no test event is of class 'top'.*'higgs'|'qcd'.*TOP_BQQ"):
        measure(Meter(plain.model_copy(update={"signal": top}), scored))
    with pytest.raises(InvalidDataError, match="no test event is of class 'top'"):
        measure(Meter(plain.model_copy(update={"background": top}), scored))
    unknown = ClassConfig(name="top", jettypes=("HIGGS",))
    with pytest.raises(ConfigError, match="class 'top': unknown jet type 'HIGGS'"):
        measure(Meter(plain.model_copy(update={"signal": unknown}), scored))


def test_probes_and_latent_numbers_are_of_the_first_training(metrics: dict[str, Any]) -> None:
    assert metrics["probes"].keys() == metrics["latent"].keys() == {"one", "two"}
    for numbers in metrics["latent"].values():
        assert sum(numbers["variance_shares"]) == pytest.approx(1)
        matrix = np.array(numbers["cosine_similarity"])
        assert matrix.shape == (len(numbers["jet_types"]),) * 2
        np.testing.assert_allclose(matrix, matrix.T)
        assert (np.abs(matrix) <= 1 + 1e-9).all()
