"""Speed of the simulation chain against bare Pythia, on the same hard events with the same settings and seeds.

The reference is a loop over ``pythia.next()`` that throws the events away. The chain adds: the conversion to arrays,
the detector response, jets, soft drop, N2, labels, and the written ROOT file. Both run in turns and in one thread, and
processor time is counted, so that other work on the machine disturbs little.

Two cores of a machine share caches, memory and power, so even two programs that have nothing to do with each other are
not twice as fast as one. The gain of several processes is therefore measured for bare Pythia as well.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rs3l_gnn.benchmarks.memory import peak_mb
from rs3l_gnn.conventions import NOMINAL, Stage, pythia_seed
from rs3l_gnn.simulation import HardEvents, SampleConfig, SimulationConfig, get_process

if TYPE_CHECKING:
    from rs3l_gnn.simulation.chunks import Chunk

__all__ = ["benchmark_simulation", "table"]

_SEED = 1
_TASK = 50  # hard events
_TASKS = 12  # of each process
_TURNS = 2
_OWN = {
    "alphaSUp": ["TimeShower:alphaSvalue=0.130"],
    "alphaSDown": ["TimeShower:alphaSvalue=0.106"],
    "initialUp": ["SpaceShower:alphaSvalue=0.130"],
    "initialDown": ["SpaceShower:alphaSvalue=0.106"],
    "fragmentationUp": ["StringZ:aLund=0.80"],
}
"""Variations as a user's YAML has them, on top of nominal."""
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
        something on a machine with that many idle cores only), ``reference_scaling`` (the same for bare Pythia: what
        the machine gives), ``scaling_over_reference``, ``load_average`` (of the machine, before the start),
        ``own_variations`` and ``fraction_with_own_variations`` (the same ratio for nominal and these, against bare
        Pythia with the settings of each), ``v0_decays`` (whether particles decay in flight),
        ``peak_memory_mb`` (of the largest process).
    """
    from rs3l_gnn.simulation.generate import generate_hard_events

    load = os.getloadavg()[0]
    config = SimulationConfig(
        samples={process: SampleConfig(process=process, events=events)}, variations=("nominal",), shower_weights="none"
    )
    hard = generate_hard_events(
        get_process(process), events, sample=process, seed=_SEED, pt_hat_min=430.0, energy=config.energy
    )
    with tempfile.TemporaryDirectory() as folder:
        reference, chain = [], []
        own = _with_own_variations(config)
        half = hard.part(0, max(events // 2, 1))
        with_own = []
        _chain(hard.part(0, 5), own, process, Path(folder))  # everything is loaded and started once
        for _ in range(rounds):
            reference.append(_bare(hard, config, process))
            chain.append(_chain(hard, config, process, Path(folder)))
            with_own.append(_bare(half, own, process) / _chain(half, own, process, Path(folder)))
        scaling, reference_scaling = (
            _scaling(hard, config, process, workers, Path(folder)) if workers > 1 else (None, None)
        )
    numbers = {
        "process": process,
        "events": events,
        "rounds": rounds,
        "reference_events_per_second": events / statistics.median(reference),
        "events_per_second": events / statistics.median(chain),
        "fraction_of_reference": statistics.median(r / c for r, c in zip(reference, chain, strict=True)),
        "own_variations": list(_OWN),
        "fraction_with_own_variations": statistics.median(with_own),
        "v0_decays": config.detector.v0_decays,
        "workers": workers,
        "cores": os.cpu_count(),
        "scaling": scaling,
        "reference_scaling": reference_scaling,
        "scaling_over_reference": scaling / reference_scaling if scaling and reference_scaling else None,
        "load_average": load,
        "peak_memory_mb": peak_mb(children=True),
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
        (
            f"the same with {len(numbers['own_variations'])} variations of one's own",
            f"{numbers['fraction_with_own_variations']:.3f}",
        ),
        ("largest memory of a process, MB", f"{numbers['peak_memory_mb']:.0f}"),
        ("load of the machine before the start", f"{numbers['load_average']:.1f} on {numbers['cores']} cores"),
    ]
    if numbers["scaling"] is not None:
        rows[4:4] = [
            (f"{numbers['workers']} processes over one", f"{numbers['scaling']:.2f}"),
            ("the same for bare Pythia", f"{numbers['reference_scaling']:.2f}"),
        ]
    width = max(len(name) for name, _ in rows)
    title = f"{numbers['process']}: {numbers['rounds']} rounds of {numbers['events']} events"
    return [title, *(f"  {name:<{width}}  {value}" for name, value in rows)]


def _with_own_variations(config: SimulationConfig) -> SimulationConfig:
    document = config.model_dump(mode="json")
    own = {name: {"settings": settings} for name, settings in _OWN.items()}
    return SimulationConfig.model_validate({**document, "variations": own})


def _bare(hard: HardEvents, config: SimulationConfig, sample: str) -> float:
    from rs3l_gnn.simulation.chunks import Chunk

    start = time.process_time()
    startup = _only_shower(Chunk(sample, 0, 0, hard, config.selected, (), config, {}, Path()))
    return time.process_time() - start - startup


def _only_shower(chunk: Chunk) -> float:
    """Loops over ``pythia.next()``; gives the processor time of what comes before them, in seconds."""
    from rs3l_gnn.simulation.chunks import shower_of

    startup = 0.0
    for variation in chunk.variations:
        start = time.process_time()
        shower = shower_of(chunk, variation)
        numbers = chunk.numbers
        seeds = [pythia_seed(chunk.config.seed, chunk.sample, n, variation.vartype, Stage.SHOWER) for n in numbers]
        shower.load(chunk.hard, seeds)
        startup += time.process_time() - start
        for _ in range(len(chunk.hard)):
            shower.pythia.next()
    return startup


def _chain(hard: HardEvents, config: SimulationConfig, sample: str, folder: Path) -> float:
    from rs3l_gnn.simulation.chunks import Chunk, run_chunk

    start = time.process_time()
    for first in range(0, len(hard), config.chunk_size):
        part = hard.part(first, min(first + config.chunk_size, len(hard)))
        run_chunk(Chunk(sample, first, first, part, config.selected, (), config, {}, folder))
    return time.process_time() - start


def _scaling(
    hard: HardEvents, config: SimulationConfig, sample: str, workers: int, folder: Path
) -> tuple[float, float]:
    """Rate of several processes over that of one, for the chain and for bare Pythia, in turns."""
    from rs3l_gnn.simulation.chunks import Chunk
    from rs3l_gnn.simulation.workers import run_chunks

    parts = [hard.part(first, min(first + _TASK, len(hard))) for first in range(0, len(hard), _TASK)]

    def chunks(number: int) -> list[Chunk]:
        # The same events several times: enough work for every process, whatever the number of events.
        return [
            Chunk(sample, n, n * _TASK, parts[n % len(parts)], (NOMINAL,), (), config, {}, folder)
            for n in range(_TASKS * number)
        ]

    chain, bare = [], []
    for _ in range(_TURNS):
        chain.append(_rate(run_chunks(chunks(workers), workers), workers) / _rate(run_chunks(chunks(1), 1), 1))
        bare.append(_rate(_shower_on(chunks(workers), workers), workers) / _rate(_shower_on(chunks(1), 1), 1))
    return statistics.median(chain), statistics.median(bare)


def _rate(results: Iterable[object], processes: int) -> float:
    """Tasks per second while all processes are busy: after the first task of each, before the last of each."""
    done = [time.perf_counter() for _ in results]
    return (len(done) - 2 * processes + 1) / (done[len(done) - processes] - done[processes - 1])


def _shower_on(chunks: list[Chunk], processes: int) -> Iterator[float]:
    if processes == 1:
        yield from map(_only_shower, chunks)
        return
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        for future in as_completed([pool.submit(_only_shower, chunk) for chunk in chunks]):
            yield future.result()
