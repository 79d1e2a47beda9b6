from __future__ import annotations

from pathlib import Path

import pytest

from rs3l_gnn.conventions import ConfigError, UnknownVariationError, load_config, parse_config
from rs3l_gnn.simulation import SimulationConfig

CONFIGS = Path(__file__).parents[2] / "configs" / "simulate"


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.name)
def test_shipped_configurations(path: Path) -> None:
    config = load_config(SimulationConfig, path)
    assert config.variations[0] == "nominal"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"samples": {}}, "at least 1 item"),
        ({"samples": {"a b": {"process": "qcd", "events": 1}}}, "letters, digits and _ only"),
        ({"samples": {"a": {"process": "qcd"}}}, "needs 'events'"),
        ({"samples": {"a": {"process": "qcd", "events": 0}}}, "greater than 0"),
        ({"samples": {"a": {"process": "qqq", "events": 1}}}, "unknown process 'qqq'"),
        ({"samples": {"a": {"process": "qcd", "events": 1}}, "sed": 3}, "did you mean 'seed'"),
        ({"samples": {"a": {"process": "qcd", "events": 1}}, "jets": {"zcut": 0.6}}, "less than 0.5"),
    ],
)
def test_mistakes(document: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_config(SimulationConfig, document, where="test")


def test_an_unknown_variation_lists_the_known_ones() -> None:
    document = {"samples": {"a": {"process": "qcd", "events": 1}}, "variations": ["fsr_dn"]}
    with pytest.raises(
        UnknownVariationError, match=r"unknown variation 'fsr_dn' in 'variations'; allowed: nominal, seed"
    ):
        parse_config(SimulationConfig, document, where="test")


def test_nominal_is_always_simulated_first() -> None:
    document = {"samples": {"a": {"process": "qcd", "events": 1}}, "variations": ["seed", "nominal", "fsrRenLo"]}
    config = parse_config(SimulationConfig, document, where="test")
    assert config.variations == ("nominal", "seed", "fsrRenLo")


@pytest.mark.parametrize(
    ("start", "second_to_last"),
    [("hard", "fsrRenLo"), ("shower", "bFragUp"), ("particles", "nominal")],
)
def test_without_names_the_variations_suit_the_start(start: str, second_to_last: str) -> None:
    document = {"samples": {"a": {"process": "qcd", "events": 1}}, "start": start}
    config = parse_config(SimulationConfig, document, where="test")
    assert config.variations[:2] == ("nominal", "seed")
    assert config.variations[-2] == second_to_last


def test_an_unknown_start_is_refused() -> None:
    document = {"samples": {"a": {"process": "qcd", "events": 1}}, "start": "jets"}
    with pytest.raises(ConfigError, match="start: Input should be 'hard', 'shower' or 'particles', got 'jets'"):
        parse_config(SimulationConfig, document, where="test")
