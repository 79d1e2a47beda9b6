"""Why events have no anchor jet: the true reason, from all jets of an event, also those that the selection drops."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import JetType
from rs3l_gnn.simulation.anchors import Anchor, Direction, distance
from rs3l_gnn.simulation.config import JetConfig
from rs3l_gnn.simulation.jets import Clustering, Jets

__all__ = ["why_without_jet"]

_SOFTEST = 5.0
"""pT in GeV below which a jet is none."""


def why_without_jet(
    clustering: Clustering,
    jets: Jets,
    is_anchor: NDArray[np.bool_],
    anchors: list[Anchor | None],
    config: JetConfig,
) -> dict[int, str]:
    """The reason for each event without its anchor jet, by the place of the event.

    Args:
        clustering: of the candidates of a batch of events.
        jets: the stored jets.
        is_anchor: which of them are anchors' [n_jets].
        anchors: one for each event.
        config: selection, radius and ``match_radius``.
    """
    lost = np.ones(len(anchors), dtype=np.bool_)
    lost[jets.event[is_anchor]] = False
    axes = clustering.axes(pt_min=_SOFTEST)
    cuts = np.searchsorted(axes.event, np.arange(len(anchors) + 1))
    reasons = {}
    for event in np.flatnonzero(lost).tolist():
        mine = slice(cuts[event], cuts[event + 1])
        found = [
            Direction(0, *place)
            for place in zip(axes.pt[mine].tolist(), axes.eta[mine].tolist(), axes.phi[mine].tolist(), strict=True)
        ]
        reasons[event] = _reason(anchors[event], found, config)
    return reasons


def _reason(anchor: Anchor | None, jets: list[Direction], config: JetConfig) -> str:
    if anchor is None:
        return "no label: the hard event has neither a decay with a label nor an outgoing quark or gluon"
    if anchor.jettype == JetType.UNMATCHED:
        if anchor.apart:
            return f"quarks outside the jet: those of the resonance lie {config.radius:g} or more from it"
        return "no label: the decay of the resonance has none"
    if abs(anchor.axis.eta) > config.abs_eta_max:
        return f"beyond |eta| {config.abs_eta_max:g}"
    near = [jet for jet in jets if distance(jet, anchor.axis) < config.matching_radius]
    if not near:
        return f"no jet within {config.matching_radius:g} of the parton or resonance"
    jet = max(near, key=lambda one: one.pt)
    if any(distance(jet, one) >= config.radius for one in anchor.inside):
        return "quarks outside the jet: the jet of this shower does not hold them"
    if jet.pt < config.pt_min:
        return f"jet below {config.pt_min:g} GeV"
    if config.pt_max is not None and jet.pt >= config.pt_max:
        return f"jet above {config.pt_max:g} GeV"
    return f"beyond |eta| {config.abs_eta_max:g}"
