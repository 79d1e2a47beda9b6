"""Sizes of encoders and heads."""

from __future__ import annotations

import pytest

from rs3l_gnn.conventions import FEATURE_NAMES, ConfigError, parse_config
from rs3l_gnn.models import BACKBONES, EdgeConvConfig, HeadConfig


def test_defaults_are_those_of_the_paper() -> None:
    config = EdgeConvConfig()
    assert (config.width, config.layers, config.k, config.hidden, config.dim) == (128, 3, 24, (64, 32, 32), 8)
    assert config.features == FEATURE_NAMES


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"features": ["log_pt", "colour"]}, "unknown feature 'colour'"),
        ({"features": ["log_pt", "log_pt"]}, "named once each"),
        ({"features": []}, "at least one"),
        ({"hidden": [64, 0]}, "must be 1 to 4096"),
        ({"backbone": "transformer", "width": 100, "heads": 8}, "100 is not a multiple of heads 8"),
        ({"k": 0}, "k: "),
        ({"depth": 3}, "unknown key 'depth'"),
    ],
)
def test_wrong_values_are_named(document: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        BACKBONES.parse(document, where="encoder")


def test_head_without_classes() -> None:
    with pytest.raises(ConfigError, match="n_classes"):
        parse_config(HeadConfig, {"n_classes": 0}, where="head")
