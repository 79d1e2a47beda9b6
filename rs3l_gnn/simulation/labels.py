"""Anchors and jet types, from the hard partons alone, so that all views of an event agree.

The anchor of a hard event is its hadronically decaying H, Z, W or top (the one of largest pT), else the hardest
outgoing quark or gluon. Its type:

- a resonance whose quarks lie within R of it: H->bb, H->cc, Z->bb, Z->qq, W->qq, t->bqq (of a top whose b lies
  outside, the W alone); one whose quarks do not has no jet in any view;
- a lone quark: q (u, d, s), c or b; a lone gluon: GG, since nearly all gluons split into gluons and the hard event
  does not tell;
- with a second outgoing parton within R: g->qq, g->cc, g->bb for a quark and its antiquark, GG for two gluons, else
  the type of the harder quark.

The jet of the anchor is the nearest one within ``match_radius``; for a resonance its quarks must also lie within R of
the jet. Other jets get the type of the hard partons within R of them by the same rules, or UNMATCHED.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import JetType, delta_r, pseudorapidity
from rs3l_gnn.simulation.config import JetConfig
from rs3l_gnn.simulation.hard_events import HardEvents
from rs3l_gnn.simulation.jets import Jets

__all__ = ["Anchor", "Direction", "find_anchor", "hard_anchors", "label_jets", "without_jet"]

_GLUON, _Z, _W, _H, _TOP = 21, 23, 24, 25, 6
_B, _C = 5, 4


@dataclass(frozen=True)
class Direction:
    """A parton: identity, pT in GeV, eta, phi in rad."""

    pdgid: int
    pt: float
    eta: float
    phi: float


@dataclass(frozen=True)
class Anchor:
    """What the views of a hard event have in common.

    Attributes:
        jettype: type of its jet.
        axis: the resonance or parton.
        inside: partons that must lie within R of the jet.
        others: outgoing partons that do not come from the anchor.
        own: the partons of the anchor.
    """

    jettype: JetType
    axis: Direction
    inside: tuple[Direction, ...]
    others: tuple[Direction, ...]
    own: tuple[Direction, ...]


def find_anchor(event: NDArray[np.void], radius: float) -> Anchor | None:
    """Anchor of one hard event, None for an event without outgoing quarks and gluons.

    Args:
        event: particles of the event, as in :class:`~rs3l_gnn.simulation.hard_events.HardEvents`.
        radius: jet radius R.
    """
    rows = event.tolist()
    partons = [i for i, row in enumerate(rows) if row[1] == 1 and _is_parton(row[0])]
    if not partons:
        return None
    families: dict[int, list[int]] = {}
    for parton in partons:
        for resonance in _resonances_of(rows, parton):
            families.setdefault(resonance, []).append(parton)
    # A lone parton is no hadronic decay: the b of a top whose W went to leptons is a parton as others are.
    families = {resonance: found for resonance, found in families.items() if len(found) > 1}
    if families:
        # The hardest resonance, with the products of its decay; a W from a top comes after its top.
        chosen = max(families, key=lambda i: _direction(rows[_outermost(rows, i)]).pt)
        options = [i for i in families if _outermost(rows, i) == _outermost(rows, chosen)]
        for option in sorted(options):
            quarks = tuple(_direction(rows[i]) for i in families[option])
            axis = _direction(rows[option])
            jettype = _resonance_type(rows, option, quarks)
            if jettype != JetType.UNMATCHED and all(_distance(axis, quark) < radius for quark in quarks):
                others = tuple(_direction(rows[i]) for i in partons if i not in families[option])
                return Anchor(jettype, axis, quarks, others, quarks)
        own = tuple(_direction(rows[i]) for i in partons)
        return Anchor(JetType.UNMATCHED, _direction(rows[_outermost(rows, chosen)]), (), (), own)
    directions = sorted((_direction(rows[i]) for i in partons), key=lambda parton: -parton.pt)
    axis = directions[0]
    near = [parton for parton in directions if _distance(axis, parton) < radius]
    return Anchor(_parton_type(near), axis, (), tuple(directions[1:]), (axis,))


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
        distance = delta_r(jets.eta[mine], jets.phi[mine], anchor.axis.eta, anchor.axis.phi)
        nearest = mine[np.argmin(distance)]
        jet = Direction(0, 0.0, float(jets.eta[nearest]), float(jets.phi[nearest]))
        contained = all(_distance(jet, quark) < config.radius for quark in anchor.inside)
        if anchor.jettype != JetType.UNMATCHED and contained and distance.min() < config.match_radius:
            is_anchor[nearest] = True
            jettype[nearest] = anchor.jettype
        partons = sorted((*anchor.others, *anchor.own), key=lambda parton: -parton.pt)
        for other in mine[~is_anchor[mine]]:
            jet = Direction(0, 0.0, float(jets.eta[other]), float(jets.phi[other]))
            jettype[other] = _parton_type([q for q in partons if _distance(jet, q) < config.radius])
    return jettype, is_anchor


def hard_anchors(hard: HardEvents, radius: float) -> list[Anchor | None]:
    """Anchors of all events."""
    return [find_anchor(hard.event(index), radius) for index in range(len(hard))]


def without_jet(
    jets: Jets,
    is_anchor: NDArray[np.bool_],
    anchors: list[Anchor | None],
    config: JetConfig,
    counted: NDArray[np.bool_],
) -> dict[str, int]:
    """Why events have no anchor jet: a number of events for each reason.

    Args:
        jets: of a batch of events.
        is_anchor: which of them are anchors' [n_jets].
        anchors: one for each event.
        config: pT and |eta| of a jet, radius and ``match_radius``.
        counted: events to look at [n_events].
    """
    found = set(jets.event[is_anchor].tolist())
    reasons = [
        _missing_reason(anchors[event], jets, event, config)
        for event in np.flatnonzero(counted).tolist()
        if event not in found
    ]
    return dict(Counter(reasons))


def _missing_reason(anchor: Anchor | None, jets: Jets, event: int, config: JetConfig) -> str:
    if anchor is None:
        return "no quark or gluon goes out of the hard process"
    if anchor.jettype == JetType.UNMATCHED:
        return f"the quarks of the resonance lie farther than {config.radius:g} from it, or are of no known type"
    if abs(anchor.axis.eta) > config.abs_eta_max:
        return f"the parton or resonance lies beyond |eta| {config.abs_eta_max:g}"
    mine = jets.event == event
    distance = delta_r(jets.eta[mine], jets.phi[mine], anchor.axis.eta, anchor.axis.phi)
    if (distance < config.match_radius).any():
        return "a quark of the resonance lies outside the jet"
    if anchor.axis.pt > config.pt_min:
        return f"the jet is softer than {config.pt_min:g} GeV, or away from a harder parton or resonance"
    return f"the parton or resonance is softer than {config.pt_min:g} GeV"


def _is_parton(pdgid: int) -> bool:
    return pdgid == _GLUON or 1 <= abs(pdgid) <= _B


def _direction(row: tuple[float, ...]) -> Direction:
    px, py, pz = row[6:9]
    pt = float(np.hypot(px, py))
    eta = float(pseudorapidity(px, py, pz))
    return Direction(int(row[0]), pt, eta, float(np.arctan2(py, px)))


def _distance(one: Direction, other: Direction) -> float:
    return float(delta_r(one.eta, one.phi, other.eta, other.phi))


def _resonances_of(rows: list[tuple[float, ...]], index: int) -> list[int]:
    """The H, Z, W and top above a parton, innermost first."""
    found = []
    mother = int(rows[index][2]) - 1
    while mother >= 0 and rows[mother][1] != -1:
        if abs(rows[mother][0]) in (_Z, _W, _H, _TOP) and rows[mother][1] == 2:
            found.append(mother)
        mother = int(rows[mother][2]) - 1
    return found


def _outermost(rows: list[tuple[float, ...]], resonance: int) -> int:
    above = _resonances_of(rows, resonance)
    return above[-1] if above else resonance


def _resonance_type(rows: list[tuple[float, ...]], resonance: int, quarks: tuple[Direction, ...]) -> JetType:
    kind, flavours = abs(int(rows[resonance][0])), {abs(quark.pdgid) for quark in quarks}
    if kind == _H:
        by_flavour = {frozenset({_B}): JetType.H_BB, frozenset({_C}): JetType.H_CC}
        return by_flavour.get(frozenset(flavours), JetType.UNMATCHED)
    if kind == _Z:
        return JetType.Z_BB if flavours == {_B} else JetType.Z_QQ
    if kind == _TOP:
        return JetType.TOP_BQQ if len(quarks) == 3 else JetType.UNMATCHED
    return JetType.W_QQ


def _parton_type(partons: list[Direction]) -> JetType:
    """Type of the partons inside a jet, hardest first."""
    if not partons:
        return JetType.UNMATCHED
    flavours = [parton.pdgid for parton in partons[:2]]
    if len(flavours) == 2 and flavours[0] == -flavours[1]:
        return {_B: JetType.G_BB, _C: JetType.G_CC}.get(abs(flavours[0]), JetType.G_QQ)
    quarks = [abs(flavour) for flavour in flavours if flavour != _GLUON]
    if not quarks:
        return JetType.GG
    return {_B: JetType.B, _C: JetType.C}.get(quarks[0], JetType.Q)
