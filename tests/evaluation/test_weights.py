"""Evaluations of weighted events against scikit-learn, scipy and plain loops."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import wasserstein_distance
from sklearn.metrics import roc_auc_score

from rs3l_gnn.conventions import InvalidDataError
from rs3l_gnn.data import Views
from rs3l_gnn.evaluation.joining import join_events
from rs3l_gnn.evaluation.meter import Meter
from rs3l_gnn.evaluation.metrics import measure

from .conftest import Maker

N_SIGNAL, N_BACKGROUND = 150, 250
CLASSES = {
    "views": ["unused.h5"],
    "signal": {"name": "higgs", "jettypes": ["H_BB"]},
    "background": {"name": "qcd", "jettypes": ["Q"]},
    "taggers": {"one": "one", "two": "two"},
    "efficiencies": [0.5, 0.8],
    "bootstrap": 150,
}


def scores(seed: int, shift: float = 0.1) -> NDArray[np.float64]:
    """Of nominal and one varied view of each event, in turns; signal events come first."""
    rng = np.random.default_rng(seed)
    centre = np.repeat(np.arange(N_SIGNAL + N_BACKGROUND) < N_SIGNAL, 2) * 1.0
    noise = rng.normal(0, 1, len(centre))
    return np.asarray(1 / (1 + np.exp(-(centre + noise + shift * (np.arange(len(centre)) % 2)))))


def correlated(seed: int, base: NDArray[np.float64]) -> NDArray[np.float64]:
    """Another tagger that sees much of what the first one sees."""
    noise = np.random.default_rng(seed).normal(0, 0.5, len(base))
    return np.asarray(1 / (1 + np.exp(-(np.log(base / (1 - base)) + noise))))


def event_weights(seed: int, *, negative: float = 0.0) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    weights = rng.lognormal(0, 0.7, N_SIGNAL + N_BACKGROUND)
    weights *= np.where(rng.random(len(weights)) < negative, -1, 1)
    return np.repeat(weights, 2).astype(np.float32).astype(np.float64)


def meter(make_meter: Maker, of_views: NDArray[np.float64] | None, **changes: Any) -> Meter:
    one = scores(1)
    return make_meter(
        {**CLASSES, **changes},
        {"one": one, "two": correlated(2, one)},
        n_signal=N_SIGNAL,
        n_background=N_BACKGROUND,
        variations=("seed",),
        weights=of_views,
    )


def test_every_number_is_that_of_the_weighted_events(make_meter: Maker) -> None:
    weights = event_weights(3)
    numbers = measure(meter(make_meter, weights)).document()
    nominal, varied, w = scores(1)[::2], scores(1)[1::2], weights[::2]
    label = (np.arange(len(w)) < N_SIGNAL).astype(int)
    tagging = numbers["tagging"]["one"]
    assert tagging["auc"] == pytest.approx(roc_auc_score(label, nominal, sample_weight=w), abs=1e-12)
    signal, background = label == 1, label == 0
    cut = next(c for c in sorted(nominal[signal])[::-1] if w[signal & (nominal >= c)].sum() >= 0.5 * w[signal].sum())
    passed = background & (nominal >= cut)
    rejection = tagging["rejection"]["50"]
    assert rejection["background_efficiency"] == pytest.approx(w[passed].sum() / w[background].sum(), abs=1e-12)
    assert rejection["background_jets"] == round(w[passed].sum() ** 2 / (w[passed] ** 2).sum(), 2)
    shift = numbers["robustness"]["one"]["qcd"]["seed"]
    expected = wasserstein_distance(nominal[background], varied[background], w[background], w[background])
    assert shift["wasserstein"] == pytest.approx(expected, abs=1e-12)
    change = w[background & (varied >= cut)].sum() / w[passed].sum() - 1
    assert numbers["rate_changes"]["one"]["qcd"]["seed"]["50"]["change"] == pytest.approx(change, abs=1e-12)
    effective = w[signal].sum() ** 2 / (w[signal] ** 2).sum()
    assert numbers["weights"]["higgs"] == {"effective_events": pytest.approx(effective), "negative_share": 0.0}
    assert numbers["events"] == {"qcd": N_BACKGROUND, "higgs": N_SIGNAL}
    # The error of the area grows as the effective numbers fall.
    plain = measure(meter(make_meter, None)).tagging["one"]
    assert tagging["auc_error"] > 1.1 * (plain.auc.error or 0)
    assert abs(tagging["auc"] - plain.auc.value) > 1e-3


def test_equal_weights_of_any_size_change_no_bit(make_meter: Maker) -> None:
    plain = measure(meter(make_meter, None))
    assert measure(meter(make_meter, np.full(2 * (N_SIGNAL + N_BACKGROUND), 3.7e-3))) == plain
    assert measure(meter(make_meter, event_weights(4), weights={"generator": False})) == plain


def test_negative_weights_are_taken_as_they_are(make_meter: Maker) -> None:
    weights = event_weights(5, negative=0.1)
    numbers = measure(meter(make_meter, weights)).document()
    nominal, w = scores(1)[::2], weights[::2]
    signal, background = np.arange(len(w)) < N_SIGNAL, np.arange(len(w)) >= N_SIGNAL
    above = nominal[signal][:, None] > nominal[background][None, :]
    area = (w[signal][:, None] * w[background][None, :] * above).sum() / w[signal].sum() / w[background].sum()
    assert numbers["tagging"]["one"]["auc"] == pytest.approx(area, abs=1e-9)
    assert numbers["weights"]["qcd"]["negative_share"] == pytest.approx((w[background] < 0).mean())
    with pytest.raises(InvalidDataError, match="the weights of class 'higgs' have no positive sum"):
        meter(make_meter, np.where(np.repeat(signal, 2), -0.1 * np.abs(weights), np.abs(weights))).check()


def test_changes_of_rates_of_two_taggers_are_compared_event_by_event(make_meter: Maker) -> None:
    """The error of the difference is that of repeated samples, well below the two errors in squares."""
    numbers = measure(meter(make_meter, None)).document()
    found = numbers["rate_change_comparisons"]["two - one"]["qcd"]["seed"]["80"]
    one, two = (numbers["rate_changes"][name]["qcd"]["seed"]["80"] for name in ("one", "two"))
    assert found["difference"] == pytest.approx(two["change"] - one["change"])
    squares = np.hypot(one["change_error"], two["change_error"])
    r = found["correlation"]
    expected = np.sqrt(squares**2 - 2 * r * one["change_error"] * two["change_error"])
    assert found["error_events"] == pytest.approx(expected, rel=1e-6)
    assert r > 0.3
    # Linear errors from the events that pass, by a loop over them.
    cuts = [np.sort(s[::2][:N_SIGNAL])[::-1][int(0.8 * N_SIGNAL) - 1] for s in (scores(1), correlated(2, scores(1)))]
    influence = []
    for score, cut in zip((scores(1), correlated(2, scores(1))), cuts, strict=True):
        below, above = (score[start::2][N_SIGNAL:] >= cut for start in (0, 1))
        influence.append((above / above.sum() - below / below.sum()) * above.sum() / below.sum())
    linear = np.sqrt(np.sum((influence[1] - influence[0]) ** 2))
    assert found["error_events"] == pytest.approx(linear, rel=0.2)  # of 150 replicas


def test_an_event_with_two_generator_weights_is_refused(all_views: Views, tmp_path: Any) -> None:
    from rs3l_gnn.conventions import SplitFractions
    from rs3l_gnn.data import ViewsSource, write_views

    write_views(tmp_path / "a.h5", all_views)
    write_views(tmp_path / "b.h5", dataclasses.replace(all_views, weight=2 * all_views.weight))
    with (
        ViewsSource([tmp_path / "a.h5", tmp_path / "b.h5"]) as source,
        pytest.raises(InvalidDataError, match=r"another generator weight in another file.*got 2 and 1"),
    ):
        join_events(source, SplitFractions())
