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


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"efficiencies": [0.5, 1.0]}, "between 0 and 1"),
        ({"taggers": {"n2": "a"}}, "belongs to the classical baseline"),
        ({"signal": {"name": "qcd", "jettypes": ["H_BB"]}}, "same name: qcd, qcd"),
        ({"signal": {"name": "higgs", "jettypes": ["HIGGS"]}}, "jettypes must name some of"),
    ],
)
def test_nonsense_is_refused(document: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_config(EvaluateConfig, document, where="here")
