"""Labels of jets from the hard partons alone, so that all views of an event agree; see :mod:`.anchors`.

The jet of the anchor is the nearest one within ``match_radius``; for a resonance its visible products must also lie
within R of the jet. Other jets get the label of another decay by the same rule, else the type of the hard partons
within R of them, or UNMATCHED.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import JetType, delta_r
from rs3l_gnn.simulation.anchors import Anchor, Direction, distance, parton_type
from rs3l_gnn.simulation.config import JetConfig
from rs3l_gnn.simulation.jets import Jets

__all__ = ["label_jets"]


def label_jets(
    jets: Jets, anchors: list[Anchor | None], config: JetConfig
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Type of each jet, and whether it is the anchor's [n_jets].

    Args:
        jets: the jets of a batch of events.
        anchors: one for each event of the batch.
        config: radius R and ``match_radius``.
    """
    jettype = np.zeros(len(jets), dtype=np.int32)
    is_anchor = np.zeros(len(jets), dtype=np.bool_)
    for event in np.unique(jets.event):
        anchor = anchors[event]
        if anchor is None:
            continue
        mine = np.flatnonzero(jets.event == event)
        away = delta_r(jets.eta[mine], jets.phi[mine], anchor.axis.eta, anchor.axis.phi)
        nearest = mine[np.argmin(away)]
        jet = _direction(jets, nearest)
        contained = all(distance(jet, one) < config.radius for one in anchor.inside)
        if anchor.jettype != JetType.UNMATCHED and contained and away.min() < config.matching_radius:
            is_anchor[nearest] = True
            jettype[nearest] = anchor.jettype
        for other in mine[~is_anchor[mine]]:
            jettype[other] = _other_label(_direction(jets, other), anchor, config)
    return jettype, is_anchor


def _direction(jets: Jets, index: int) -> Direction:
    return Direction(0, 0.0, float(jets.eta[index]), float(jets.phi[index]))


def _other_label(jet: Direction, anchor: Anchor, config: JetConfig) -> int:
    for decay in anchor.further:
        near = distance(jet, decay.axis) < config.matching_radius
        if near and all(distance(jet, one) < config.radius for one in decay.inside):
            return decay.jettype
    partons = sorted((*anchor.others, *anchor.own), key=lambda parton: -parton.pt)
    return parton_type([one for one in partons if distance(jet, one) < config.radius])
