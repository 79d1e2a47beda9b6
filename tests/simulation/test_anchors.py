"""Anchors of hard events made by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from rs3l_gnn.conventions import JetType
from rs3l_gnn.simulation.anchors import find_anchor
from rs3l_gnn.simulation.decay_labels import DecayTable, LabelConfig
from rs3l_gnn.simulation.hard_events import PARTICLE_TYPE

Row = tuple[int, int, int, float, float, float]
INCOMING: list[Row] = [(21, -1, 0, 0.0, 99.0, 0.0), (21, -1, 0, 0.0, -99.0, 0.0)]


def event_of(*rows: Row) -> NDArray[np.void]:
    """Rows of id, status, mother (from 1), pt, eta, phi; the two incoming gluons are rows 1 and 2."""
    event = np.zeros(len(rows) + 2, dtype=PARTICLE_TYPE)
    for entry, (identity, status, mother, pt, eta, phi) in zip(event, [*INCOMING, *rows], strict=True):
        entry["id"], entry["status"], entry["mother1"] = identity, status, mother
        entry["px"], entry["py"] = pt * np.cos(phi), pt * np.sin(phi)
        entry["pz"] = pt * np.sinh(eta) if pt else eta
    return event


def pair_of(resonance: int, one: int, other: int, opening: float = 0.3) -> NDArray[np.void]:
    return event_of(
        (resonance, 2, 1, 500.0, 0.0, 0.0),
        (one, 1, 3, 250.0, opening, 0.0),
        (other, 1, 3, 250.0, -opening, 0.0),
        (12, 1, 1, 500.0, 0.0, 3.0),
    )


@pytest.mark.parametrize(
    ("resonance", "one", "other", "expected"),
    [
        (25, 5, -5, JetType.H_BB),
        (25, 4, -4, JetType.H_CC),
        (25, 3, -3, JetType.H_SS),
        (25, 21, 21, JetType.H_GG),
        (25, 15, -15, JetType.H_TAUTAU),
        (23, 5, -5, JetType.Z_BB),
        (23, 4, -4, JetType.Z_CC),
        (23, 1, -1, JetType.Z_UDS),
        (24, 2, -1, JetType.W_UD),
        (-24, 3, -4, JetType.W_CS),
        (24, 4, -1, JetType.W_CS),
    ],
)
def test_resonances(resonance: int, one: int, other: int, expected: JetType) -> None:
    anchor = find_anchor(pair_of(resonance, one, other), 0.8)
    assert anchor is not None
    assert anchor.jettype == expected
    assert anchor.axis.pt == pytest.approx(500.0)
    wide = find_anchor(pair_of(resonance, one, other, opening=0.9), 0.8)
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
    anchor = find_anchor(event_of(*rows), 0.8)
    assert anchor is not None
    assert anchor.jettype == expected


def _top(b_phi: float) -> NDArray[np.void]:
    return event_of(
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
    assert w_alone.jettype == JetType.TOP_QQ
    assert w_alone.axis.pdgid == 24


def test_a_leptonic_top_leaves_its_b_a_parton_like_others() -> None:
    leptonic = event_of((6, 2, 1, 600.0, 0.0, 0.0), (24, 2, 3, 400.0, 0.0, 0.1), (5, 1, 3, 200.0, 0.0, 0.0))
    anchor = find_anchor(leptonic, 0.8)
    assert anchor is not None
    assert (anchor.jettype, anchor.axis.pdgid) == (JetType.B, 5)
    # The harder top is the leptonic one; the anchor is the hadronic one all the same.
    rows = _top(-0.2)
    rows["px"][2] = 100.0
    both = find_anchor(rows, 0.8)
    assert both is not None
    assert both.jettype == JetType.TOP_BQQ


def test_nothing_to_anchor() -> None:
    assert find_anchor(event_of((11, 1, 1, 500.0, 0.0, 0.0)), 0.8) is None


def _higgs_to_w_pair(*products: int) -> NDArray[np.void]:
    """H -> W W* -> four products, all of them near each other."""
    rows = [(one, 1, 4 + i // 2, 100.0, 0.1 * i, 0.0) for i, one in enumerate(products)]
    return event_of((25, 2, 1, 500.0, 0.1, 0.0), (24, 2, 3, 250.0, 0.0, 0.0), (-24, 2, 3, 250.0, 0.2, 0.0), *rows)


def test_four_prongs_and_a_lepton() -> None:
    four = find_anchor(_higgs_to_w_pair(2, -1, 3, -4), 0.8)
    assert four is not None
    assert (four.jettype, len(four.inside)) == (JetType.H_WW_QQQQ, 4)
    lepton = find_anchor(_higgs_to_w_pair(-13, 14, 3, -4), 0.8)
    assert lepton is not None
    # The neutrino needs not lie in the jet, the muon must.
    assert (lepton.jettype, sorted(one.pdgid for one in lepton.inside)) == (JetType.H_WW_LNUQQ, [-13, -4, 3])
    rows = _higgs_to_w_pair(-13, 14, 3, -4)
    rows["id"][3:5] = 23  # two Z have no label, and neither of these decays is one of a Z to quarks of one flavour
    other = find_anchor(rows, 0.8)
    assert other is not None
    assert other.jettype == JetType.Z_QQ


def test_b_and_one_quark_of_a_top() -> None:
    rows = _top(-0.2)
    rows["px"][6], rows["py"][6] = 200 * np.cos(2.0), 200 * np.sin(2.0)  # the second quark goes elsewhere
    anchor = find_anchor(rows, 0.8)
    assert anchor is not None
    assert anchor.jettype == JetType.TOP_BQ
    assert [one.pdgid for one in anchor.inside] == [5, 2]
    b, quark = rows[4], rows[5]
    assert anchor.axis.pt == pytest.approx(np.hypot(b["px"] + quark["px"], b["py"] + quark["py"]))


def test_the_second_top_is_among_the_further_decays() -> None:
    rows = np.concatenate([_top(-0.2)[:7], _top(-0.2)[2:7]])
    rows["mother1"][7:] += np.array([0, 5, 5, 5, 5])
    rows["px"][7:], rows["py"][7:] = -0.9 * rows["px"][7:], -0.9 * rows["py"][7:]
    anchor = find_anchor(rows, 0.8)
    assert anchor is not None
    whole = [one for one in anchor.further if one.jettype == JetType.TOP_BQQ]
    assert [one.axis.pt for one in whole] == pytest.approx([540.0])


def test_own_labels_go_before_those_of_the_registry() -> None:
    table = DecayTable(
        {
            "A_GG": LabelConfig(pdg_id=36, daughters=((21, 21),)),
            "H_LIGHT": LabelConfig(pdg_id=25, daughters=((21, 21), (3, 3))),
            "A_ANY": LabelConfig(pdg_id=36),
        }
    )
    names = {}
    for parent, one, other in ((36, 21, 21), (25, 3, -3), (36, 22, 22), (25, 5, -5)):
        anchor = find_anchor(pair_of(parent, one, other), 0.8, table)
        assert anchor is not None
        names[parent, one] = anchor.jettype
    assert names[25, 5] == JetType.H_BB
    assert len({names[36, 21], names[25, 3], names[36, 22]}) == 3
    assert min(names[36, 21], names[25, 3], names[36, 22]) >= 1000
    # Without them the pseudoscalar is nothing, and its gluons are partons.
    plain = find_anchor(pair_of(36, 21, 21), 0.8)
    assert plain is not None
    assert plain.jettype == JetType.GG
