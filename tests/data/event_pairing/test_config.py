"""Settings of pairing: what contradicts itself is refused with its reason."""

from __future__ import annotations

from typing import Any

import pytest

from rs3l_gnn.conventions import ConfigError, parse_config
from rs3l_gnn.data.event_pairing.config import EventPairConfig


def _config(**document: Any) -> EventPairConfig:
    return parse_config(EventPairConfig, document, where="events")


def test_whole_settings_are_taken() -> None:
    config = _config(
        filesets=["a.json"],
        labels={"source": "branch", "branch": "FatJet_flavour", "values": {5: "B", 0: "MY_QCD"}},
        selection={"pt_min": 300, "pt_max": 600},
        caps={"MY_QCD": 10},
    )
    assert config.labels.values == {5: "B", 0: "MY_QCD"}
    assert (config.selection.pt_min, config.selection.pt_max, config.caps) == (300.0, 600.0, {"MY_QCD": 10})


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"selection": {"pt_min": 600, "pt_max": 300}}, "pt_min must be below pt_max, got 600 and 300"),
        ({"selection": {"pt_min": 300, "pt_max": 300}}, "pt_min must be below pt_max"),
        ({"selection": {"pt_min": -1}}, "pt_min"),
        ({"caps": {"B": 0}}, "caps.B must be at least 1, got 0"),
        ({"event_key": []}, "event_key"),
        ({"jets": {"radius": 0}}, "radius"),
        ({"jets": {"match": "any"}}, "match"),
        ({"partons": {"source": "LHE"}}, "source"),
        ({"labels": {"source": "branch", "values": {5: "B"}}}, "source branch needs branch and values"),
        ({"labels": {"source": "branch", "branch": "x"}}, "source branch needs branch and values"),
        ({"labels": {"source": "expressions"}}, "source expressions needs expressions"),
        ({"labels": {"branch": "x"}}, "branch is of use with source branch alone, got source auto"),
        ({"labels": {"source": "none", "expressions": {"B": "jet.pt > 1"}}}, "expressions is of use with source expr"),
        ({"labels": {"source": "expressions", "expressions": {"a b": "jet.pt > 1"}}}, "letters, digits and _ only"),
        ({"labels": {"source": "expressions", "expressions": {"B": "jet.pt >"}}}, "jet.pt >"),
        ({"radius": 0.4}, "radius"),
    ],
)
def test_settings_that_cannot_be(document: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        _config(**document)
