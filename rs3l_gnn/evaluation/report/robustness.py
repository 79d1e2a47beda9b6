"""Tables of the report on what variations and shower weights change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rs3l_gnn.conventions.wording import compared, number, plus_minus, sigmas
from rs3l_gnn.evaluation.config import BASELINE, EvaluateConfig
from rs3l_gnn.evaluation.meter import percent
from rs3l_gnn.evaluation.report.markup import Markup, joined, table

__all__ = ["robustness_section", "shower_weights_section"]

_RATIO = ("ratio", "interval", "significance")


def robustness_section(config: EvaluateConfig, metrics: Mapping[str, Any]) -> Markup:
    """Distances on both scales, their ratios, and changes of rates, one table a class."""
    parts: list[str] = []
    for which in config.classes:
        variations = list(metrics["robustness"][BASELINE][which.name])
        if not variations:
            continue
        for key, scale in (("wasserstein", "in units of the score"), ("wasserstein_common", "on the common scale")):
            rows = [
                (name, *(_distance(classes[which.name][v], key) for v in variations))
                for name, classes in metrics["robustness"].items()
            ]
            caption = f"Wasserstein distance of {which.name}, {scale}; in brackets: what statistics alone makes"
            parts.append(table(("Tagger", *variations), rows, caption=caption))
        for suffix, scale in (("", "in units of the score"), ("_common", "on the common scale")):
            pairs = [
                (
                    pair.replace(" - ", " / "),
                    *(compared(*(classes[which.name][v][f"{key}{suffix}"] for key in _RATIO)) for v in variations),
                )
                for pair, classes in metrics["comparisons"].items()
            ]
            if pairs:
                parts.append(
                    table(("Pair", *variations), pairs, caption=f"Ratio of the distances of {which.name}, {scale}")
                )
        parts.append(_rate_table(config, metrics, which.name, variations))
        parts.append(_rate_comparison_table(metrics["rate_change_comparisons"], which.name, variations))
    return joined(parts)


def _rate_comparison_table(comparisons: Mapping[str, Any], which: str, variations: list[str]) -> Markup:
    """Differences of the changes of rates, in per cent, one row for a pair of taggers and an efficiency."""
    rows = [
        (f"{pair}, {efficiency} %", *(_difference(classes[which][v][efficiency], 100) for v in variations))
        for pair, classes in comparisons.items()
        for efficiency in next(iter(classes[which].values()), {})
    ]
    caption = f"Difference of these changes for {which}, in per cent, paired event by event; r: correlation of the two"
    return table(("Pair, signal efficiency", *variations), rows, caption=caption) if rows else Markup("")


def _difference(cell: Mapping[str, Any], scale: float) -> str:
    """A paired difference with its significance and the correlation that made its error small."""
    if cell["difference"] is None:
        return "-"
    error = None if cell["error"] is None else scale * cell["error"]
    text = f"{plus_minus(scale * cell['difference'], error)} ({sigmas(cell['significance'])}"
    return text + (")" if cell["correlation"] is None else f", r = {cell['correlation']:.2f})")


def shower_weights_section(config: EvaluateConfig, metrics: Mapping[str, Any]) -> Markup:
    """Changes of pass rates under shower weights, responses to scales, and the differences of taggers."""
    parts: list[str] = []
    for which in (name.name for name in config.classes):
        rows = [
            (
                f"{tagger}, {name}",
                f"{found['effective_events']:.0f} of {found['events']}",
                number(found["largest"]),
                *(
                    plus_minus(*(None if x is None else 100 * x for x in (rate["change"], rate["change_error"])))
                    for rate in found["rates"].values()
                ),
            )
            for tagger, classes in metrics["shower_weights"].items()
            for name, found in classes[which].items()
        ]
        if not rows:
            continue
        efficiencies = [f"at {percent(efficiency)} %" for efficiency in config.efficiencies]
        head = ("Tagger, weight", "Effective events", "Largest weight", *efficiencies)
        parts.append(table(head, rows, caption=f"Change of the pass rate of {which} under shower weights, in per cent"))
        rows = [
            (f"{tagger}, {name}", *(plus_minus(cell["response"], cell["response_error"]) for cell in cells.values()))
            for tagger, classes in metrics["responses"].items()
            for name, cells in classes[which].items()
        ]
        if rows:
            caption = f"Response d ln(pass rate) / d ln(squared scale) of {which}"
            parts.append(table(("Tagger, scale", *efficiencies), rows, caption=caption))
        rows = [
            (f"{pair}, {name}", *(_difference(cell, 1) for cell in cells.values()))
            for pair, classes in metrics["shower_weight_comparisons"].items()
            for name, cells in classes[which]["responses"].items()
        ]
        if rows:
            caption = f"Difference of the responses for {which}, paired jet by jet; r: correlation of the two"
            parts.append(table(("Pair, scale", *efficiencies), rows, caption=caption))
    return joined(parts)


def _distance(row: Mapping[str, Any], key: str) -> str:
    return f"{plus_minus(row[key], row[f'{key}_error'])} ({number(row[f'{key}_null'], 2)})"


def _rate_table(config: EvaluateConfig, metrics: Mapping[str, Any], which: str, variations: list[str]) -> Markup:
    rows = []
    for name, classes in metrics["rate_changes"].items():
        for efficiency in next(iter(classes[which].values())):
            cells = [classes[which][v][efficiency] for v in variations]
            rows.append(
                (
                    f"{name}, {efficiency} %",
                    *(
                        plus_minus(*(None if x is None else 100 * x for x in (c["change"], c["change_error"])))
                        for c in cells
                    ),
                )
            )
    what = "FPR" if which == config.background.name else "efficiency"
    return table(
        ("Tagger, signal efficiency", *variations), rows, caption=f"Change of the {what} of {which}, in per cent"
    )
