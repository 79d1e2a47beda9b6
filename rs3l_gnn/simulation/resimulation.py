"""Views of hard events that share more than their hard partons.

Three points to start from: the hard partons (each view has a shower of its own), the showered partons (each view has
a hadronisation of its own), the particles (each view has a detector response of its own).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import awkward as ak
import numpy as np
import pythia8mc

from rs3l_gnn.simulation.final_states import FinalStates
from rs3l_gnn.simulation.hard_events import HardEvents
from rs3l_gnn.simulation.settings import configure, started
from rs3l_gnn.simulation.shower import Shower

__all__ = ["Hadronisation", "shower_partons"]

_NO_PROCESS = ("ProcessLevel:all=off", "PartonLevel:FSRinResonances=off")


def shower_partons(shower: Shower, hard: HardEvents, seeds: Sequence[int]) -> list[Any]:
    """Parton showers without hadronisation.

    Args:
        shower: its settings must have ``HadronLevel:all=off``.
        hard: the hard events.
        seeds: a seed for each.

    Returns:
        Pythia's event records, None for an event that Pythia rejects or vetoes; ``shower.factors`` is set as by a run.
    """
    found, factors = [], []
    for index, seed in enumerate(seeds):
        event = hard.part(index, index + 1)
        accepted = shower.next_event(event, seed)
        factors.append(shower.factor())
        found.append(pythia8mc.Event(shower.pythia.event) if accepted and shower.unmoved(event) else None)
    shower.factors = np.array(factors)
    return found


@contextmanager
def _slha_settings(slha: str) -> Iterator[tuple[str, ...]]:
    """Settings that read an SLHA text, as long as the block lasts; without hard events it must come from a file."""
    if not slha:
        yield ()
        return
    with tempfile.NamedTemporaryFile("w", suffix=".slha") as file:
        file.write(slha)
        file.flush()
        yield (f"SLHA:file={file.name}", "SLHA:readFrom=2")


class Hadronisation:
    """Hadronisation and decays of given partons.

    Args:
        settings: Pythia settings, the later ones win; what acts before the hadronisation has no effect.
        slha: text of the hard events' ``<slha>`` block.

    Raises:
        SimulationError: Pythia refuses a setting or does not start.
    """

    def __init__(self, settings: Sequence[str], slha: str = "") -> None:
        with _slha_settings(slha) as particles:
            all_settings = ("SLHA:verbose=0", *particles, *settings, *_NO_PROCESS)
            self._pythia = configure(all_settings)
            started(self._pythia, f"settings {', '.join(settings)}")

    def run(self, partons: Sequence[Any], seeds: Sequence[int]) -> ak.Array:
        """Hadronise events.

        Args:
            partons: as :func:`shower_partons` gives them, whose shower must still be there; they are not changed.
            seeds: a seed for each.

        Returns:
            The particles that remain, as :meth:`rs3l_gnn.simulation.shower.Shower.run` gives them; None for an event
            that has no partons or that Pythia cannot hadronise.
        """
        found = FinalStates()
        for event, seed in zip(partons, seeds, strict=True):
            if event is not None and self._hadronise(event, seed):
                found.add(self._pythia.event)
            else:
                found.add_missing()
        return found.array()

    def _hadronise(self, event: Any, seed: int) -> bool:
        self._pythia.event = event
        # The event brings the particle data of the instance that made it, and with it that instance's random numbers.
        record = self._pythia.event
        record.init("", self._pythia.particleData)
        record.restorePtrs()
        self._pythia.rndm.init(seed)
        # False: the junctions of the event are known and must not be looked for again.
        return bool(self._pythia.forceHadronLevel(False))
