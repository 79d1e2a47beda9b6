"""Speed of the simulation chain against bare Pythia, on the same hard events with the same settings and seeds.

The reference is a loop over ``pythia.next()`` that throws the events away. The chain adds: the conversion to arrays,
the detector response, jets, soft drop, N2, labels, and the written ROOT file. Both run in turns and in one thread, and
processor time is counted, so that other work on the machine disturbs little.
"""

from __future__ import annotations

import logging
import os
import resource
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from rs3l_gnn.conventions import NOMINAL, Stage, pythia_seed
from rs3l_gnn.simulation import HardEvents, SampleConfig, SimulationConfig, get_process

__all__ = ["benchmark_simulation", "table"]

_SEED = 1
_log = logging.getLogger("rs3l_gnn")


def benchmark_simulation(
    *, events: int = 400, rounds: int = 4, process: str = "hbb", workers: int = 2
) -> dict[str, Any]:
    """Measure the chain, and log the table.

    Args:
        events: hard events of one round; whole chunks, as in a real run.
        rounds: turns of reference and chain.
        process: name of a built-in process.
        workers: processes to compare with one; 1 leaves that part out.

    Returns:
        ``process``, ``events``, ``rounds``, ``reference_events_per_second`` and ``events_per_second`` (of processor
        time), ``fraction_of_reference`` (median over the rounds of the ratio of neighbours), ``workers``, ``cores``,
        ``scaling`` (rate of ``workers`` processes over that of one, by the clock and without their start; it means
        something on a machine with that many idle cores only), ``load_average`` (of the machine, before the start),
        ``peak_memory_mb``.
    """
    from rs3l_gnn.simulation.generate import generate_hard_events

    load = os.getloadavg()[0]
    config = SimulationConfig(
        samples={process: SampleConfig(process=process, events=events)}, variations=("nominal",), shower_weights=False
    )
    hard = generate_hard_events(
        get_process(process), events, sample=process, seed=_SEED, pt_hat_min=430.0, energy=config.energy
    )
    with tempfile.TemporaryDirectory() as folder:
        reference, chain = [], []
        _chain(hard.part(0, 5), config, process, Path(folder))  # everything is loaded and started once
        for _ in range(rounds):
            reference.append(_bare(hard, config, process))
            chain.append(_chain(hard, config, process, Path(folder)))
        scaling = _scaling(hard, config, process, workers, Path(folder)) if workers > 1 else None
    numbers = {
        "process": process,
        "events": events,
        "rounds": rounds,
        "reference_events_per_second": events / statistics.median(reference),
        "events_per_second": events / statistics.median(chain),
        "fraction_of_reference": statistics.median(r / c for r, c in zip(reference, chain, strict=True)),
        "workers": workers,
        "cores": os.cpu_count(),
        "scaling": scaling,
        "load_average": load,
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    for line in table(numbers):
        _log.info(line)
    return numbers


def table(numbers: dict[str, Any]) -> list[str]:
    """The numbers of :func:`benchmark_simulation` as lines for a reader."""
    rows = [
        ("bare Pythia, events per second of processor time", f"{numbers['reference_events_per_second']:.1f}"),
        ("whole chain to files, events per second", f"{numbers['events_per_second']:.1f}"),
        ("chain over bare Pythia", f"{numbers['fraction_of_reference']:.3f}"),
        ("largest memory of a process, MB", f"{numbers['peak_memory_mb']:.0f}"),
        ("load of the machine before the start", f"{numbers['load_average']:.1f} on {numbers['cores']} cores"),
    ]
    if numbers["scaling"] is not None:
        rows.insert(3, (f"{numbers['workers']} processes over one", f"{numbers['scaling']:.2f}"))
    width = max(len(name) for name, _ in rows)
    title = f"{numbers['process']}: {numbers['rounds']} rounds of {numbers['events']} events"
    return [title, *(f"  {name:<{width}}  {value}" for name, value in rows)]


def _bare(hard: HardEvents, config: SimulationConfig, sample: str) -> float:
    from rs3l_gnn.simulation.chunks import Chunk, shower_of

    chunk = Chunk(sample, 0, 0, hard, (NOMINAL,), (), config, {}, Path())
    shower = shower_of(chunk, NOMINAL)
    seeds = [pythia_seed(config.seed, sample, n, NOMINAL.vartype, Stage.SHOWER) for n in chunk.numbers]
    shower.load(hard, seeds)
    start = time.process_time()
    for _ in range(len(hard)):
        shower.pythia.next()
    return time.process_time() - start


def _chain(hard: HardEvents, config: SimulationConfig, sample: str, folder: Path) -> float:
    from rs3l_gnn.simulation.chunks import Chunk, run_chunk

    start = time.process_time()
    for first in range(0, len(hard), config.chunk_size):
        part = hard.part(first, min(first + config.chunk_size, len(hard)))
        run_chunk(Chunk(sample, first, first, part, (NOMINAL,), (), config, {}, folder))
    return time.process_time() - start


def _scaling(hard: HardEvents, config: SimulationConfig, sample: str, workers: int, folder: Path) -> float:
    """Rate of several processes over that of one, once all of them have started."""
    from rs3l_gnn.simulation.chunks import Chunk
    from rs3l_gnn.simulation.workers import run_chunks

    size = 50
    parts = [hard.part(first, min(first + size, len(hard))) for first in range(0, len(hard), size)]
    # The same events several times: enough work for every process, whatever the number of events.
    parts = parts * -(-12 * workers // len(parts))
    chunks = [Chunk(sample, n, n * size, part, (NOMINAL,), (), config, {}, folder) for n, part in enumerate(parts)]
    rates = []
    for number in (1, workers):
        done = [time.perf_counter() for _ in run_chunks(chunks, number)]
        rates.append((len(done) - number) / (done[-1] - done[number - 1]))
    return rates[1] / rates[0]
