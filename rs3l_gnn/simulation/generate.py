"""Hard events of Pythia's own processes, with the decays of their resonances."""

from __future__ import annotations

from typing import Any

import numpy as np

from rs3l_gnn.conventions import SimulationError, Stage, pythia_seed
from rs3l_gnn.simulation.hard_events import PARTICLE_TYPE, Beams, HardEvents, LheProcess
from rs3l_gnn.simulation.processes import HardProcess
from rs3l_gnn.simulation.pythia_record import process_rows
from rs3l_gnn.simulation.settings import COMMON, CP5, configure, started

__all__ = ["generate_hard_events"]

_MB_TO_PB = 1e9
_MAX_FAILURES = 100


def generate_hard_events(
    process: HardProcess, n_events: int, *, sample: str, seed: int, pt_hat_min: float, energy: float
) -> HardEvents:
    """Generate unweighted hard events; no shower runs.

    Args:
        process: what to generate.
        n_events: how many.
        sample: name of the sample, part of the random stream.
        seed: run seed.
        pt_hat_min: smallest pT of the hard process, GeV.
        energy: centre-of-mass energy of the proton beams, GeV.

    Returns:
        Events whose incoming partons have status -1, resonances 2, outgoing particles 1, with mothers, colours and
        a scale; the cross-section includes the branching fractions of the forced decays.

    Raises:
        SimulationError: Pythia does not start, or fails again and again.
    """
    # The stream is that of a whole sample, for which event 0 stands: hard events come in one go.
    stream = pythia_seed(seed, sample, 0, -1, Stage.HARD)
    beams = (f"Beams:eCM={energy!r}", f"PhaseSpace:pTHatMin={pt_hat_min!r}", f"Random:seed={stream}")
    pythia = configure((*COMMON, *CP5, *process.settings, *beams, "PartonLevel:all=off"))
    started(pythia, f"process {process.name!r}, pt_hat_min {pt_hat_min}")
    particles: list[tuple[Any, ...]] = []
    offsets = [0]
    heads: list[tuple[float, float, float]] = []
    failures = tried = 0
    while len(heads) < n_events:
        tried += 1
        if not pythia.next():
            failures += 1
            if failures > _MAX_FAILURES:
                raise SimulationError(f"Pythia failed {failures} times to generate {process.name!r}")
            continue
        record, info = pythia.process, pythia.infoPython()
        rows = process_rows(record)
        if not _wanted(rows, process):
            continue
        particles.extend(rows)
        offsets.append(len(particles))
        heads.append((record.scale(), info.alphaEM(), info.alphaS()))
    info = pythia.infoPython()
    fraction = n_events / (tried - failures)
    xsec = info.sigmaGen() * _MB_TO_PB * fraction
    columns = np.array(heads).T
    return HardEvents(
        beams=Beams(2212, 2212, energy / 2, energy / 2),
        processes=(LheProcess(1, xsec, info.sigmaErr() * _MB_TO_PB * fraction, 1.0),),
        strategy=3,
        particles=np.array(particles, dtype=PARTICLE_TYPE),
        offsets=np.array(offsets, dtype=np.int64),
        process=np.ones(n_events, dtype=np.int32),
        weight=np.ones(n_events),
        scale=columns[0],
        alpha_qed=columns[1],
        alpha_qcd=columns[2],
        weight_names=(),
        further_weights=np.zeros((n_events, 0)),
    )


def _wanted(rows: list[tuple[Any, ...]], process: HardProcess) -> bool:
    """Whether exactly one Z of the event goes to the quarks that the process asks for."""
    if process.needs is None:
        return True
    return sum(row[0] in process.needs for row in rows if row[1] == 1) == 1
