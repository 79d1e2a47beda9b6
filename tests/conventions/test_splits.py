from __future__ import annotations

import numpy as np
import pytest

from rs3l_gnn.conventions import ConfigError, Split, SplitFractions, event_hash, parse_config, split_of


def test_fractions_are_met_within_statistics() -> None:
    fractions = SplitFractions()
    sides = split_of("qcd", np.arange(100_000), fractions)
    for split in Split:
        expected = fractions.of(split)
        sigma = np.sqrt(expected * (1 - expected) / 100_000)
        assert abs(np.mean(sides == split) - expected) < 4 * sigma


def test_side_depends_on_the_event_alone() -> None:
    events = np.arange(1000)
    shuffled = np.random.default_rng(0).permutation(events)
    whole = split_of("hbb", events, SplitFractions())
    assert (split_of("hbb", shuffled, SplitFractions()) == whole[shuffled]).all()
    assert (split_of("hbb", events.astype(np.uint64), SplitFractions()) == whole).all()


def test_samples_are_split_independently() -> None:
    events = np.arange(10_000)
    correlation = np.corrcoef(event_hash("qcd", events), event_hash("hbb", events))[0, 1]
    assert abs(correlation) < 0.05


def test_fractions_must_add_up() -> None:
    with pytest.raises(ConfigError, match="add up to 1, they give 1.2"):
        parse_config(SplitFractions, {"train": 0.8}, where="split.yaml")
