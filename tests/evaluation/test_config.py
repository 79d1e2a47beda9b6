"""Settings of evaluations."""

from pathlib import Path
from typing import Any

import pytest

from rs3l_gnn.conventions import ConfigError, load_config, parse_config
from rs3l_gnn.evaluation import EvaluateConfig

CONFIGS = Path(__file__).parents[2] / "configs" / "evaluate"


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_evaluations_parse(path: Path) -> None:
    assert load_config(EvaluateConfig, path).taggers


def curve(**changes: Any) -> dict[str, Any]:
    return {"curves": {"c": {"x_label": "n", "lines": {"a": {10: "w"}}, **changes}}}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"efficiencies": [0.5, 1.0]}, "efficiencies.1: .* less than 1"),
        ({"taggers": {"n2": "a"}}, "belongs to the classical baseline"),
        ({"taggers": {"a": []}}, "tagger 'a' has no weights"),
        ({"taggers": {"a": "w"}, "reference": "b"}, "reference must be n2 or one of a, got 'b'"),
        ({"signal": {"name": "qcd", "jettypes": ["H_BB"]}}, "same name: qcd, qcd"),
        ({"signal": {"name": "higgs", "jettypes": []}}, "at least 1 item"),
        ({"distance_aim": 0}, "distance_aim"),
        (curve(lines={}), "lines needs at least one line"),
        (curve(lines={"a": {}}), "each line at least one point"),
        (curve(lines={"a": {10: []}}), "at least 1 item"),
        (curve(lines={"a": {1000: "v", "1e3": "w"}}), "line 'a' has two points at the same x: 1000, 1e3"),
        (curve(lines={"a": {0: "w"}}), "needs x > 0, got 0"),
        (curve(lines={"a": {"many": "w"}}), "valid number"),
        (curve(references={"a": "w"}), "a is a line and a reference"),
        (curve(reference="b"), r"reference must name a line or one of references \(a\), got 'b'"),
        (curve(aims={10: 2}), "aims need a reference"),
        (curve(aims={20: 2}, reference="a"), "aims must lie at x values of the lines \\(10\\), got 20"),
        ({"tables": {"t": {"rows": {"x": "w"}, "reference": "y"}}}, r"reference must name a row \(x\), got 'y'"),
        ({"tables": {"t": {"rows": {"x": "w"}, "reference": "x", "efficiencies": []}}}, "at least 1 item"),
    ],
)
def test_nonsense_is_refused(document: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_config(EvaluateConfig, document, where="here")


def test_one_training_or_several() -> None:
    config = parse_config(EvaluateConfig, {"taggers": {"a": "w", "b": ["x", "y"]}}, where="here")
    assert config.trainings == {"n2": ("n2",), "a": ("w",), "b": ("x", "y")}
    assert config.reference_tagger == "a"
    assert config.model_copy(update={"reference": "b"}).reference_tagger == "b"
    assert EvaluateConfig().reference_tagger == "n2"


def test_recipes_tell_what_has_to_be_scored() -> None:
    document = {
        "taggers": {"a": "w"},
        "curves": {"c": {"x_label": "n", "lines": {"l": {1: "x"}}, "references": {"r": "n2"}, "variations": True}},
        "tables": {"t": {"rows": {"p": ["y", "z"]}, "reference": "p"}},
    }
    recipes = list(parse_config(EvaluateConfig, document, where="here").recipes())
    assert recipes == [(("n2",), True), (("w",), True), (("x",), True), (("n2",), True), (("y", "z"), False)]
