"""Generator particles under one set of names, and the decays of heavy particles in them.

NanoAOD and PFNano keep them in ``GenPart``, Delphes in ``Particle``.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions.jagged import offsets_of, parents_of

__all__ = ["RESONANCES", "Decays", "Generated", "find_decays", "generated_branches", "is_parton", "read_generated"]

RESONANCES = (6, 23, 24, 25)
"""PDG numbers of the particles whose decays make jets: top, Z, W, H."""
_GLUON, _HEAVIEST = 21, 5
_NANO = {"pdgid": "pdgId", "pt": "pt", "eta": "eta", "phi": "phi", "mother": "genPartIdxMother", "hard": "statusFlags"}
_DELPHES = {"pdgid": "PID", "pt": "PT", "eta": "Eta", "phi": "Phi", "mother": "M1", "hard": "Status"}
_TABLES = {"GenPart": ("_", _NANO), "Particle": (".", _DELPHES)}
_IS_HARD_PROCESS = 1 << 7
"""Bit of NanoAOD's ``statusFlags``."""
_HARD_STATUS = (21, 29)
"""Pythia's status codes of the hardest subprocess."""


@dataclass(frozen=True)
class Generated:
    """Particles of a chunk of events, flat; those of an event follow one another.

    Attributes:
        offsets: first particle of each event [n_events + 1].
        pdgid: PDG number [n].
        pt: GeV [n]; likewise eta, phi.
        mother: place of the (first) mother among all particles, -1 for none [n].
        hard: True for particles of the hard process, incoming ones too [n].
    """

    offsets: NDArray[np.int64]
    pdgid: NDArray[np.int64]
    pt: NDArray[np.float64]
    eta: NDArray[np.float64]
    phi: NDArray[np.float64]
    mother: NDArray[np.int64]
    hard: NDArray[np.bool_]

    @cached_property
    def event(self) -> NDArray[np.int64]:
        """Event of each particle [n]."""
        return parents_of(np.diff(self.offsets))

    @cached_property
    def decays(self) -> Decays:
        """What :func:`find_decays` finds."""
        return find_decays(self)


@dataclass(frozen=True)
class Decays:
    """Heavy particles that do not come from another one, and what they decay to.

    Attributes:
        root: their last copies, places among the particles, rising [n_roots].
        of_particle: the root that a particle comes from or is, -1 for none [n_particles].
        product: particles that a heavy particle decays to and that are not heavy themselves, rising; where the file
            marks products of a decay as those of the hard process, these alone [n_products].
    """

    root: NDArray[np.int64]
    of_particle: NDArray[np.int64]
    product: NDArray[np.int64]


def generated_branches(names: Collection[str]) -> list[str] | None:
    """Branches of the generator particles of a file with branches ``names``; None if it has none, or not all."""
    for table, (separator, fields) in _TABLES.items():
        needed = [f"{table}{separator}{field}" for field in fields.values()]
        if set(needed) <= set(names):
            return needed
    return None


def read_generated(events: ak.Array) -> Generated:
    """Generator particles of a chunk.

    Args:
        events: with the branches of :func:`generated_branches`.
    """
    table = next(name for name in _TABLES if name in events.fields)
    fields, records = _TABLES[table][1], events[table]
    offsets = offsets_of(np.asarray(ak.num(records[fields["pdgid"]], axis=1), dtype=np.int64))
    flat = {name: np.asarray(ak.flatten(records[field], axis=1)) for name, field in fields.items()}
    mother = flat["mother"].astype(np.int64)
    first = np.repeat(offsets[:-1], np.diff(offsets))
    status = flat["hard"].astype(np.int64)
    if table == "GenPart":
        hard = (status & _IS_HARD_PROCESS) != 0
    else:
        hard = (np.abs(status) >= _HARD_STATUS[0]) & (np.abs(status) <= _HARD_STATUS[1])
    return Generated(
        offsets=offsets,
        pdgid=flat["pdgid"].astype(np.int64),
        pt=flat["pt"].astype(np.float64),
        eta=flat["eta"].astype(np.float64),
        phi=flat["phi"].astype(np.float64),
        mother=np.where(mother >= 0, mother + first, -1),
        hard=hard,
    )


def is_parton(pdgid: NDArray[np.int64]) -> NDArray[np.bool_]:
    """True for gluons and the five light quarks."""
    kind = np.abs(pdgid)
    return np.asarray((kind == _GLUON) | ((kind >= 1) & (kind <= _HEAVIEST)))


def find_decays(particles: Generated) -> Decays:
    """Follow the mothers of all particles upwards; the work is that of the longest chain.

    A W of a top belongs to the top, a W of a Higgs to the Higgs. Copies of a particle, as a shower makes them, count
    as one, and its last copy stands for it.
    """
    pdgid, mother = particles.pdgid, particles.mother
    n = len(pdgid)
    heavy = np.isin(np.abs(pdgid), RESONANCES)
    # The first copy of the outermost heavy particle at or above each particle.
    outermost = np.where(heavy, np.arange(n), -1)
    current = mother.copy()
    for _ in range(n):
        inside = current >= 0
        if not inside.any():
            break
        above = inside & heavy[current]
        outermost = np.where(above, current, outermost)
        current = np.where(inside, mother[current], -1)
    is_copy = np.zeros(n, dtype=bool)
    has_mother = mother >= 0
    is_copy[has_mother] = pdgid[has_mother] == pdgid[mother[has_mother]]
    # The last of the particles that are the outermost one itself: only copies lie between it and the first.
    own = np.flatnonzero(heavy & ((np.arange(n) == outermost) | is_copy) & (outermost >= 0))
    own = own[pdgid[own] == pdgid[outermost[own]]]
    firsts, inverse = np.unique(outermost[own], return_inverse=True)
    last = np.full(len(firsts), -1, dtype=np.int64)
    np.maximum.at(last, inverse, own)
    number = np.full(n + 1, -1, dtype=np.int64)
    number[firsts] = np.arange(len(firsts))
    order = np.argsort(last, kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    of_particle = number[outermost]
    of_particle = np.where(of_particle >= 0, rank[np.maximum(of_particle, 0)] if len(rank) else -1, -1)
    from_heavy = np.zeros(n, dtype=bool)
    from_heavy[has_mother] = heavy[mother[has_mother]]
    product = np.flatnonzero(from_heavy & ~heavy)
    # A top also radiates gluons, which are no products of its decay; where the decay is marked, they are not.
    of_decay = particles.hard[product]
    marked = np.isin(of_particle[product], of_particle[product[of_decay]])
    return Decays(root=last[order], of_particle=of_particle, product=product[of_decay | ~marked])
