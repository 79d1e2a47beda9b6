from __future__ import annotations

from rs3l_gnn.cli.evaluate_table import evaluation_table
from rs3l_gnn.evaluation.results import (
    Difference,
    Estimate,
    Inverse,
    Metrics,
    Rejection,
    ResponseResults,
    ShowerWeightResults,
    Tagging,
    TaggingGain,
    ViewCounts,
)


def estimate(value: float, error: float) -> Estimate:
    return Estimate(value, error, error, None, None, (value,))


def tagging(area: float, rejections: dict[str, float | None]) -> Tagging:
    found = {}
    for point, value in rejections.items():
        interval = (1000.0, None) if value is None else (0.9 * value, 1.1 * value)
        inverse = Inverse(value, interval, interval, None, None, None, None, (value,))
        found[point] = Rejection(inverse, estimate(0.0 if value is None else 1 / value, 1e-3))
    return Tagging(1, estimate(area, 0.0042), found)


def metrics(significance: float | None) -> Metrics:
    change = Difference(0.0456, 0.0012, 0.0012, None, significance)
    return Metrics(
        events={"hbb": 100, "qcd": 100},
        weights={},
        remarks=(),
        views=ViewCounts(0, 0, 0),
        tagging={"n2": tagging(0.8123, {"50": 12.0}), "rs3l": tagging(0.8579, {"50": 20.0, "30": None})},
        roc={},
        gains={"rs3l / n2": TaggingGain(change, {})},
        robustness={},
        comparisons={},
        rate_changes={},
        rate_change_comparisons={},
        showers=ShowerWeightResults(),
        responses=ResponseResults(),
        sculpting={},
        curves={},
        tables={},
        probes={},
        latent={},
    )


def test_rows_and_points() -> None:
    lines = evaluation_table(metrics(2.345)).splitlines()
    heads = [part.strip() for part in lines[0].split("  ") if part]
    assert heads == ["tagger", "AUC", "1/FPR at 50 %", "1/FPR at 30 %"]
    assert [part.strip() for part in lines[1].split("  ") if part] == [
        "n2",
        "0.8123 ± 0.0042",
        "12.0 [10.8, 13.2]",
        "-",
    ]
    assert [part.strip() for part in lines[2].split("  ") if part] == [
        "rs3l",
        "0.8579 ± 0.0042",
        "20.0 [18.0, 22.0]",
        "> 1 000",
    ]
    assert lines[3] == ""
    assert lines[5].split() == ["rs3l", "/", "n2", "0.0456", "±", "0.0012", "(+2.3", "σ)"]


def test_no_ceiling_of_floating_point() -> None:
    # The normal distribution ends at 37 standard deviations in double precision.
    for significance, told in ((37.04, "(> 8 σ)"), (-37.04, "(< -8 σ)"), (None, "(-)")):
        text = evaluation_table(metrics(significance))
        assert told in text
        assert "37" not in text


def test_one_tagger_has_no_pairs() -> None:
    found = metrics(None)
    alone = Metrics(**{**vars(found), "tagging": {"n2": found.tagging["n2"]}, "gains": {}})
    assert len(evaluation_table(alone).splitlines()) == 2
