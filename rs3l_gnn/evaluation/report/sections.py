"""Tables of the report, section by section."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rs3l_gnn.conventions.wording import bracket, compared, number, plus_minus, position, rejection, sigmas
from rs3l_gnn.evaluation.config import BASELINE, EvaluateConfig
from rs3l_gnn.evaluation.report.markup import Markup, joined, table, tag

__all__ = [
    "ablation_section",
    "curve_section",
    "events_section",
    "latent_section",
    "performance_section",
]

_RATIO = ("ratio", "interval", "significance")


def events_section(config: EvaluateConfig, metrics: Mapping[str, Any]) -> Markup:
    """Which events were used."""
    weights = metrics["weights"]
    rows = [
        (
            which.name,
            ", ".join(which.jettypes),
            str(metrics["events"][which.name]),
            f"{weights[which.name]['effective_events']:.1f}",
            f"{100 * weights[which.name]['negative_share']:.2g} %",
        )
        for which in config.classes
    ]
    views = metrics["views"]
    return joined(
        [
            table(("Class", "Jet types of the nominal view", "Events", "Effective events", "Negative weights"), rows),
            tag(
                "p",
                f"Only events on the {config.side} side of the split are used. {views['joined']} of them are in "
                f"several files and were joined; {views['same_number']} share sample and number with an event of "
                "another run.",
            ),
        ]
    )


def performance_section(config: EvaluateConfig, metrics: Mapping[str, Any]) -> Markup:
    """AUC and rejections of every tagger, and what single trainings gave."""
    efficiencies = list(next(iter(metrics["tagging"].values()))["rejection"])
    rows = [
        (
            name,
            str(row["n_trainings"]) if name != BASELINE else "-",
            plus_minus(row["auc"], row["auc_error"]),
            number(row["auc_spread"]),
            *(_rejection(row["rejection"][efficiency]) for efficiency in efficiencies),
        )
        for name, row in metrics["tagging"].items()
    ]
    head = ("Tagger", "Trainings", "AUC", "Spread of AUC", *(f"1/FPR at {e} %" for e in efficiencies))
    gains = [
        (
            pair,
            f"{plus_minus(row['auc']['difference'], row['auc']['error'])} ({sigmas(row['auc']['significance'])})",
            *(compared(*(gain[key] for key in _RATIO)) for gain in row["rejection"].values()),
        )
        for pair, row in metrics["gains"].items()
    ]
    head_gains = ("Pair", "Difference of AUC", *(f"Ratio of 1/FPR at {e} %" for e in efficiencies))
    return joined(
        [
            table(head, rows, caption=f"{config.signal.name} against {config.background.name}, nominal simulation"),
            table(head_gains, gains, caption="Pairs of taggers, with errors of paired events") if gains else "",
            tag("p", _READING),
        ]
    )


_READING = (
    "Errors and 68 % intervals combine a bootstrap over the events, which all taggers share, with the spread over "
    "the trainings divided by the square root of their number; a single training has no known spread, so its errors "
    "are those of the events alone. 1/FPR of several trainings is 1 / mean FPR. Significances use Student's "
    "distribution for the spread of few trainings."
)


def curve_section(numbers: Mapping[str, Any]) -> Markup:
    """Every point of a curve, and the power laws."""
    classes = (numbers["background"], numbers["signal"])
    rows: list[tuple[str, ...]] = []
    listed = [(line, point) for line, points in numbers["lines"].items() for point in points]
    listed += list(numbers["references"].items())
    with_distances = any("wasserstein" in point for _, point in listed)
    for name, point in listed:
        gain = point.get("gain")
        distances = point.get("wasserstein", {})
        rows.append(
            (
                name,
                position(point.get("x")),
                _trainings(point),
                _rejection(point["rejection"]),
                "-" if gain is None else compared(*(gain[key] for key in _RATIO)),
                plus_minus(point["auc"], point["auc_error"]),
                *(
                    plus_minus(*(distances.get(which, {}).get(key) for key in ("wasserstein", "wasserstein_error")))
                    for which in classes
                    if with_distances
                ),
            )
        )
    head = (
        "Line",
        numbers["x_label"],
        "Trainings",
        f"1/FPR at {100 * numbers['efficiency']:g} %",
        "over the reference" if numbers["reference"] is None else f"over {numbers['reference']}",
        "AUC",
        *(f"Mean distance, {which}" for which in classes if with_distances),
    )
    parts = [table(head, rows, caption=f"{numbers['signal']} against {numbers['background']}")]
    laws = [
        (
            f"{quantity}, {line}",
            plus_minus(law["exponent"], law["exponent_error"]),
            f"{number(law['chi2'])} / {law['degrees_of_freedom']}" if law["degrees_of_freedom"] else "-",
            bracket(law["value"], law["interval"]),
        )
        for quantity, lines in numbers["extrapolations"].items()
        for line, law in lines.items()
    ]
    if laws:
        x = next(law["x"] for lines in numbers["extrapolations"].values() for law in lines.values())
        parts.append(
            table(
                ("Quantity, line", "Exponent", "χ² / degrees of freedom", f"Extrapolation to {position(x)}"),
                laws,
                caption="Power laws y = a x^b through the points; beyond the points they are extrapolations",
            )
        )
    return joined(parts)


def ablation_section(numbers: Mapping[str, Any]) -> Markup:
    """Every row of a table with its differences to the reference."""
    efficiencies = list(next(iter(numbers["rows"].values()))["rejection"])
    classes = list(next(iter(numbers["rows"].values())).get("wasserstein", {}))
    rows = []
    for label, row in numbers["rows"].items():
        against = numbers["differences"].get(label)
        cells = [plus_minus(row["auc"], row["auc_error"])]
        if against is None:
            cells.append("reference")
        else:
            area = against["auc"]
            cells.append(f"{plus_minus(area['difference'], area['error'])} ({sigmas(area['significance'])})")
        for efficiency in efficiencies:
            cells.append(_rejection(row["rejection"][efficiency]))
            gain = None if against is None else against["rejection"][efficiency]
            cells.append("reference" if gain is None else compared(*(gain[key] for key in _RATIO)))
        for which in classes:
            distances = row["wasserstein"].get(which, {})
            cells.append(plus_minus(distances.get("wasserstein"), distances.get("wasserstein_error")))
            change = {} if against is None else against["wasserstein"].get(which, {})
            cells.append("reference" if against is None else compared(*(change.get(key) for key in _RATIO)))
        rows.append((label, _trainings(row), *cells))
    head = ["Row", "Trainings", "AUC", "Difference"]
    for efficiency in efficiencies:
        head += [f"1/FPR at {efficiency} %", "Ratio"]
    for which in classes:
        head += [f"Mean distance, {which}", "Ratio"]
    return table(
        head,
        rows,
        caption=f"{numbers['signal']} against {numbers['background']}, compared with {numbers['reference']}",
    )


def _trainings(row: Mapping[str, Any]) -> str:
    return "-" if row["sources"] == [BASELINE] else str(row["n_trainings"])


def latent_section(metrics: Mapping[str, Any]) -> Markup:
    """Linear probes of every encoder."""
    classes = list(next(iter(metrics["probes"].values())))
    rows = [
        (name, *(number(areas[which], 4) for which in classes), ", ".join(number(s, 2) for s in shares[:4]))
        for name, areas in metrics["probes"].items()
        for shares in (metrics["latent"][name]["variance_shares"],)
    ]
    head = ("Encoder", *(f"AUC of a linear probe, {which}" for which in classes), "Leading shares of the variance")
    return table(head, rows)


def _rejection(row: Mapping[str, Any]) -> str:
    return rejection(row["value"], row["interval"])
