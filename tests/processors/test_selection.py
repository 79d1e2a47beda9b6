"""Which jet is chosen, and which channel it falls in."""

from __future__ import annotations

import awkward as ak
import numpy as np
import pytest

from rs3l_gnn.conventions import MissingBranchError, Split, SplitFractions, split_of
from rs3l_gnn.processors.config import ProcessorConfig
from rs3l_gnn.processors.selection import channel_mask, choose_jets, nominal_view, split_mask
from rs3l_gnn.processors.selection_config import ChannelConfig, JetSelection

JETS = ak.zip(
    {
        "pt": [[500.0, 700.0, 600.0], [], [300.0], [900.0, 800.0], [np.nan]],
        "eta": [[0.0, 1.0, -1.0], [], [0.0], [2.6, -2.0], [0.0]],
        "msoftdrop": [[90.0, 20.0, 120.0], [], [90.0], [90.0, 100.0], [90.0]],
        "anchor": [[False, False, True], [], [True], [True, False], [False]],
    }
)
ALL = np.ones(5, dtype=bool)


def test_the_leading_jet_passes_every_cut() -> None:
    view = nominal_view(JETS)
    assert choose_jets(view, JetSelection(), ALL).tolist() == [1, 5]
    assert choose_jets(view, JetSelection(mass_min=80, mass_max=110), ALL).tolist() == [0, 5]
    assert choose_jets(view, JetSelection(pt_min=200), ALL).tolist() == [1, 3, 5]
    assert choose_jets(view, JetSelection(), np.array([False, True, True, True, True])).tolist() == [5]


def test_the_anchor_is_taken_even_if_softer() -> None:
    view = nominal_view(JETS, anchor=True)
    assert choose_jets(view, JetSelection(choice="anchor"), ALL).tolist() == [2]
    with pytest.raises(MissingBranchError, match="anchor"):
        nominal_view(JETS[["pt", "eta", "msoftdrop"]], anchor=True)


def test_other_jets_than_the_leading_one() -> None:
    view = nominal_view(JETS)
    assert choose_jets(view, JetSelection(choice="second"), ALL).tolist() == [2]
    assert choose_jets(view, JetSelection(choice=3), ALL).tolist() == [0]
    assert choose_jets(view, JetSelection(choice="all", pt_min=200), ALL).tolist() == [0, 1, 2, 3, 5]
    passed = np.array([True, False, True, True, True, False, True])
    assert choose_jets(view, JetSelection(), ALL, passed).tolist() == [2]
    assert choose_jets(view, JetSelection(choice="second"), ALL, passed).tolist() == [0]


def test_equal_momenta_take_the_first() -> None:
    view = nominal_view(ak.zip({"pt": [[500.0, 500.0]], "eta": [[0.0, 0.0]], "msoftdrop": [[1.0, 2.0]]}))
    assert choose_jets(view, JetSelection(), ALL[:1]).tolist() == [0]


def test_the_split_is_that_of_the_conventions() -> None:
    event = np.arange(1000)
    kept = split_mask(ProcessorConfig(split="test"), "qcd", event)
    assert np.array_equal(kept, split_of("qcd", event, SplitFractions()) == Split.TEST)
    assert 0.25 < kept.mean() < 0.35
    assert split_mask(ProcessorConfig(), "qcd", event).all()


def test_channels_are_half_open_windows() -> None:
    values = {"score_n2": np.array([0.2, 0.5, 1.0]), "mass": np.array([100.0, 100.0, 150.0])}
    signal = ChannelConfig(name="signal", cuts={"score_n2": (0.5, 1.0), "mass": (100, 150)})
    control = ChannelConfig(name="control", cuts={"score_n2": (None, 0.5)})
    assert channel_mask(signal, values, 3).tolist() == [False, True, False]
    assert channel_mask(control, values, 3).tolist() == [True, False, False]
    top = ChannelConfig(name="top", cuts={"score_n2": (0.9, 1.0)})
    assert channel_mask(top, values, 3).tolist() == [False, False, True]
