from __future__ import annotations

import numpy as np

from rs3l_gnn.conventions import JetType
from rs3l_gnn.simulation import JetConfig
from rs3l_gnn.simulation.anchors import find_anchor
from rs3l_gnn.simulation.jets import Jets
from rs3l_gnn.simulation.labels import label_jets

from .test_anchors import event_of, pair_of


def _jets(*rows: tuple[int, float, float]) -> Jets:
    """Rows of event, eta, phi."""
    event, eta, phi = (np.array(column) for column in zip(*rows, strict=True))
    n = len(rows)
    ones, zeros = np.ones(n), np.zeros(n)
    return Jets(
        event.astype(np.int64), 500 * ones, eta, phi, zeros, zeros, zeros, np.zeros(0, int), np.zeros(n + 1, int)
    )


def test_the_jet_of_the_anchor() -> None:
    config = JetConfig()
    higgs = find_anchor(pair_of(25, 5, -5), 0.8)
    # Event 0: two jets, the nearer one is the Higgs; 1: too far; 2: a quark outside; 3: no anchor; across the seam.
    jets = _jets((0, 0.1, 6.2), (0, 0.0, 3.0), (1, 0.0, 0.6), (2, 0.45, 0.3), (3, 0.0, 0.0))
    far = find_anchor(pair_of(25, 5, -5, opening=0.7), 0.8)
    jettype, is_anchor = label_jets(jets, [higgs, higgs, far, None], config)
    assert is_anchor.tolist() == [True, False, False, False, False]
    assert jettype[0] == JetType.H_BB
    assert jettype[1] == JetType.UNMATCHED
    # The jet that is too far from the Higgs still holds its quarks.
    assert jettype[2] == JetType.G_BB
    assert jettype[3] == JetType.B
    assert jettype[4] == JetType.UNMATCHED


def test_the_other_jet_of_two() -> None:
    anchor = find_anchor(event_of((21, 1, 1, 600.0, 0.0, 0.0), (4, 1, 1, 590.0, 0.0, 3.1)), 0.8)
    jettype, is_anchor = label_jets(_jets((0, 0.0, 0.0), (0, 0.0, -3.1)), [anchor], JetConfig())
    assert jettype.tolist() == [JetType.GG, JetType.C]
    assert is_anchor.tolist() == [True, False]


def test_the_jet_of_a_second_decay() -> None:
    """Z -> bb beside H -> bb, which is harder: its jet has its label, but is not the anchor's."""
    rows = np.concatenate([pair_of(25, 5, -5)[:5], pair_of(23, 5, -5)[2:5]])
    rows["mother1"][6:] += 3
    rows["px"][5:], rows["py"][5:] = -0.9 * rows["px"][5:], -0.9 * rows["py"][5:]
    jettype, is_anchor = label_jets(_jets((0, 0.0, 0.1), (0, 0.1, 3.1)), [find_anchor(rows, 0.8)], JetConfig())
    assert jettype.tolist() == [JetType.H_BB, JetType.Z_BB]
    assert is_anchor.tolist() == [True, False]
