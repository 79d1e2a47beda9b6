from __future__ import annotations

from typing import Any

import pytest

from rs3l_gnn.conventions import FEATURE_NAMES, FEATURE_SETS, BaseConfig, ConfigError, parse_config
from rs3l_gnn.conventions.feature_config import FeatureNames


class Inputs(BaseConfig):
    features: FeatureNames = FEATURE_NAMES


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("nano", FEATURE_SETS["nano"]),
        (["nano"], FEATURE_SETS["nano"]),
        (["charge", "deta"], ("charge", "deta")),
        (["puppi_weight", "paper"], ("puppi_weight", *FEATURE_NAMES)),
    ],
)
def test_sets_are_written_out(value: Any, expected: tuple[str, ...]) -> None:
    config = parse_config(Inputs, {"features": value}, where="x.yaml")
    assert config.features == expected
    assert parse_config(Inputs, config.model_dump(mode="json"), where="again") == config


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (["speed"], "x.yaml.*features.*unknown feature 'speed'; allowed: log_pt"),
        (["nano", "charge"], "features must be named once each, and at least one; got charge twice"),
        ([], "at least one; got none"),
        ([7], "features"),
        (7, "features"),
        ({"charge": 1}, "features"),
    ],
)
def test_what_cannot_be_asked_for(value: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_config(Inputs, {"features": value}, where="x.yaml")
