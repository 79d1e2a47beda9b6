"""What the views of a hard event have in common, from its generator particles: decaying particles and hard partons."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.data.event_pairing.generated import Generated, is_parton
from rs3l_gnn.data.event_pairing.jet_matching import Places

__all__ = ["find_anchors", "is_lone_parton"]


def find_anchors(particles: Generated, first_row: int = 0) -> Places:
    """Directions that jets are looked for at.

    An anchor is a top, Z, W or H that does not come from another one of them and decays to quarks or gluons (two or
    more of them), at its last copy; or an outgoing quark or gluon of the hard process that comes from no such decay.

    Args:
        particles: of a chunk of events.
        first_row: row of its first event.
    """
    decays = particles.decays
    products = decays.product[is_parton(particles.pdgid[decays.product])]
    root_of_product = decays.of_particle[products]
    hadronic = np.bincount(root_of_product[root_of_product >= 0], minlength=len(decays.root)) > 1
    # One more for particles from no decay.
    from_decay = np.append(hadronic, False)[decays.of_particle]
    lone = is_lone_parton(particles) & ~from_decay
    chosen = np.sort(np.concatenate([decays.root[hadronic], np.flatnonzero(lone)]))
    return Places(first_row + particles.event[chosen], particles.eta[chosen], particles.phi[chosen])


def is_lone_parton(particles: Generated) -> NDArray[np.bool_]:
    """True for outgoing quarks and gluons of the hard process, each once [n_particles]."""
    return particles.hard & is_parton(particles.pdgid) & (particles.pt > 0) & _is_first(particles)


def _is_first(particles: Generated) -> NDArray[np.bool_]:
    """False for copies of a particle of the hard process."""
    first = np.ones(len(particles.pdgid), dtype=bool)
    inside = particles.mother >= 0
    above = particles.mother[inside]
    first[inside] = ~(
        (particles.pdgid[inside] == particles.pdgid[above]) & particles.hard[above] & (particles.pt[above] > 0)
    )
    return first
