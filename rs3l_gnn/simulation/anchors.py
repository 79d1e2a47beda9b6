"""What the views of a hard event have in common: its anchor, from the hard partons alone.

The anchor is the decaying resonance with a label (the one of largest pT), else the hardest outgoing quark or gluon:

- a resonance whose visible products lie within R of it has the label of its decay (:mod:`.decay_labels`). Of a top
  whose b lies outside, the W alone (t->qq); of one whose second quark lies outside, b and quark (t->bq). One whose
  products lie farther apart has no jet in any view;
- a lone quark: q (u, d, s), c or b; a lone gluon: GG, since nearly all gluons split into gluons and the hard event
  does not tell;
- with a second outgoing parton within R: g->qq, g->cc, g->bb for a quark and its antiquark, GG for two gluons, else
  the type of the harder quark.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import JetType, delta_r, pseudorapidity
from rs3l_gnn.simulation.decay_labels import DecayTable
from rs3l_gnn.simulation.hard_events import HardEvents

__all__ = ["Anchor", "Candidate", "Direction", "distance", "find_anchor", "hard_anchors", "parton_type"]

_GLUON, _Z, _W, _H, _TOP = 21, 23, 24, 25, 6
_B, _C = 5, 4
_NEUTRINOS = (12, 14, 16)
_SEEN = (11, 13, 15, 22)
_HADRONS = range(100, 1_000_000)
_REGISTRY = DecayTable()

_Rows = list[tuple[float, ...]]


class Direction(NamedTuple):
    """A parton: identity, pT in GeV, eta, phi in rad."""

    pdgid: int
    pt: float
    eta: float
    phi: float


@dataclass(frozen=True)
class Candidate:
    """A decay that may lie in one jet.

    Attributes:
        jettype: label of its jet.
        axis: the resonance, or the sum of what a top has inside.
        inside: what must lie within R of the jet.
    """

    jettype: int
    axis: Direction
    inside: tuple[Direction, ...]


@dataclass(frozen=True)
class Anchor:
    """What the views of a hard event have in common.

    Attributes:
        jettype: label of its jet.
        axis: the resonance or parton.
        inside: what must lie within R of the jet.
        others: outgoing partons that do not come from the anchor.
        own: the partons of the anchor.
        further: other decays of the event, for the labels of jets that are not the anchor's.
        apart: there is no jet, since the products of a decay with a label lie too far from each other.
    """

    jettype: int
    axis: Direction
    inside: tuple[Direction, ...]
    others: tuple[Direction, ...]
    own: tuple[Direction, ...]
    further: tuple[Candidate, ...] = ()
    apart: bool = False


def hard_anchors(hard: HardEvents, radius: float, table: DecayTable = _REGISTRY) -> list[Anchor | None]:
    """Anchors of all events; arguments as for :func:`find_anchor`."""
    rows, directions = hard.particles.tolist(), _directions_of(hard.particles)
    return [
        _anchor(rows[start:stop], directions[start:stop], radius, table)
        for start, stop in pairwise(hard.offsets.tolist())
    ]


def find_anchor(event: NDArray[np.void], radius: float, table: DecayTable = _REGISTRY) -> Anchor | None:
    """Anchor of one hard event, None for an event with neither a labelled decay nor an outgoing quark or gluon.

    Args:
        event: particles of the event, as in :class:`~rs3l_gnn.simulation.hard_events.HardEvents`.
        radius: jet radius R.
        table: labels of decays.
    """
    return _anchor(event.tolist(), _directions_of(event), radius, table)


def _anchor(rows: _Rows, directions: list[Direction], radius: float, table: DecayTable) -> Anchor | None:
    partons = [i for i, row in enumerate(rows) if row[1] == 1 and _is_parton(row[0])]
    decays = _Decays(rows, directions, table)
    if not decays.labels:
        return _of_partons([directions[i] for i in partons], radius) if partons else None
    # The hardest resonance, with the products of its decay; a W from a top comes after its top.
    roots = sorted(decays.roots, key=lambda i: -directions[i].pt)
    fitting = [
        (root, used, candidate)
        for root in roots
        for used, candidate in decays.candidates(root)
        if all(distance(candidate.axis, one) < radius for one in candidate.inside)
    ]
    chosen = next(((used, candidate) for root, used, candidate in fitting if root == roots[0]), None)
    further = tuple(candidate for _, _, candidate in fitting if chosen is None or candidate is not chosen[1])
    if chosen is None:
        own = tuple(directions[i] for i in partons)
        apart = next(decays.candidates(roots[0]), None) is not None
        return Anchor(JetType.UNMATCHED, directions[roots[0]], (), (), own, further, apart)
    used, candidate = chosen
    others = tuple(directions[i] for i in partons if i not in used)
    own = tuple(directions[i] for i in partons if i in used)
    return Anchor(candidate.jettype, candidate.axis, candidate.inside, others, own, further)


def _of_partons(partons: list[Direction], radius: float) -> Anchor:
    directions = sorted(partons, key=lambda parton: -parton.pt)
    axis = directions[0]
    near = [parton for parton in directions if distance(axis, parton) < radius]
    return Anchor(parton_type(near), axis, (), tuple(directions[1:]), (axis,))


class _Decays:
    """Resonances of one event with their visible products.

    Attributes:
        labels: by row of the resonance, None where its decay has no label but two partons or more.
    """

    def __init__(self, rows: _Rows, directions: list[Direction], table: DecayTable) -> None:
        self._rows, self._directions, self._table = rows, directions, table
        self._kinds = table.parents | {_Z, _W, _H, _TOP}
        self._products: dict[int, list[int]] = {}
        for index, row in enumerate(rows):
            if row[1] == 1:
                for resonance in self._above(index):
                    self._products.setdefault(resonance, []).append(index)
        labels = {resonance: self._label(resonance) for resonance in sorted(self._products)}
        # A lone parton is no hadronic decay: the b of a top whose W went to leptons is a parton as others are.
        self.labels = {
            resonance: label
            for resonance, label in labels.items()
            if label is not None or len([i for i in self._products[resonance] if _is_parton(rows[i][0])]) > 1
        }
        self.roots = {self._outermost(resonance) for resonance in self.labels}

    def candidates(self, root: int) -> Iterator[tuple[set[int], Candidate]]:
        """Decays of one outermost resonance, whole ones first, with the rows that they use."""
        mine = [resonance for resonance in self.labels if self._outermost(resonance) == root]
        for resonance in mine:
            label = self.labels[resonance]
            if label is None:
                continue
            if label in (JetType.W_UD, JetType.W_CS, JetType.W_QQ) and self._from_top(resonance):
                label = JetType.TOP_QQ
            used = self._visible(resonance)
            yield set(used), Candidate(label, self._directions[resonance], tuple(self._directions[i] for i in used))
        for resonance in mine:
            if self.labels[resonance] == JetType.TOP_BQQ:
                yield from self._parts_of_top(resonance)

    def _parts_of_top(self, top: int) -> Iterator[tuple[set[int], Candidate]]:
        """The b with one of the quarks of the W, the nearer one first."""
        of_w = {i for w in self.labels if abs(self._rows[w][0]) == _W for i in self._products[w]}
        quarks = [i for i in self._products[top] if i in of_w]
        b = [i for i in self._products[top] if i not in of_w]
        if len(quarks) != 2 or len(b) != 1:
            return
        directions = self._directions
        for quark in sorted(quarks, key=lambda i: distance(directions[i], directions[b[0]])):
            axis = _sum(self._rows[quark], self._rows[b[0]])
            yield {b[0], quark}, Candidate(JetType.TOP_BQ, axis, (directions[b[0]], directions[quark]))

    def _visible(self, resonance: int) -> list[int]:
        return [i for i in self._products[resonance] if _is_visible(int(self._rows[i][0]))]

    def _label(self, resonance: int) -> int | None:
        kind = int(self._rows[resonance][0])
        products = [int(self._rows[i][0]) for i in self._products[resonance]]
        if sum(map(_is_visible, products)) < 2:
            return None
        # A copy of the resonance stands between it and its daughters in some files.
        parent = resonance
        while True:
            daughters = [i for i, row in enumerate(self._rows) if int(row[2]) - 1 == parent]
            if len(daughters) != 1 or self._rows[daughters[0]][0] != kind:
                break
            parent = daughters[0]
        found = self._table.find(kind, [int(self._rows[i][0]) for i in daughters], products)
        if found is None and abs(kind) in (_Z, _W) and all(map(_is_parton, products)):
            return JetType.Z_QQ if abs(kind) == _Z else JetType.W_QQ
        return found

    def _above(self, index: int) -> list[int]:
        """The resonances above a row, innermost first."""
        found = []
        mother = int(self._rows[index][2]) - 1
        while mother >= 0 and self._rows[mother][1] != -1:
            if abs(self._rows[mother][0]) in self._kinds and self._rows[mother][1] == 2:
                found.append(mother)
            mother = int(self._rows[mother][2]) - 1
        return found

    def _outermost(self, resonance: int) -> int:
        above = self._above(resonance)
        return above[-1] if above else resonance

    def _from_top(self, resonance: int) -> bool:
        return any(abs(self._rows[i][0]) == _TOP for i in self._above(resonance))


def distance(one: Direction, other: Direction) -> float:
    """Distance of two directions in eta and phi."""
    return float(delta_r(one.eta, one.phi, other.eta, other.phi))


def parton_type(partons: Sequence[Direction]) -> JetType:
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


def _is_parton(pdgid: float) -> bool:
    return pdgid == _GLUON or 1 <= abs(pdgid) <= _B


def _is_visible(pdgid: int) -> bool:
    return _is_parton(pdgid) or abs(pdgid) in _SEEN or abs(pdgid) in _HADRONS


def _directions_of(particles: NDArray[np.void]) -> list[Direction]:
    """Directions of all particles; those that come in have none of use."""
    pt = np.hypot(particles["px"], particles["py"])
    phi = np.arctan2(particles["py"], particles["px"])
    eta = np.zeros(len(particles))
    moving = particles["status"] != -1
    eta[moving] = pseudorapidity(particles["px"][moving], particles["py"][moving], particles["pz"][moving])
    columns = (particles["id"].tolist(), pt.tolist(), eta.tolist(), phi.tolist())
    return list(map(Direction._make, zip(*columns, strict=True)))


def _sum(one: tuple[float, ...], other: tuple[float, ...]) -> Direction:
    px, py, pz = np.add(one[6:9], other[6:9]).tolist()
    return Direction(0, float(np.hypot(px, py)), float(pseudorapidity(px, py, pz)), float(np.arctan2(py, px)))
