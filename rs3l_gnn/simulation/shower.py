"""Showers of given hard events with Pythia 8, one random stream for each event."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import awkward as ak
import numpy as np
import pythia8mc
from numpy.typing import NDArray

from rs3l_gnn.conventions import SimulationError
from rs3l_gnn.simulation.hard_events import Beams, HardEvents
from rs3l_gnn.simulation.settings import SHOWER_WEIGHTS, configure

__all__ = ["ChargeTable", "Shower", "rejected_event"]


class _Feed(pythia8mc.LHAup):  # type: ignore[misc]  # pythia8mc has no type information
    """Hands hard events to Pythia and seeds each of them."""

    def __init__(self, beams: Beams) -> None:
        pythia8mc.LHAup.__init__(self)
        self.beams = beams
        self.given = 0
        self._queue: list[tuple[tuple[float, float, float], list[tuple[Any, ...]], int]] = []
        self._rndm: Any = None

    def load(self, hard: HardEvents, seeds: Sequence[int], rndm: Any) -> None:
        columns = zip(hard.scale.tolist(), hard.alpha_qed.tolist(), hard.alpha_qcd.tolist(), strict=True)
        self._queue = [
            (head, hard.event(index).tolist(), seed)
            for index, (head, seed) in enumerate(zip(columns, seeds, strict=True))
        ]
        self._rndm = rndm
        self.given = 0

    def setInit(self) -> bool:  # noqa: N802  # Pythia calls this name
        self.setBeamA(self.beams.id_a, self.beams.energy_a)
        self.setBeamB(self.beams.id_b, self.beams.energy_b)
        # Strategy 3: every event is taken as it comes; weights are kept beside, and the identity 1 stands for all.
        self.setStrategy(3)
        self.addProcess(1, 1.0, 0.0, 1.0)
        return True

    def setEvent(self, _process: int = 0) -> bool:  # noqa: N802  # Pythia calls this name
        if self.given >= len(self._queue):
            return False
        head, particles, seed = self._queue[self.given]
        self.given += 1
        self.setProcess(1, 1.0, *head)
        for particle in particles:
            self.addParticle(*particle)
        # Everything random about this event comes after this line.
        self._rndm.init(seed)
        return True


class Shower:
    """Pythia with the settings of one variation, ready for any number of events.

    Args:
        beams: the beams of the hard events.
        settings: Pythia settings, the later ones win.

    Raises:
        SimulationError: Pythia refuses a setting or does not start.
    """

    def __init__(self, beams: Beams, settings: Sequence[str]) -> None:
        self.pythia = configure((*settings, "Beams:frameType=5"))
        self._feed = _Feed(beams)
        self.pythia.setLHAupPtr(self._feed)
        if not self.pythia.init():
            raise SimulationError("Pythia does not start", got=f"settings {', '.join(settings)}")
        self.charges = ChargeTable(self.pythia.particleData)

    def run(self, hard: HardEvents, seeds: Sequence[int]) -> ak.Array:
        """Shower and hadronise events.

        Args:
            hard: the hard events.
            seeds: a seed for each, in [1, 900 000 000).

        Returns:
            Array of the length of ``hard``: Pythia's event (``prt``, ``info``), or None for an event it rejects.
            Each event depends on its hard partons and its seed alone, not on its neighbours.
        """
        batch = self._batch(hard, seeds)
        if self._feed.given != len(hard) or not _same_events(batch, hard):
            # Pythia has thrown hard events away and gone on to the next: one by one, none can be taken for another.
            single = [self._batch(hard.part(index, index + 1), seeds[index : index + 1]) for index in range(len(hard))]
            batch = ak.concatenate(single)
            if not _same_events(batch, hard):
                raise SimulationError("Pythia has changed the hard partons of an event")
        return batch

    def load(self, hard: HardEvents, seeds: Sequence[int]) -> None:
        """Queue events, which ``pythia.next()`` then takes one after another."""
        self._feed.load(hard, seeds, self.pythia.rndm)

    def next_event(self, hard: HardEvents, seed: int) -> bool:
        """Shower one event, which is then in ``pythia.event``; False if Pythia rejects it."""
        self.load(hard, [seed])
        return bool(self.pythia.next())

    def weights(self, batch: ak.Array) -> NDArray[np.float64]:
        """Shower weights relative to the nominal one, in the order of SHOWER_WEIGHTS [n_events, n_weights].

        The settings must have switched them on; a rejected event has 1 everywhere.
        """
        names = [name.lower() for name in self.pythia.infoPython().weightNameVector()]
        rows = ak.to_numpy(ak.pad_none(ak.fill_none(batch.info.weights, [], axis=0), len(names), axis=1))
        values = np.ma.filled(rows, 1.0).astype(np.float64)
        return values[:, [names.index(name) for name in SHOWER_WEIGHTS]] / values[:, :1]

    def _batch(self, hard: HardEvents, seeds: Sequence[int]) -> ak.Array:
        self.load(hard, seeds)
        batch = self.pythia.nextBatch(len(hard), "none")
        # Without a single good event the array has no fields at all.
        return batch if "prt" in batch.fields else ak.concatenate([rejected_event()] * len(hard))


@lru_cache(maxsize=1)
def rejected_event() -> ak.Array:
    """One missing event, with the type of Pythia's events."""
    pythia = configure(("Print:quiet=on", "ProcessLevel:all=off", "HadronLevel:all=off"))
    pythia.init()
    pythia.event.reset()
    return ak.mask(pythia.nextBatch(1, "none"), [False])


class ChargeTable:
    """Electric charges of particles by their PDG identity, in units of e."""

    def __init__(self, data: Any) -> None:
        self._data = data

    def of(self, identities: NDArray[np.integer]) -> NDArray[np.int8]:
        """Charges [n]; Pythia knows every identity that it makes."""
        known, places = np.unique(identities, return_inverse=True)
        charges = [round(self._data.charge(int(identity))) for identity in known]
        return np.array(charges, dtype=np.int8)[places]


def _same_events(batch: ak.Array, hard: HardEvents) -> bool:
    """Whether the invariant masses of the hard partons are those handed in (None is not looked at)."""
    found = ak.to_numpy(ak.fill_none(batch.info.mHat, np.nan))
    incoming = [hard.event(index)[hard.event(index)["status"] == -1] for index in range(len(hard))]
    sums = np.array([[rows[name].sum() for name in ("e", "px", "py", "pz")] for rows in incoming])
    expected = np.sqrt(np.maximum(sums[:, 0] ** 2 - (sums[:, 1:] ** 2).sum(axis=1), 0.0))
    return bool(np.all(np.isnan(found) | (np.abs(found - expected) < 1e-4 * expected)))
