from __future__ import annotations

import numpy as np

from rs3l_gnn.simulation import JetConfig
from rs3l_gnn.simulation.anchors import find_anchor
from rs3l_gnn.simulation.jets import Clustering
from rs3l_gnn.simulation.labels import label_jets
from rs3l_gnn.simulation.lost_jets import why_without_jet

from .test_anchors import event_of, pair_of
from .test_jets import candidates_of


def test_each_reason_once() -> None:
    """A candidate is a jet of its own; the reasons follow from where it lies and how hard it is."""
    gluon = [event_of((21, 1, 1, 500.0, eta, 0.0)) for eta in (0.0, 2.8)]
    events = [
        (event_of((11, 1, 1, 500.0, 0.0, 0.0)), (500.0, 0.0, 0.0), "no label: the hard event has neither"),
        (pair_of(25, 13, -13), (500.0, 0.0, 0.0), "no label: the hard event has neither"),
        (pair_of(25, 1, -2), (500.0, 0.0, 0.0), "no label: the decay of the resonance has none"),
        (pair_of(25, 5, -5, opening=0.9), (500.0, 0.0, 0.0), "quarks outside the jet: those of the resonance lie 0.8"),
        (pair_of(25, 5, -5, opening=0.7), (500.0, 0.3, 0.0), "quarks outside the jet: the jet of this shower"),
        (gluon[0], (250.0, 0.0, 0.1), "jet below 300 GeV"),
        (gluon[0], (750.0, 0.0, 0.1), "jet above 700 GeV"),
        (gluon[0], (500.0, 0.0, 2.0), "no jet within 0.5 of the parton or resonance"),
        (gluon[1], (500.0, 2.8, 0.0), "beyond |eta| 2.5"),
        (event_of((21, 1, 1, 500.0, 2.45, 0.0)), (500.0, 2.6, 0.0), "beyond |eta| 2.5"),
        (pair_of(25, 5, -5), (500.0, 0.0, 0.0), None),
    ]
    config = JetConfig(pt_min=300.0, pt_max=700.0)
    anchors = [find_anchor(event, 0.8) for event, _, _ in events]
    candidates = candidates_of([(number, *jet) for number, (_, jet, _) in enumerate(events)])
    clustering = Clustering(candidates, len(events), config)
    jets = clustering.jets()
    _, is_anchor = label_jets(jets, anchors, config)
    found = why_without_jet(clustering, jets, is_anchor, anchors, config)
    expected = [number for number, (_, _, reason) in enumerate(events) if reason is not None]
    assert list(found) == expected
    for number in expected:
        assert found[number].startswith(str(events[number][2])), number


def test_a_wider_jet_holds_more_and_matches_farther() -> None:
    anchor = find_anchor(pair_of(25, 5, -5, opening=0.9), 1.2)
    candidates = candidates_of([(0, 500.0, 0.0, 0.6)])
    reasons = {}
    for radius in (0.8, 1.2):
        config = JetConfig(radius=radius, pt_min=300.0)
        clustering = Clustering(candidates, 1, config)
        jets = clustering.jets()
        _, is_anchor = label_jets(jets, [anchor], config)
        reasons[radius] = why_without_jet(clustering, jets, is_anchor, [anchor], config)
    assert reasons[1.2] == {}
    assert np.all([reason.startswith("no jet within 0.5") for reason in reasons[0.8].values()])
