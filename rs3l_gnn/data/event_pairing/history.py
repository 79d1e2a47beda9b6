"""Types of jets from the history of the generator: which decay lies in a jet as a whole, else which partons do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import JetType, delta_r
from rs3l_gnn.conventions.jagged import parents_of, ranges
from rs3l_gnn.data.event_pairing.anchors import is_lone_parton
from rs3l_gnn.data.event_pairing.generated import Generated, is_parton
from rs3l_gnn.data.event_pairing.jet_matching import Places

__all__ = ["decay_types", "flavour_types", "parton_types"]

_S, _C, _B, _TOP, _GLUON, _Z, _W, _H = 3, 4, 5, 6, 21, 23, 24, 25
_TAU, _LEPTONS = 15, (11, 13, 15)


@dataclass(frozen=True)
class _Groups:
    """Visible products of decays: quarks, gluons and charged leptons.

    Attributes:
        product: places among the particles, rising [n_products].
        group: decay that each belongs to [n_products].
        head: the particle that decays, of each decay [n_groups].
        from_top: True for decays that come from a top [n_groups].
    """

    product: NDArray[np.int64]
    group: NDArray[np.int64]
    head: NDArray[np.int64]
    from_top: NDArray[np.bool_]

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Products of each decay [n_groups]."""
        return np.bincount(self.group, minlength=len(self.head))

    def types(self, particles: Generated) -> NDArray[np.int16]:
        """Type of a jet with all of a decay in it, UNMATCHED for a decay that has none [n_groups]."""
        kind, n = np.abs(particles.pdgid[self.head]), self.sizes
        flavour = np.abs(particles.pdgid[self.product])
        from_w = np.abs(particles.pdgid[particles.mother[self.product]]) == _W

        def count(which: NDArray[np.bool_]) -> NDArray[np.int64]:
            return np.bincount(self.group[which], minlength=len(self.head))

        n_w, leptons, taus = count(from_w), count(np.isin(flavour, _LEPTONS)), count(flavour == _TAU)
        s, c, b, gluons = (count(flavour == one) for one in (_S, _C, _B, _GLUON))
        pair, quarks = n == 2, leptons + gluons == 0
        rules = {
            JetType.H_BB: (kind == _H) & pair & (b == n),
            JetType.H_CC: (kind == _H) & pair & (c == n),
            JetType.H_SS: (kind == _H) & pair & (s == n),
            JetType.H_GG: (kind == _H) & pair & (gluons == n),
            JetType.H_TAUTAU: (kind == _H) & pair & (taus == n),
            JetType.H_WW_QQQQ: (kind == _H) & (n == 4) & (n_w == n) & quarks,
            JetType.H_WW_LNUQQ: (kind == _H) & (n == 3) & (n_w == n) & (leptons == 1),
            JetType.Z_BB: (kind == _Z) & pair & (b == n),
            JetType.Z_CC: (kind == _Z) & pair & (c == n),
            JetType.Z_UDS: (kind == _Z) & pair & quarks,
            JetType.TOP_QQ: (kind == _W) & pair & quarks & self.from_top,
            JetType.W_CS: (kind == _W) & pair & quarks & (c == 1),
            JetType.W_UD: (kind == _W) & pair & quarks,
            JetType.TOP_BQQ: (kind == _TOP) & (n == 3) & (n_w == 2) & quarks,
        }
        return np.select(list(rules.values()), list(rules), JetType.UNMATCHED).astype(np.int16)


def decay_types(particles: Generated, jets: Places, radius: float) -> NDArray[np.int16]:
    """Type of the decay whose visible products all lie within a radius of a jet, UNMATCHED for none [n_jets].

    Of several decays the hardest counts, and a whole decay before a part of it: a top with its b and both quarks of its
    W in the jet is TOP_BQQ, with one of these TOP_BQ, and with the two quarks alone TOP_QQ.

    Args:
        particles: of a chunk of events.
        jets: their events count from 0 in the chunk.
        radius: of the jets.
    """
    decays = particles.decays
    kind = particles.pdgid[decays.product]
    products = decays.product[is_parton(kind) | np.isin(np.abs(kind), _LEPTONS)]
    root = decays.of_particle[products]
    is_top = np.abs(particles.pdgid[decays.root]) == _TOP
    whole, part = _types_inside(particles, _Groups(products, root, decays.root, is_top), jets, radius)
    found = np.where(whole != JetType.UNMATCHED, whole, part)
    left = np.flatnonzero(found == JetType.UNMATCHED)
    if len(left):
        heads, group = np.unique(particles.mother[products], return_inverse=True)
        last = _Groups(products, group, heads, is_top[decays.of_particle[heads]])
        found[left], _ = _types_inside(particles, last, jets.select(left), radius)
    return found


def _types_inside(
    particles: Generated, groups: _Groups, jets: Places, radius: float
) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """Types of whole decays, and of tops with their b and one quark in the jet."""
    types, n_groups = groups.types(particles), max(len(groups.head), 1)
    jet, product = _inside(particles, groups.product, jets, radius)
    found, which, counts = np.unique(jet * n_groups + groups.group[product], return_inverse=True, return_counts=True)
    has_b = np.bincount(which, weights=np.abs(particles.pdgid[groups.product[product]]) == _B, minlength=len(found)) > 0
    jet, group = found // n_groups, found % n_groups
    whole = (counts == groups.sizes[group]) & (types[group] != JetType.UNMATCHED)
    partly = (types[group] == JetType.TOP_BQQ) & (counts == 2) & has_b

    def hardest(which: NDArray[np.bool_], kinds: NDArray[np.int16]) -> NDArray[np.int16]:
        out = np.full(len(jets.event), JetType.UNMATCHED, np.int16)
        order = np.lexsort((particles.pt[groups.head[group[which]]], jet[which]))  # the hardest is written last
        out[jet[which][order]] = kinds[which][order]
        return out

    return hardest(whole, types[group]), hardest(partly, np.full(len(group), JetType.TOP_BQ, np.int16))


def parton_types(particles: Generated, jets: Places, radius: float) -> NDArray[np.int16]:
    """Type by the two hardest partons of the hard process or of a decay within a radius of a jet [n_jets].

    A quark and its antiquark are a gluon's splitting, two gluons or one are GG, else the harder quark counts; no parton
    gives UNMATCHED. These are the rules of ``rs3l simulate``.
    """
    decays = particles.decays
    counted = is_lone_parton(particles)
    counted[decays.product[is_parton(particles.pdgid[decays.product])]] = True
    chosen = np.flatnonzero(counted)
    jet, place = _inside(particles, chosen, jets, radius)
    parton = chosen[place]
    order = np.lexsort((-particles.pt[parton], jet))
    jet, kind = jet[order], particles.pdgid[parton[order]]
    start = np.searchsorted(jet, np.arange(len(jets.event)))
    n = np.searchsorted(jet, np.arange(len(jets.event)), side="right") - start
    padded = np.append(kind, [0, 0])
    one = np.where(n > 0, padded[start], 0)
    two = np.where(n > 1, padded[start + 1], 0)
    quark = np.where(np.abs(one) == _GLUON, np.abs(two), np.abs(one)) % _GLUON
    split = (one == -two) & (one != 0)
    pairs = np.select([np.abs(one) == _B, np.abs(one) == _C], [JetType.G_BB, JetType.G_CC], JetType.G_QQ)
    lone = np.select([quark == _B, quark == _C, quark > 0], [JetType.B, JetType.C, JetType.Q], JetType.GG)
    return np.where(n == 0, JetType.UNMATCHED, np.where(split, pairs, lone)).astype(np.int16)


def flavour_types(light: NDArray[np.integer], n_b: NDArray[np.integer], n_c: NDArray[np.integer]) -> NDArray[np.int16]:
    """Type by the ghost hadrons of a jet [n_jets].

    Args:
        light: type by partons; its heavy flavours count as light ones here.
        n_b, n_c: ghost b hadrons, and c hadrons.
    """
    plain = {JetType.B: JetType.Q, JetType.C: JetType.Q, JetType.G_BB: JetType.G_QQ, JetType.G_CC: JetType.G_QQ}
    light = np.select([light == kind for kind in plain], list(plain.values()), light)
    rules = [n_b > 1, n_b == 1, n_c > 1, n_c == 1]
    return np.select(rules, [JetType.G_BB, JetType.B, JetType.G_CC, JetType.C], light).astype(np.int16)


def _inside(
    particles: Generated, chosen: NDArray[np.int64], jets: Places, radius: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of a jet and a chosen particle of its event within the radius; places in both lists."""
    event = particles.event[chosen]
    low = np.searchsorted(event, jets.event, side="left")
    counts = np.searchsorted(event, jets.event, side="right") - low
    jet, place = parents_of(counts), ranges(low, counts)
    particle = chosen[place]
    distance = delta_r(jets.eta[jet], jets.phi[jet], particles.eta[particle], particles.phi[particle])
    near = np.asarray(distance) < radius
    return jet[near], place[near]
