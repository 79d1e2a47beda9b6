from __future__ import annotations

import pytest

from rs3l_gnn.conventions import ConfigError, JetType, parse_config
from rs3l_gnn.simulation import SimulationConfig
from rs3l_gnn.simulation.decay_labels import DecayTable, own_labels


def _config(labels: dict[str, object]) -> SimulationConfig:
    document = {"samples": {"a": {"process": "hbb", "events": 1}}, "labels": labels}
    return parse_config(SimulationConfig, document, where="test")


def test_words_and_numbers_of_a_channel() -> None:
    config = _config({"semi": {"pdg_id": 6, "daughters": [[24, 5]], "products": [["l", "nu", 5]]}})
    table = DecayTable(config.labels)
    semi = own_labels(config.labels)[0].number
    assert table.find(-6, [-24, -5], [13, -14, -5]) == semi
    assert table.find(6, [24, 5], [2, -1, 5]) == JetType.TOP_BQQ
    assert table.find(6, [24, 3], [13, -14, 3]) is None
    assert table.find(6, [24, 5], [13, -14, 5, 21]) is None


def test_the_number_of_an_own_label_follows_from_its_name() -> None:
    one, two = own_labels(_config({"a": {"pdg_id": 36}, "b": {"pdg_id": 36, "within": "GG"}}).labels)
    assert own_labels(_config({"b": {"pdg_id": 25}}).labels)[0].number == two.number
    assert one.number != two.number
    assert two.within == "GG"


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"H_BB": {"pdg_id": 25}}, "a label of the registry has this name"),
        ({"a b": {"pdg_id": 25}}, "letters, digits and _ only"),
        ({"a": {"pdg_id": 25, "within": "H_XX"}}, "names no label"),
        ({"a": {"pdg_id": -25}}, "greater than 0"),
        ({"a": {"pdg_id": 25, "daughters": [["x"]]}}, "'q', 'l' or 'nu'"),
    ],
)
def test_what_is_refused(labels: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        _config(labels)
