"""Steps of a study: one call of one verb each, one after the other or several at once."""

from __future__ import annotations

import itertools
import logging
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from rs3l_gnn.conventions import BaseConfig, Rs3lError
from rs3l_gnn.data import pair
from rs3l_gnn.evaluation import evaluate
from rs3l_gnn.fits import fit
from rs3l_gnn.processors import analyze
from rs3l_gnn.simulation import simulate
from rs3l_gnn.training import finetune, pretrain

__all__ = ["VERBS", "Step", "run_steps"]

_log = logging.getLogger(__name__)

_RUN: Mapping[str, Callable[..., object]] = {
    "simulate": simulate,
    "pair": pair,
    "pretrain": pretrain,
    "finetune": finetune,
    "evaluate": evaluate,
    "analyze": analyze,
    "fit": fit,
}
VERBS = tuple(_RUN)
"""What a step may call, in the order in which a study does it: a step reads outputs of earlier verbs alone."""

# The others have processes of their own, or are short.
_SIDE_BY_SIDE = ("pretrain", "finetune", "evaluate")


@dataclass(frozen=True)
class Step:
    """One call of one verb.

    Attributes:
        verb: which.
        name: of the step, with the seed if it is a training.
        config: settings of the verb.
    """

    verb: str
    name: str
    config: BaseConfig

    @property
    def key(self) -> str:
        """``<verb>/<name>``."""
        return f"{self.verb}/{self.name}"

    @property
    def output(self) -> Path:
        """File or folder, relative to that of the study."""
        return Path(f"{self.key}.h5" if self.verb == "pair" else self.key)

    def run(self, *, force: bool = False) -> float:
        """Call the verb in the working directory and give the seconds that it took."""
        start = time.monotonic()
        _RUN[self.verb](self.config, self.output, force=force)
        return time.monotonic() - start


def run_steps(steps: Sequence[Step], *, replace: Sequence[Step] = (), workers: int = 1) -> Iterator[tuple[Step, float]]:
    """Run steps in the working directory, and give each with its seconds when it has finished.

    Args:
        steps: in the order of :data:`VERBS`.
        replace: those of them whose output exists and is to be replaced.
        workers: trainings and evaluations at once, which share the cores; every other step runs alone.

    Raises:
        Rs3lError: whatever a step raises, after those that run beside it have finished, or a killed worker.
    """
    done = 0
    for verb, group in itertools.groupby(steps, key=lambda step: step.verb):
        together = list(group)
        several = verb in _SIDE_BY_SIDE and min(workers, len(together)) > 1
        for step, seconds in _at_once(together, replace, workers) if several else _in_turn(together, replace):
            done += 1
            _log.info("step %d of %d: %s took %.0f s", done, len(steps), step.key, seconds)
            yield step, seconds


def _in_turn(steps: Sequence[Step], replace: Sequence[Step]) -> Iterator[tuple[Step, float]]:
    for step in steps:
        _log.info("%s", step.key)
        yield step, step.run(force=step in replace)


def _at_once(steps: Sequence[Step], replace: Sequence[Step], workers: int) -> Iterator[tuple[Step, float]]:
    # Spawned, not forked: this process may hold threads.
    context = multiprocessing.get_context("spawn")
    threads = max((os.cpu_count() or 1) // workers, 1)
    _log.info("%d steps, %d at once", len(steps), workers)
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_begin_worker, initargs=(threads,)) as pool:
        futures = {pool.submit(step.run, force=step in replace): step for step in steps}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenProcessPool as error:
            raise Rs3lError(
                "a worker process was killed", hint="run the same command again, it goes on where it stopped"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


def _begin_worker(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A worker whose parent was killed would go on and meet the next run in the same folder."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
