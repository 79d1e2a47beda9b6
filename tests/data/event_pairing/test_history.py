"""Types of jets by the history of the generator: decays of every kind, and loops over CMS events."""

from __future__ import annotations

from dataclasses import replace

import awkward as ak
import numpy as np
import pytest

from rs3l_gnn.conventions import JetType, delta_r
from rs3l_gnn.data.event_pairing.generated import Generated, read_generated
from rs3l_gnn.data.event_pairing.history import decay_types, flavour_types, parton_types
from rs3l_gnn.data.event_pairing.jet_matching import Places

from .conftest import CmsFile

# PDG number, place of the mother, hard; all at the axis of the jet but those that say where they are in eta.
Row = tuple[int, int] | tuple[int, int, float]


def _event(*rows: Row) -> Generated:
    eta = np.array([row[2] if len(row) > 2 else 0.0 for row in rows])
    n = len(rows)
    return Generated(
        offsets=np.array([0, n]),
        pdgid=np.array([row[0] for row in rows]),
        pt=np.linspace(500, 400, n),
        eta=eta,
        phi=np.zeros(n),
        mother=np.array([row[1] for row in rows]),
        hard=np.ones(n, dtype=bool),
    )


_JET = Places(np.array([0]), np.array([0.0]), np.array([0.0]))
_WW: tuple[Row, ...] = ((25, -1), (24, 0), (-24, 0), (2, 1), (-1, 1), (4, 2), (-3, 2))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (((25, -1), (25, 0), (5, 1), (-5, 1)), JetType.H_BB),
        (((25, -1), (4, 0), (-4, 0)), JetType.H_CC),
        (((25, -1), (21, 0), (21, 0)), JetType.H_GG),
        (_WW, JetType.H_WW_QQQQ),
        ((*_WW[:3], (2, 1), (-1, 1, 1.0), *_WW[5:]), JetType.W_CS),  # one W alone
        ((*_WW[:3], (11, 1), (-12, 1), *_WW[5:]), JetType.H_WW_LNUQQ),
        ((*_WW[:3], (11, 1, 2.0), (-12, 1), *_WW[5:]), JetType.W_CS),
        (((25, -1), (3, 0), (-3, 0)), JetType.H_SS),
        (((6, -1), (24, 0), (5, 0), (11, 1), (-12, 1)), JetType.UNMATCHED),
        (((25, -1), (15, 0), (-15, 0)), JetType.H_TAUTAU),
        (((25, -1), (5, 0), (-5, 0, 0.9)), JetType.UNMATCHED),
        (((23, -1), (5, 0), (-5, 0)), JetType.Z_BB),
        (((23, -1), (4, 0), (-4, 0)), JetType.Z_CC),
        (((23, -1), (3, 0), (-3, 0)), JetType.Z_UDS),
        (((24, -1), (2, 0), (-1, 0)), JetType.W_UD),
        (((24, -1), (4, 0), (-1, 0)), JetType.W_CS),
        (((24, -1), (4, 0), (-3, 0)), JetType.W_CS),
        (((-24, -1), (-4, 0), (5, 0)), JetType.W_CS),
        (((6, -1), (24, 0), (5, 0), (24, 1), (2, 3), (-1, 3)), JetType.TOP_BQQ),
        (((6, -1), (24, 0), (5, 0, 1.2), (24, 1), (2, 3), (-1, 3)), JetType.TOP_QQ),
        (((6, -1), (24, 0), (5, 0), (2, 1), (-1, 1, 1.2)), JetType.TOP_BQ),
        (((21, -1), (5, 0), (-5, 0)), JetType.UNMATCHED),
    ],
)
def test_each_decay_has_its_type(rows: tuple[Row, ...], expected: JetType) -> None:
    assert decay_types(_event(*rows), _JET, 0.8).tolist() == [expected]


def test_what_a_top_radiates_is_no_product_of_its_decay() -> None:
    """The gluon of a shower has the top as mother, in Pythia's record, in Delphes and, pruned, in NanoAOD."""
    rows: tuple[Row, ...] = ((6, -1), (21, 0), (6, 0), (24, 2), (5, 2), (2, 3), (-1, 3))
    event = _event(*rows)
    marked = replace(event, hard=np.array([True, False, False, True, True, True, True]))
    assert decay_types(marked, _JET, 0.8).tolist() == [JetType.TOP_BQQ]
    # A generator that marks nothing: all daughters are products.
    unmarked = replace(event, hard=np.zeros(7, dtype=bool))
    assert decay_types(unmarked, _JET, 0.8).tolist() == [JetType.TOP_QQ]
    two_tops = replace(_event(*rows, (-6, -1), (-24, 7), (-5, 7), (1, 8), (-2, 8)), hard=np.arange(12) < 1)
    assert two_tops.decays.product.tolist() == [1, 4, 5, 6, 9, 10, 11]
    one_marked = replace(two_tops, hard=np.isin(np.arange(12), [4, 5, 6]))
    assert one_marked.decays.product.tolist() == [4, 5, 6, 9, 10, 11]


def test_the_hardest_of_two_decays_counts() -> None:
    two = _event((24, -1), (23, -1), (2, 0), (-1, 0), (5, 1), (-5, 1))  # the first row is the hardest
    assert decay_types(two, _JET, 0.8).tolist() == [JetType.W_UD]


@pytest.mark.parametrize(
    ("partons", "expected"),
    [
        ((), JetType.UNMATCHED),
        ((21,), JetType.GG),
        ((21, 21), JetType.GG),
        ((1, -1), JetType.G_QQ),
        ((4, -4), JetType.G_CC),
        ((5, -5), JetType.G_BB),
        ((5, 5), JetType.B),
        ((21, 4), JetType.C),
        ((-2, 5), JetType.Q),
        ((21, 21, 5), JetType.GG),
    ],
)
def test_partons_have_the_types_of_rs3l_simulate(partons: tuple[int, ...], expected: JetType) -> None:
    assert parton_types(_event(*((kind, -1) for kind in partons), (11, -1)), _JET, 0.8).tolist() == [expected]


def test_ghost_hadrons_decide_heavy_flavours() -> None:
    light = np.array([JetType.GG, JetType.Q, JetType.B, JetType.G_BB, JetType.GG, JetType.UNMATCHED])
    n_b, n_c = np.array([2, 1, 0, 0, 0, 0]), np.array([0, 3, 2, 1, 0, 0])
    expected = [JetType.G_BB, JetType.B, JetType.G_CC, JetType.C, JetType.GG, JetType.UNMATCHED]
    assert flavour_types(light, n_b, n_c).tolist() == expected
    assert flavour_types(light, n_b * 0, n_c * 0).tolist()[2:4] == [JetType.Q, JetType.G_QQ]


def test_types_in_top_pairs_are_those_of_a_loop(nano15: CmsFile) -> None:
    """Tops in CMS' events, found from the mothers of each event alone."""
    record = ak.zip({"GenPart": nano15.events["GenPart"]}, depth_limit=1)
    jets = nano15.events["FatJet"]
    counts = ak.num(jets["pt"])
    event = np.repeat(np.arange(len(counts)), np.asarray(counts))
    places = Places(event, *(np.asarray(ak.flatten(jets[name]), dtype=float) for name in ("eta", "phi")))
    got = decay_types(read_generated(record), places, 0.8)
    expected = []
    for number, eta, phi in zip(event, places.eta, places.phi, strict=True):
        table = nano15.events["GenPart"][int(number)].to_list()
        found = JetType.UNMATCHED
        for sign in (1, -1):
            from_w = [p for p in table if abs(p["pdgId"]) < 6 and p["genPartIdxMother"] >= 0 and table[p["genPartIdxMother"]]["pdgId"] == 24 * sign]  # fmt: skip  # noqa: E501 - one condition
            b = [p for p in table if p["pdgId"] == 5 * sign and p["genPartIdxMother"] >= 0 and table[p["genPartIdxMother"]]["pdgId"] == 6 * sign]  # fmt: skip  # noqa: E501 - one condition

            near = [bool(delta_r(p["eta"], p["phi"], eta, phi) < 0.8) for p in (*b, *from_w)]
            if len(b) == 1 and len(from_w) == 2:
                kinds = {(True, 2): JetType.TOP_BQQ, (True, 1): JetType.TOP_BQ, (False, 2): JetType.TOP_QQ}
                found = kinds.get((near[0], sum(near[1:])), found)
        expected.append(found)
    assert got.tolist() == expected
    assert {JetType.TOP_BQQ, JetType.TOP_BQ, JetType.TOP_QQ} <= set(got.tolist())
