"""Which jets and channels a configuration may ask for."""

from __future__ import annotations

from typing import Any

import pytest

from rs3l_gnn.conventions import ConfigError, dump_config, parse_config
from rs3l_gnn.processors import ProcessorConfig
from rs3l_gnn.processors.selection_config import JetSelection


def test_places_by_pt() -> None:
    places = {choice: JetSelection(choice=choice).place for choice in ("leading", "second", "anchor", "all", 1, 3)}
    assert places == {"leading": 0, "second": 1, "anchor": 0, "all": None, 1: 0, 3: 2}


def test_channels_by_name() -> None:
    short: dict[str, Any] = {"sr": "score_n2 > 0.5 and mass > 80", "cr": {"cuts": {"score_n2": [None, 0.5]}}}
    config = parse_config(ProcessorConfig, {"channels": short}, where="here")
    assert [channel.name for channel in config.channels] == ["sr", "cr"]
    assert config.channels[0].selection == short["sr"]
    assert config.channels[1].cuts == {"score_n2": (None, 0.5)}
    assert list(config.expressions) == ["channels.sr"]
    assert "score_n2 > 0.5" in dump_config(config)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"channels": {"sr": "score_net > 0.5"}}, "channels.sr uses score_net, allowed: score_n2, mass, pt"),
        ({"events": {"a": "any(score_n2 > 0.5)"}}, "events.a uses score_n2, but jets are scored later"),
        ({"jet": {"selection": {"a": "score_n2 > 0.5"}}}, "jet.selection.a uses score_n2, but jets are scored later"),
        ({"events": {"a": "MET.pt + 2"}}, "events.a: a condition is needed"),
        ({"events": {"a": "MET.pt > 2 &"}}, r"events.a: the expression 'MET.pt > 2 &' cannot be read: .* at its end"),
        ({"events": {"a b": "MET.pt > 2"}}, "a name starts with a letter"),
        ({"channels": {"sr": "import os"}}, "channels.0.selection: the expression 'import os' cannot be read"),
        ({"jet": {"choice": "third"}}, "jet.choice"),
        ({"jet": {"choice": 0}}, "jet.choice"),
    ],
)
def test_mistakes_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_config(ProcessorConfig, change, where="here")
