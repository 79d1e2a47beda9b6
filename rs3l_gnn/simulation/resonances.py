"""Resonances that a hard event leaves undecayed: decayed once, before the views part.

Pythia decays a top, W, Z, H or new particle of status 1 as part of the hard process. Left to the showers, each view
would get another decay, which is another hard event. So the decay is done here, by Pythia with the settings of the
sample and the file's decay tables, with the correlations that it knows (top to b W to fermions, H to W W and Z Z), and
becomes part of ``hard.lhe.gz``. Tau leptons and what Pythia does not call a resonance decay with the hadrons of each
view.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.simulation.hard_events import PARTICLE_TYPE, HardEvents
from rs3l_gnn.simulation.particle_table import ParticleTable
from rs3l_gnn.simulation.pythia_record import process_rows
from rs3l_gnn.simulation.shower import Shower

__all__ = ["DecayCount", "decay_once", "undecayed"]

_TRIES = 10
_MEAN_IS_XSEC = (1, 4)  # |IDWTUP|: the mean weight is the cross-section


@dataclass(frozen=True)
class DecayCount:
    """What :func:`decay_once` did.

    Attributes:
        resonances: how many of each PDG identity were decayed.
        open_fraction: mean share of the decays that the settings leave open; the cross-section is scaled by it.
    """

    resonances: dict[int, int]
    open_fraction: float


def undecayed(hard: HardEvents, table: ParticleTable) -> NDArray[np.bool_]:
    """Which particles are resonances with status 1 [n_particles]."""
    kinds, places = np.unique(hard.particles["id"], return_inverse=True)
    resonances = np.array([table.resonance(int(kind)) for kind in kinds], dtype=np.bool_)[places]
    return np.asarray(resonances & (hard.particles["status"] == 1))


def decay_once(hard: HardEvents, shower: Shower, seed_of: Callable[[int], int]) -> tuple[HardEvents, DecayCount]:
    """Decay the resonances of all events.

    Where settings close decay channels, the events stand for the open ones: the cross-section is scaled by the open
    fraction, and the weight of an event by its own over the mean one.

    Args:
        hard: the hard events; those without such resonances stay as they are.
        shower: its settings must have ``PartonLevel:all=off``.
        seed_of: seed of an event by its number.

    Returns:
        The events, and what was done. Events that Pythia rejects keep their resonances.
    """
    table = ParticleTable(shower.pythia.particleData)
    mask = undecayed(hard, table)
    fractions = np.ones(len(hard))
    parts: list[NDArray[np.void]] = []
    count: dict[int, int] = {}
    for index in range(len(hard)):
        rows, open_rows = hard.event(index), mask[hard.offsets[index] : hard.offsets[index + 1]]
        if open_rows.any():
            decayed = _decayed(hard.part(index, index + 1), shower, seed_of(index))
            if decayed is not None:
                for identity in rows["id"][open_rows].tolist():
                    count[identity] = count.get(identity, 0) + 1
                    fractions[index] *= shower.pythia.particleData.resOpenFrac(identity)
                rows = decayed
        parts.append(rows)
    if not count:
        return hard, DecayCount({}, 1.0)
    offsets = np.concatenate([[0], np.cumsum([len(rows) for rows in parts])]).astype(np.int64)
    total = float(hard.weight.sum())
    fraction = float((hard.weight * fractions).sum()) / total if total else float(fractions.mean())
    scale = fractions if abs(hard.strategy) in _MEAN_IS_XSEC else fractions / fraction
    stated = hard.stated_xsec
    if stated is not None:
        error = None if stated.error is None else stated.error * fraction
        stated = replace(stated, value=stated.value * fraction, error=error)
    decayed_events = replace(
        hard,
        particles=np.concatenate(parts),
        offsets=offsets,
        weight=hard.weight * scale,
        further_weights=hard.further_weights * scale[:, np.newaxis],
        stated_xsec=stated,
        processes=tuple(
            replace(process, xsec=process.xsec * fraction, error=process.error * fraction) for process in hard.processes
        ),
    )
    return decayed_events, DecayCount(dict(sorted(count.items())), fraction)


def _decayed(event: HardEvents, shower: Shower, seed: int) -> NDArray[np.void] | None:
    for attempt in range(_TRIES):
        if shower.next_event(event, seed + attempt):
            return np.array(process_rows(shower.pythia.process), dtype=PARTICLE_TYPE)
    return None
