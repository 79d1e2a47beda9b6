from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from rs3l_gnn.conventions import JetType
from rs3l_gnn.simulation import JetConfig
from rs3l_gnn.simulation.hard_events import PARTICLE_TYPE
from rs3l_gnn.simulation.jets import Jets
from rs3l_gnn.simulation.labels import find_anchor, label_jets, without_jet

Row = tuple[int, int, int, float, float, float]
INCOMING: list[Row] = [(21, -1, 0, 0.0, 99.0, 0.0), (21, -1, 0, 0.0, -99.0, 0.0)]


def _event(*rows: Row) -> NDArray[np.void]:
    """Rows of id, status, mother (from 1), pt, eta, phi; the two incoming gluons are rows 1 and 2."""
    event = np.zeros(len(rows) + 2, dtype=PARTICLE_TYPE)
    for entry, (identity, status, mother, pt, eta, phi) in zip(event, [*INCOMING, *rows], strict=True):
        entry["id"], entry["status"], entry["mother1"] = identity, status, mother
        entry["px"], entry["py"] = pt * np.cos(phi), pt * np.sin(phi)
        entry["pz"] = pt * np.sinh(eta) if pt else eta
    return event


def _pair(resonance: int, one: int, other: int, opening: float = 0.3) -> NDArray[np.void]:
    return _event(
        (resonance, 2, 1, 500.0, 0.0, 0.0),
        (one, 1, 3, 250.0, opening, 0.0),
        (other, 1, 3, 250.0, -opening, 0.0),
        (12, 1, 1, 500.0, 0.0, 3.0),
    )


def _jets(*rows: tuple[int, float, float]) -> Jets:
    """Rows of event, eta, phi."""
    event, eta, phi = (np.array(column) for column in zip(*rows, strict=True))
    n = len(rows)
    ones, zeros = np.ones(n), np.zeros(n)
    return Jets(
        event.astype(np.int64), 500 * ones, eta, phi, zeros, zeros, zeros, np.zeros(0, int), np.zeros(n + 1, int)
    )


@pytest.mark.parametrize(
    ("resonance", "one", "other", "expected"),
    [
        (25, 5, -5, JetType.H_BB),
        (25, 4, -4, JetType.H_CC),
        (23, 5, -5, JetType.Z_BB),
        (23, 1, -1, JetType.Z_QQ),
        (24, 2, -1, JetType.W_QQ),
        (-24, 3, -4, JetType.W_QQ),
    ],
)
def test_resonances(resonance: int, one: int, other: int, expected: JetType) -> None:
    anchor = find_anchor(_pair(resonance, one, other), 0.8)
    assert anchor is not None
    assert anchor.jettype == expected
    assert anchor.axis.pt == pytest.approx(500.0)
    wide = find_anchor(_pair(resonance, one, other, opening=0.9), 0.8)
    assert wide is not None
    assert wide.jettype == JetType.UNMATCHED


@pytest.mark.parametrize(
    ("partons", "expected"),
    [
        ([(1, 0.0)], JetType.Q),
        ([(-4, 0.0)], JetType.C),
        ([(5, 0.0)], JetType.B),
        ([(21, 0.0)], JetType.GG),
        ([(21, 0.0), (21, 0.4)], JetType.GG),
        ([(2, 0.0), (-2, 0.4)], JetType.G_QQ),
        ([(4, 0.0), (-4, 0.4)], JetType.G_CC),
        ([(5, 0.0), (-5, 0.4)], JetType.G_BB),
        ([(5, 0.0), (21, 0.4)], JetType.B),
        ([(21, 0.0), (1, 0.4)], JetType.Q),
        ([(21, 0.0), (1, 2.0)], JetType.GG),
    ],
)
def test_partons(partons: list[tuple[int, float]], expected: JetType) -> None:
    rows: list[Row] = [(identity, 1, 1, 500.0 - 10 * i, eta, 0.0) for i, (identity, eta) in enumerate(partons)]
    anchor = find_anchor(_event(*rows), 0.8)
    assert anchor is not None
    assert anchor.jettype == expected


def _top(b_phi: float) -> NDArray[np.void]:
    return _event(
        (6, 2, 1, 600.0, 0.0, 0.0),
        (24, 2, 3, 400.0, 0.0, 0.1),
        (5, 1, 3, 200.0, 0.0, b_phi),
        (2, 1, 4, 200.0, 0.3, 0.1),
        (-1, 1, 4, 200.0, -0.3, 0.1),
        (-6, 2, 1, 500.0, 0.0, 3.0),
        (-5, 1, 8, 250.0, 0.0, 3.0),
        (-24, 2, 8, 250.0, 0.0, 3.1),
        (11, 1, 10, 100.0, 0.0, 3.1),
        (-12, 1, 10, 100.0, 0.0, 3.1),
    )


def test_a_top_or_its_w() -> None:
    whole = find_anchor(_top(-0.2), 0.8)
    assert whole is not None
    assert whole.jettype == JetType.TOP_BQQ
    assert len(whole.inside) == 3
    w_alone = find_anchor(_top(-1.2), 0.8)
    assert w_alone is not None
    assert w_alone.jettype == JetType.W_QQ
    assert w_alone.axis.pdgid == 24


def test_a_leptonic_top_leaves_its_b_a_parton_like_others() -> None:
    leptonic = _event((6, 2, 1, 600.0, 0.0, 0.0), (24, 2, 3, 400.0, 0.0, 0.1), (5, 1, 3, 200.0, 0.0, 0.0))
    anchor = find_anchor(leptonic, 0.8)
    assert anchor is not None
    assert (anchor.jettype, anchor.axis.pdgid) == (JetType.B, 5)
    # The harder top is the leptonic one; the anchor is the hadronic one all the same.
    rows = _top(-0.2)
    rows["px"][2] = 100.0
    both = find_anchor(rows, 0.8)
    assert both is not None
    assert both.jettype == JetType.TOP_BQQ


def test_why_there_is_no_jet() -> None:
    config = JetConfig(pt_min=300.0)
    anchors = [
        find_anchor(_event((11, 1, 1, 500.0, 0.0, 0.0)), 0.8),
        find_anchor(_pair(25, 5, -5, opening=0.9), 0.8),
        find_anchor(_event((21, 1, 1, 200.0, 0.0, 0.0)), 0.8),
        find_anchor(_event((21, 1, 1, 500.0, 2.8, 0.0)), 0.8),
        find_anchor(_event((21, 1, 1, 500.0, 0.0, 0.0)), 0.8),
        find_anchor(_pair(25, 5, -5, opening=0.7), 0.8),
        find_anchor(_pair(25, 5, -5), 0.8),
        find_anchor(_pair(25, 5, -5), 0.8),
    ]
    jets = _jets((4, 0.0, 2.0), (5, 0.2, 0.3), (6, 0.0, 0.0))
    _, is_anchor = label_jets(jets, anchors, config)
    counted = np.array([True] * 7 + [False])
    assert without_jet(jets, is_anchor, anchors, config, counted) == {
        "no quark or gluon goes out of the hard process": 1,
        "the quarks of the resonance lie farther than 0.8 from it, or are of no known type": 1,
        "the parton or resonance is softer than 300 GeV": 1,
        "the parton or resonance lies beyond |eta| 2.5": 1,
        "the jet is softer than 300 GeV, or away from a harder parton or resonance": 1,
        "a quark of the resonance lies outside the jet": 1,
    }


def test_nothing_to_anchor() -> None:
    assert find_anchor(_event((11, 1, 1, 500.0, 0.0, 0.0)), 0.8) is None


def test_the_jet_of_the_anchor() -> None:
    config = JetConfig()
    higgs = find_anchor(_pair(25, 5, -5), 0.8)
    # Event 0: two jets, the nearer one is the Higgs; 1: too far; 2: a quark outside; 3: no anchor; across the seam.
    jets = _jets((0, 0.1, 6.2), (0, 0.0, 3.0), (1, 0.0, 0.6), (2, 0.45, 0.3), (3, 0.0, 0.0))
    far = find_anchor(_pair(25, 5, -5, opening=0.7), 0.8)
    jettype, is_anchor = label_jets(jets, [higgs, higgs, far, None], config)
    assert is_anchor.tolist() == [True, False, False, False, False]
    assert jettype[0] == JetType.H_BB
    assert jettype[1] == JetType.UNMATCHED
    # The jet that is too far from the Higgs still holds its quarks.
    assert jettype[2] == JetType.G_BB
    assert jettype[3] == JetType.B
    assert jettype[4] == JetType.UNMATCHED


def test_the_other_jet_of_two() -> None:
    anchor = find_anchor(_event((21, 1, 1, 600.0, 0.0, 0.0), (4, 1, 1, 590.0, 0.0, 3.1)), 0.8)
    jettype, is_anchor = label_jets(_jets((0, 0.0, 0.0), (0, 0.0, -3.1)), [anchor], JetConfig())
    assert jettype.tolist() == [JetType.GG, JetType.C]
    assert is_anchor.tolist() == [True, False]
