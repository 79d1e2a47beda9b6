"""Numbers of an evaluation: ROC and rejection with errors, distances and rates of every variation, linear probes."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import NOMINAL, InvalidDataError, Variation
from rs3l_gnn.evaluation.config import ClassConfig, EvaluateConfig
from rs3l_gnn.evaluation.robustness import Shift, quantile_scores, rate_changes, score_shift
from rs3l_gnn.evaluation.roc import roc_curve, threshold_at
from rs3l_gnn.evaluation.scoring import ScoredViews
from rs3l_gnn.training.monitors import area_under_roc, linear_probe_auc

__all__ = ["compared_variations", "measure"]


def measure(config: EvaluateConfig, scored: ScoredViews) -> dict[str, Any]:
    """Every number of an evaluation, as a JSON-ready document without the provenance.

    Keys: ``events`` by class; ``tagging`` by tagger (``auc``, ``auc_error``, ``rejection`` by signal efficiency);
    ``robustness`` by tagger, class and variation (``wasserstein`` of the score, the same on the scale of
    :func:`~rs3l_gnn.evaluation.robustness.quantile_scores`, both with bootstrap errors); ``comparisons`` by pair of
    taggers ("b - a"), class and variation (difference of the two distances, with the error of paired data);
    ``rate_changes`` by tagger, class, variation and signal efficiency, at the thresholds of the nominal signal;
    ``probes``.

    Raises:
        InvalidDataError: the signal or the background has no test event.
        UnknownVariationError: a wanted variation does not occur.
    """
    rng = np.random.default_rng([config.seed, 11])
    events = {which.name: int(scored.in_class(which).sum()) for which in config.classes}
    for which in (config.signal, config.background):
        if events[which.name] == 0:
            raise InvalidDataError(
                f"no test event is of class {which.name!r}", got=f"{events}", hint=f"jet types {which.jettypes}"
            )
    # The same replicas for every tagger, so that differences between taggers have the errors of paired data.
    replicas = {
        (which.name, variation.name): rng.integers(
            n := len(scored.pairs(which, variation.vartype)[0]), size=(config.bootstrap, n)
        )
        for which in config.classes
        for variation in compared_variations(config, scored)
        if len(scored.pairs(which, variation.vartype)[0])
    }
    shifted: dict[tuple[str, str, str], tuple[Shift, Shift]] = {}
    tagging = {}
    robustness: dict[str, Any] = {}
    changes: dict[str, Any] = {}
    for tagger, score in scored.scores.items():
        signal, background = (_nominal(scored, score, which) for which in (config.signal, config.background))
        tagging[tagger] = _tagging(config, signal, background, rng)
        cuts = {_percent(e): threshold_at(signal, e) for e in config.efficiencies}
        common = quantile_scores(score, signal, background)
        robustness[tagger], changes[tagger] = {}, {}
        for which in config.classes:
            shifts, rates = {}, {}
            for variation in compared_variations(config, scored):
                nominal, varied = scored.pairs(which, variation.vartype)
                if len(nominal) == 0:
                    continue
                drawn = replicas[which.name, variation.name]
                shift = score_shift(score[nominal], score[varied], drawn)
                on_common = score_shift(common[nominal], common[varied], drawn)
                shifted[tagger, which.name, variation.name] = shift, on_common
                shifts[variation.name] = {
                    "wasserstein": shift.distance,
                    "wasserstein_error": shift.error,
                    "wasserstein_common": on_common.distance,
                    "wasserstein_common_error": on_common.error,
                    "events": shift.n_events,
                }
                rates[variation.name] = {
                    name: dict(
                        zip(
                            ("change", "error"),
                            rate_changes(score[nominal] >= cut, score[varied] >= cut, drawn),
                            strict=True,
                        )
                    )
                    for name, cut in cuts.items()
                }
            robustness[tagger][which.name], changes[tagger][which.name] = shifts, rates
    return {
        "events": events,
        "tagging": tagging,
        "robustness": robustness,
        "comparisons": _comparisons(list(config.taggers), shifted),
        "rate_changes": changes,
        "probes": _probes(config, scored),
    }


def _comparisons(taggers: list[str], shifted: dict[tuple[str, str, str], tuple[Shift, Shift]]) -> dict[str, Any]:
    """Distance of a later tagger minus that of an earlier one; negative where the later one moves less."""
    out: dict[str, Any] = {}
    for first, second in itertools.combinations(taggers, 2):
        by_class: dict[str, dict[str, dict[str, float]]] = {}
        for (tagger, which, variation), shifts in shifted.items():
            if tagger != second:
                continue
            numbers = {}
            for suffix, a, b in zip(("", "_common"), shifted[first, which, variation], shifts, strict=True):
                numbers[f"difference{suffix}"] = b.distance - a.distance
                numbers[f"error{suffix}"] = float((b.replicas - a.replicas).std(ddof=1))
            by_class.setdefault(which, {})[variation] = numbers
        out[f"{second} - {first}"] = by_class
    return out


def compared_variations(config: EvaluateConfig, scored: ScoredViews) -> list[Variation]:
    """The variations that are compared with nominal: the wanted ones, or all that occur."""
    found = [variation for variation in scored.views.variations if variation.name != NOMINAL.name]
    if config.variations is None:
        return found
    wanted = {scored.views.vartype_of(name) for name in config.variations}
    return [variation for variation in found if variation.vartype in wanted]


def _nominal(scored: ScoredViews, score: NDArray[np.float64], which: ClassConfig) -> NDArray[np.float64]:
    return score[scored.nominal[scored.in_class(which)]]


def _tagging(
    config: EvaluateConfig, signal: NDArray[np.float64], background: NDArray[np.float64], rng: np.random.Generator
) -> dict[str, Any]:
    roc = roc_curve(signal, background)
    rates: dict[str, list[float]] = {_percent(efficiency): [] for efficiency in config.efficiencies}
    areas = []
    target = np.concatenate([np.ones(len(signal), np.int64), np.zeros(len(background), np.int64)])
    for _ in range(config.bootstrap):
        s, b = (scores[rng.integers(len(scores), size=len(scores))] for scores in (signal, background))
        areas.append(area_under_roc(np.concatenate([s, b]), target))
        for efficiency in config.efficiencies:
            rates[_percent(efficiency)].append(float((b >= threshold_at(s, efficiency)).mean()))
    return {
        "auc": roc.area,
        "auc_error": float(np.std(areas, ddof=1)),
        "rejection": {
            _percent(efficiency): {
                "value": roc.rejection_at(efficiency),
                "background_efficiency": roc.background_at(efficiency),
                "background_jets": round(roc.background_at(efficiency) * len(background)),
                "interval": _interval(rates[_percent(efficiency)]),
            }
            for efficiency in config.efficiencies
        },
    }


def _interval(rates: list[float]) -> list[float | None]:
    """68 % interval of 1 / rate over the replicas; None where no background jet passed."""
    return [1 / rate if rate > 0 else None for rate in np.quantile(rates, [0.84, 0.16]).tolist()]


def _probes(config: EvaluateConfig, scored: ScoredViews) -> dict[str, dict[str, float | None]]:
    """Linear separation of each class from the background, in the directions of each encoder."""
    background = scored.in_class(config.background)
    probes: dict[str, dict[str, float | None]] = {}
    for name, embedding in scored.embeddings.items():
        probes[name] = {}
        for which in (config.signal, *config.others):
            target = np.where(scored.in_class(which), 1, np.where(background, 0, -1))
            probes[name][which.name] = linear_probe_auc(embedding, target)
    return probes


def _percent(efficiency: float) -> str:
    return f"{100 * efficiency:g}"
