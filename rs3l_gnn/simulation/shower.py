"""Showers of given hard events with Pythia 8, one random stream for each event."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import awkward as ak
import numpy as np
import pythia8mc
from numpy.typing import ArrayLike, NDArray

from rs3l_gnn.conventions import mass_of
from rs3l_gnn.conventions.jagged import parents_of
from rs3l_gnn.simulation.final_states import FinalStates, lies_as_known
from rs3l_gnn.simulation.hard_events import Beams, HardEvents
from rs3l_gnn.simulation.native_output import pythia_complaints
from rs3l_gnn.simulation.particle_table import ParticleTable
from rs3l_gnn.simulation.settings import SHOWER_WEIGHTS, configure, started
from rs3l_gnn.simulation.vetoes import Vetoes

__all__ = ["Shower"]

_PRECISION = 1e-4
"""Largest relative change of the mass of the hard process that digits of a file explain."""


class _Feed(pythia8mc.LHAup):  # type: ignore[misc]  # pythia8mc has no type information
    """Hands hard events to Pythia and seeds each of them."""

    def __init__(self, beams: Beams, slha: str, vetoes: Vetoes) -> None:
        pythia8mc.LHAup.__init__(self)
        self.beams = beams
        self._vetoes = vetoes
        self._slha = slha
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
        self._vetoes.begin()

    def setInit(self) -> bool:  # noqa: N802  # Pythia calls this name
        self.setBeamA(self.beams.id_a, self.beams.energy_a)
        self.setBeamB(self.beams.id_b, self.beams.energy_b)
        # Strategy 3: every event is taken as it comes; weights are kept beside, and the identity 1 stands for all.
        self.setStrategy(3)
        self.addProcess(1, 1.0, 0.0, 1.0)
        if self._slha:
            self.setInfoHeader("slha", self._slha)
        return True

    def setEvent(self, _process: int = 0) -> bool:  # noqa: N802  # Pythia calls this name
        if self.given >= len(self._queue):
            return False
        head, particles, seed = self._queue[self.given]
        self.given += 1
        self._vetoes.next()
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
        slha: text of the hard events' ``<slha>`` block: masses, widths, decays and quantum numbers of particles.

    Attributes:
        pythia: the instance.
        table: what a detector makes of its particles.
        factors: what merging or enhanced splittings multiply the weight of each event of the last :meth:`run` with, 0
            for a vetoed event and 1 where there is neither [n_events].

    Raises:
        SimulationError: Pythia refuses a setting or does not start.
    """

    def __init__(self, beams: Beams, settings: Sequence[str], slha: str = "") -> None:
        # Pythia tells about each line of an SLHA block unless it is asked not to.
        self.pythia = configure(("SLHA:verbose=0", *settings, "Beams:frameType=5"))
        self._vetoes = Vetoes(self.pythia)
        self._feed = _Feed(beams, slha, self._vetoes)
        self.pythia.setLHAupPtr(self._feed)
        started(self.pythia, f"settings {', '.join(settings)}")
        self.table = ParticleTable(self.pythia.particleData)
        self.factors = np.ones(0)

    def run(self, hard: HardEvents, seeds: Sequence[int], *, final: bool = False) -> ak.Array:
        """Shower and hadronise events.

        Args:
            hard: the hard events.
            seeds: a seed for each, in [1, 900 000 000).
            final: no other particles than those that remain are wanted; see :mod:`.final_states`.

        Returns:
            Array of the length of ``hard``: Pythia's event (``prt``, ``info``), or None for an event that it rejects or
            vetoes, or whose hard process it changes by more than the masses that it gives to quarks and leptons.
            Each event depends on its hard partons and its seed alone, not on its neighbours.
        """
        batch = self._batch(hard, seeds, final=final)
        rejections = bool(ak.any(ak.is_none(batch)))
        if self._feed.given != len(hard) or (rejections and not self._unmoved(batch, hard).all()):
            # Pythia has thrown hard events away and gone on to the next: one by one, none can be taken for another.
            single, factors = [], []
            for index in range(len(hard)):
                single.append(self._batch(hard.part(index, index + 1), seeds[index : index + 1], final=final))
                factors.append(self.factors)
            batch, self.factors = ak.concatenate(single), np.concatenate(factors)
        unmoved = self._unmoved(batch, hard)
        return batch if unmoved.all() else ak.mask(batch, unmoved)

    def why(self, hard: HardEvents, seed: int) -> str:
        """Why a single hard event is rejected with this seed, in Pythia's words."""
        before = pythia_complaints(self.pythia)
        if self.next_event(hard, seed):
            return "Pythia changes the mass of the hard process by more than the masses that it puts back explain"
        complaints = pythia_complaints(self.pythia) - before
        # The last step only says that an earlier one failed.
        causes = [text for text in complaints if not text.startswith("Abort from Pythia::next")]
        return "; ".join(sorted(causes or complaints)) or "Pythia gives no reason"

    def load(self, hard: HardEvents, seeds: Sequence[int]) -> None:
        """Queue events, which ``pythia.next()`` then takes one after another."""
        self._feed.load(hard, seeds, self.pythia.rndm)

    def next_event(self, hard: HardEvents, seed: int) -> bool:
        """Shower one event, which is then in ``pythia.event``; False if Pythia rejects or vetoes it."""
        self.load(hard, [seed])
        return bool(self.pythia.next()) and self.factor() != 0

    def factor(self) -> float:
        """What merging or enhanced splittings multiply the weight of the last event with."""
        return self._vetoes.factor()

    def unmoved(self, hard: HardEvents) -> bool:
        """Whether the hard process of the last event is that of the file, see :meth:`run`."""
        return bool(self._explained(self.pythia.infoPython().mHat(), hard, 0))

    @property
    def weight_names(self) -> tuple[str, ...]:
        """Those of SHOWER_WEIGHTS that the settings have switched on, in their order."""
        known = {name.lower() for name in self.pythia.infoPython().weightNameVector()}
        return tuple(name for name in SHOWER_WEIGHTS if name in known)

    def weights(self, batch: ak.Array) -> NDArray[np.float64]:
        """Shower weights relative to the nominal one, in the order of ``weight_names`` [n_events, n_weights].

        A rejected event has 1 everywhere.
        """
        names = [name.lower() for name in self.pythia.infoPython().weightNameVector()]
        rows = ak.to_numpy(ak.pad_none(ak.fill_none(batch.info.weights, [], axis=0), len(names), axis=1))
        values = np.ma.filled(rows, 1.0).astype(np.float64)
        return values[:, [names.index(name) for name in self.weight_names]] / values[:, :1]

    def _unmoved(self, batch: ak.Array, hard: HardEvents) -> NDArray[np.bool_]:
        """Whether the hard process of each event is that of the file; None counts as such [n_events]."""
        found: NDArray[np.float64] = ak.to_numpy(ak.fill_none(batch.info.mHat, np.nan))
        unmoved: NDArray[np.bool_] = np.isnan(found) | _near(found, _masses(hard))
        for index in np.flatnonzero(~unmoved).tolist():
            unmoved[index] = self._explained(found[index], hard, index)
        return unmoved

    def _explained(self, found: float, hard: HardEvents, index: int) -> bool:
        """Whether the mass of a hard process is that of the file, or lies between it and what put-back masses make it.

        Pythia gives quarks and leptons whose mass in the file is too far from theirs (``LesHouches:setQuarkMass``,
        ``setLeptonMass``) their own. Mostly another particle recoils, which keeps the total. Where none can, the energy
        grows to E = sqrt(p^2 + m^2).
        """
        expected = _masses(hard)[index]
        if _near(found, expected):
            return True
        rows = hard.event(index)
        final = rows[rows["status"] == 1]
        data = self.pythia.particleData
        known = np.array([data.m0(int(identity)) for identity in final["id"]])
        kind = np.abs(final["id"])
        light = ((kind <= 5) & (np.abs(final["m"] - known) > 0.5 * known)) | (
            np.isin(kind, (11, 13, 15)) & (np.abs(final["m"] - known) > 0.1 * known)
        )
        masses = [_total_mass(final, mass) for mass in (final["m"], np.where(light, known, final["m"]))]
        grown = expected + max(masses[1] - masses[0], 0.0)
        return bool((1 - _PRECISION) * expected < found < (1 + _PRECISION) * grown)

    def _batch(self, hard: HardEvents, seeds: Sequence[int], *, final: bool) -> ak.Array:
        self.load(hard, seeds)
        batch = self._final_states(len(hard)) if final and lies_as_known() else self._whole_events(len(hard))
        self.factors = self._vetoes.factors(batch)
        # An event of weight 0 is left as it was before its shower.
        return batch if (self.factors != 0).all() else ak.mask(batch, self.factors != 0)

    def _final_states(self, n_events: int) -> ak.Array:
        found, event = FinalStates(), self.pythia.event
        for _ in range(n_events):
            if self.pythia.next():
                found.add(event, self.pythia.infoPython())
            else:
                found.add_missing()
        return found.array()

    def _whole_events(self, n_events: int) -> ak.Array:
        batch = self.pythia.nextBatch(n_events, "none")
        # Without a single good event the array has no fields at all.
        return batch if "prt" in batch.fields else ak.concatenate([_rejected_event()] * n_events)


@lru_cache(maxsize=1)
def _rejected_event() -> ak.Array:
    """One missing event, with the type of Pythia's events."""
    pythia = configure(("Print:quiet=on", "ProcessLevel:all=off", "HadronLevel:all=off"))
    pythia.init()
    pythia.event.reset()
    return ak.mask(pythia.nextBatch(1, "none"), [False])


def _masses(hard: HardEvents) -> NDArray[np.float64]:
    """Invariant masses of the incoming partons, GeV [n_events]."""
    incoming = hard.particles["status"] == -1
    event = parents_of(np.diff(hard.offsets))[incoming]
    energy, *momentum = (
        np.bincount(event, hard.particles[name][incoming], minlength=len(hard)) for name in ("e", "px", "py", "pz")
    )
    return mass_of(energy, np.sqrt(sum(component**2 for component in momentum)))


def _near(found: ArrayLike, expected: ArrayLike) -> NDArray[np.bool_]:
    return np.asarray(np.abs(np.subtract(found, expected)) < _PRECISION * np.asarray(expected))


def _total_mass(rows: NDArray[np.void], masses: NDArray[np.float64]) -> float:
    """Invariant mass of particles that keep their momenta and get these masses, GeV."""
    momentum = np.stack([rows["px"], rows["py"], rows["pz"]])
    energy = np.sqrt((momentum**2).sum(axis=0) + masses**2).sum()
    return float(np.sqrt(max(energy**2 - (momentum.sum(axis=1) ** 2).sum(), 0.0)))
