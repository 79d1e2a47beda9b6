"""What a checkpoint says of its training events, and which events these are."""

from __future__ import annotations

import json

import numpy as np
import pytest

from rs3l_gnn.conventions import CheckpointError, SplitFractions, event_hash
from rs3l_gnn.conventions.seen_events import seen_by, seen_record, splits_of


def test_what_is_not_on_the_test_side_was_seen() -> None:
    records = [
        seen_record("pre-training", ["qcd", "hbb", "qcd"], SplitFractions(train=0.5, validation=0.2, test=0.3)),
        seen_record("fine-tuning", ["qcd"], SplitFractions(folds=5, fold=2)),
    ]
    records = json.loads(json.dumps(records))
    assert records[0]["samples"] == ["hbb", "qcd"]
    numbers = np.arange(500)
    for sample in ("qcd", "hbb", "other"):
        found = seen_by(records, sample, numbers, where="here")
        for number, place in enumerate(event_hash(sample, numbers)):
            in_first = sample != "other" and place < 0.7
            in_second = sample == "qcd" and int(place * 5) != 2
            assert found[number] == (in_first or in_second)
    assert not seen_by([], "qcd", numbers, where="here").any()


def test_damaged_records() -> None:
    for record in ({"samples": ["a"]}, {"samples": ["a"], "splits": {"train": 3}}, {"splits": [1]}):
        with pytest.raises(CheckpointError, match="tagger.x: the record of its training events is damaged"):
            splits_of(record, where="tagger.x")
