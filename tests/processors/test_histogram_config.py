"""Axes of histograms of one's own."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from rs3l_gnn.conventions import ConfigError, dump_config, parse_config
from rs3l_gnn.processors import ProcessorConfig
from rs3l_gnn.processors.histogram_config import HistogramConfig

HT: dict[str, Any] = {"expression": "sum(Jet.pt)", "bins": 4, "start": 0, "stop": 8}


def test_labels_and_edges() -> None:
    config = parse_config(HistogramConfig, {**HT, "label": "$H_T$", "unit": "GeV"}, where="here")
    axis = config.variable("ht", "ht").axis()
    assert (axis.name, axis.label, list(axis.edges)) == ("ht", "$H_T$ [GeV]", [0, 2, 4, 6, 8])
    wide = parse_config(HistogramConfig, {"expression": "sum(Jet.pt)", "edges": [0, 1, 5, 20]}, where="here")
    variable = wide.variable("ht", "ht")
    assert (variable.label, list(variable.axis().edges)) == ("ht", [0, 1, 5, 20])
    # Underflow is 0; the last edge belongs to the last bin.
    assert variable.index([-1, 0, 0.5, 1, 4.9, 19, 20, 21]).tolist() == [0, 1, 1, 2, 2, 3, 3, 4]
    assert parse_config(HistogramConfig, yaml.safe_load(dump_config(wide)), where="again") == wide


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ht": {**HT, "function": "a:b"}}, "histograms.ht: give either expression or function"),
        ({"ht": {key: HT[key] for key in ("bins", "start", "stop")}}, "give either expression or function"),
        ({"ht": {"expression": "nJet", "edges": [0, 2, 1]}}, "edges must rise"),
        ({"ht": {"expression": "nJet", "edges": [0, 1], "spacing": "logit"}}, "logit|edges leave nothing"),
        ({"ht": {**HT, "stop": 0}}, "start must lie below stop"),
        ({"ht": {**HT, "function": "a.b", "expression": None}}, "histograms.ht.function"),
        ({"mass": HT}, "histograms must not be named mass; score_n2, mass, pt are filled anyway"),
        ({"score_ht": HT}, "must not be named score_ht"),
        ({"covariance": HT}, "must not be named covariance"),
    ],
)
def test_mistakes_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_config(ProcessorConfig, {"histograms": change}, where="here")
