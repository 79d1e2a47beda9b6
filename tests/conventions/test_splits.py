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


def test_folds_test_every_event_once() -> None:
    events = np.arange(20_000)
    sides = np.stack([split_of("qcd", events, SplitFractions(folds=5, fold=fold)) for fold in range(5)])
    assert ((sides == Split.TEST).sum(axis=0) == 1).all()
    assert ((sides == Split.VALIDATION).sum(axis=0) == 1).all()
    # The fold is the hash cut into five.
    np.testing.assert_array_equal(np.argmax(sides == Split.TEST, axis=0), np.floor(5 * event_hash("qcd", events)))
    for fold in range(5):
        shares = np.bincount(sides[fold], minlength=3) / len(events)
        expected = [SplitFractions(folds=5).of(side) for side in Split]
        assert expected == pytest.approx([0.6, 0.2, 0.2])
        np.testing.assert_allclose(shares, expected, atol=0.01)


def test_folds_and_shares_exclude_each_other() -> None:
    with pytest.raises(ConfigError, match="folds and shares exclude each other"):
        SplitFractions(folds=5, train=0.5, validation=0.2, test=0.3)
    with pytest.raises(ConfigError, match="fold must be below the number of folds, got 5 of 5"):
        SplitFractions(folds=5, fold=5)
    with pytest.raises(ConfigError, match="fold must be below the number of folds, got 1 of none"):
        SplitFractions(fold=1)
    again = SplitFractions.model_validate(SplitFractions(folds=4, fold=1).model_dump())
    assert again == SplitFractions(folds=4, fold=1)
