"""Documents with results: of evaluation, analysis, fits and the demo."""

from __future__ import annotations

from typing import Any

from rs3l_gnn.workflows.inspection.numbers import origin, rounded, with_error

__all__ = [
    "describe_analysis",
    "describe_comparison",
    "describe_demo",
    "describe_fit",
    "describe_histograms",
    "describe_metrics",
    "describe_plan",
]

Description = dict[str, Any]


def describe_metrics(document: Description) -> Description:
    """What ``rs3l evaluate`` found."""
    tagging = {}
    for name, values in document["tagging"].items():
        tagging[name] = {
            "AUC": with_error(values["auc"], values["auc_error"]),
            **{f"1/FPR at {point} %": rounded(entry["value"]) for point, entry in values["rejection"].items()},
        }
    distances = {
        f"{name}, {kind}": {
            variation: with_error(entry["wasserstein"], entry["wasserstein_error"])
            for variation, entry in entries.items()
        }
        for name, kinds in document["robustness"].items()
        for kind, entries in kinds.items()
    }
    responses = {
        f"{name}, {kind}": {
            f"{estimator} at {point} %": with_error(cell["response"], cell["response_error"])
            for estimator, cells in estimators.items()
            for point, cell in cells.items()
            if cell["response"] is not None and cell["response_error"] is not None
        }
        for name, kinds in document.get("responses", {}).items()
        for kind, estimators in kinds.items()
    }
    return {
        "kind": "metrics of rs3l evaluate",
        "events": document["events"],
        "tagging": tagging,
        "Wasserstein distance of the score to nominal": distances,
        **({"responses": responses} if responses else {}),
    }


def describe_plan(document: Description) -> Description:
    """What ``rs3l evaluate --plan`` expects."""
    return {
        "kind": "plan of rs3l evaluate",
        "reference": document["reference"],
        "significance": document["significance"],
        "events needed, by trainings": {
            f"{row['which']}, {row['words']} at {row['efficiency']} %, {row['tagger']}": row["needed"]
            for row in document["rows"]
        },
    }


def describe_histograms(document: Description) -> Description:
    """Histograms of ``rs3l analyze``."""
    return {
        "kind": "rs3l histograms",
        "complete": document["complete"],
        "histograms": {
            name: " x ".join(_axis(axis) for axis in entry.get("axes", []))
            for name, entry in document["histograms"].items()
        },
        "datasets": {
            name: {key: values[key] for key in ("process", "xsec", "sumw", "events") if key in values}
            for name, values in document["datasets"].items()
        },
        "variations": list(document["variations"]),
        "joint weights of nominal and variations": list(document.get("paired") or {}),
        "models": document.get("models", {}),
        **origin(document),
    }


def _axis(axis: Description) -> str:
    name = (axis.get("metadata") or {}).get("name", axis["type"])
    if "categories" in axis:
        return f"{name} ({len(axis['categories'])})"
    bins = axis.get("bins") or len(axis.get("edges", [None])) - 1
    return f"{name} ({bins} bins)"


def describe_analysis(document: Description) -> Description:
    """The report of ``rs3l analyze``."""
    last_steps = {}
    for name, steps in document["cutflow"].items():
        step, counts = list(steps.items())[-1]
        last_steps[name] = f"{counts['events']} in {step!r}"
    return {
        "kind": "report of rs3l analyze",
        "complete": document["complete"],
        "executor": f"{document['executor']}, {document['workers']} workers",
        **{key: document[key] for key in ("events", "jets", "files", "chunks", "chunks_left_out")},
        "jets per second": rounded(document["jets_per_second"]),
        "seconds": rounded(document["seconds"]["total"]),
        "skipped files": document["skipped_files"],
        "failed chunks": document["failed_chunks"],
        "branches": len(document["branches"]),
        "events left": last_steps,
    }


def describe_fit(document: Description) -> Description:
    """The result of ``rs3l fit``."""
    ranking = document.get("ranking") or []
    found: Description = {
        "kind": "result of rs3l fit",
        "histogram": document["histogram"],
        "data": document["data"]["kind"],
        document["poi"]: with_error(document["mu"], document["mu_error"]),
        "errors": {name: rounded(value) for name, value in document["mu_errors"].items()},
        "goodness of fit": rounded(document["goodness_of_fit"]),
        "bins": {name: len(channel["edges"]) - 1 for name, channel in document["channels"].items()},
        "pulls": {
            name: f"{entry['pull']:+.2f}, constraint {entry['constraint']:.2f}"
            for name, entry in document["parameters"].items()
            if entry["pull"] is not None and "staterror" not in name
        },
        "largest impacts": [entry["name"] for entry in ranking[:5]],
    }
    if document.get("limit"):
        limit = document["limit"]
        percent = f"limit at {100 * limit['confidence_level']:.0f} %"
        found[percent] = f"{rounded(limit['observed'])}, expected {rounded(limit['expected'][2])}"
    if document.get("significance"):
        found["significance"] = rounded(document["significance"]["observed"])
    return {**found, **origin(document)}


def describe_comparison(document: Description) -> Description:
    """Several taggers compared by fits."""
    keys = {"mu_error": "error", "mu_error_shower": "of the shower", "mu_error_statistical": "statistical"}
    taggers = {}
    for name, values in document["taggers"].items():
        errors = ", ".join(f"{text} {rounded(values[key])}" for key, text in keys.items() if key in values)
        taggers[name] = f"mu {rounded(values['mu'])}, {errors}"
        for source, bias in (values.get("bias") or {}).items():
            taggers[name] += f"; bias from {source} {with_error(bias, values['bias_error'][source])}"
    return {"kind": "comparison of taggers by rs3l fit", "taggers": taggers, **origin(document)}


def describe_demo(document: Description) -> Description:
    """The summary of ``rs3l demo``."""
    return {
        "kind": "summary of rs3l demo",
        **{name: value for name, value in document.items() if name not in ("provenance", "seconds_total")},
        "seconds": rounded(document["seconds_total"]),
        **origin(document),
    }
