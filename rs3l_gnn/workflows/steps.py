"""Steps of a study: one call of one verb each, one after the other or several at once."""

from __future__ import annotations

import fnmatch
import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import Any

from rs3l_gnn.conventions import BaseConfig, ConfigError, Rs3lError
from rs3l_gnn.conventions.processes import GOES_ON, threads_of_workers, worker_pool

__all__ = ["VERBS", "Step", "needs_of", "run_steps", "waves"]

_log = logging.getLogger(__name__)

# Imported by the process that calls it: torch, Pythia and coffea need seconds each.
_RUN: Mapping[str, tuple[str, str]] = {
    "simulate": ("rs3l_gnn.simulation", "simulate"),
    "pair": ("rs3l_gnn.data", "pair"),
    "pretrain": ("rs3l_gnn.training", "pretrain"),
    "finetune": ("rs3l_gnn.training", "finetune"),
    "evaluate": ("rs3l_gnn.evaluation", "evaluate"),
    "analyze": ("rs3l_gnn.processors", "analyze"),
    "fit": ("rs3l_gnn.fits", "fit_or_compare"),
}
VERBS = tuple(_RUN)
"""What a step may call, in the order in which a study does it: a step reads outputs of earlier verbs, and of steps
before it."""

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
        room, name = _RUN[self.verb]
        getattr(import_module(room), name)(self.config, self.output, force=force)
        return time.monotonic() - start


def run_steps(steps: Sequence[Step], *, replace: Sequence[Step] = (), workers: int = 1) -> Iterator[tuple[Step, float]]:
    """Run steps in the working directory, and give each with its seconds when it has finished.

    Args:
        steps: in the order of :data:`VERBS`.
        replace: those of them whose output exists and is to be replaced.
        workers: steps at once, which share the cores; but for trainings and evaluations, one at a time.

    Raises:
        Rs3lError: whatever a step raises, after those that run beside it have finished, or a killed worker.
    """
    order = list(waves(steps))
    if workers == 1:
        finished = _in_turn([step for wave in order for step in wave], replace)
    else:
        finished = _at_once(steps, replace, workers)
    for done, (step, seconds) in enumerate(finished, start=1):
        _log.info("step %d of %d: %s took %.0f s", done, len(steps), step.key, seconds)
        yield step, seconds


def waves(steps: Sequence[Step]) -> Iterator[list[Step]]:
    """The steps, those that read outputs of others after these: teachers before who learns from them.

    Raises:
        ConfigError: steps read the outputs of each other.
    """
    needs = needs_of(steps)
    waiting = list(steps)
    while waiting:
        ready = _ready(waiting, waiting, needs)
        if not ready:
            raise ConfigError(
                "steps of the study read the outputs of each other", got=", ".join(sorted(step.key for step in waiting))
            )
        yield ready
        waiting = [step for step in waiting if step not in ready]


def _ready(waiting: Sequence[Step], unfinished: Sequence[Step], needs: Mapping[str, set[str]]) -> list[Step]:
    """Those that wait for no step that is not finished."""
    keys = {step.key for step in unfinished}
    return [step for step in waiting if not needs[step.key] & keys]


def needs_of(steps: Sequence[Step]) -> dict[str, set[str]]:
    """Keys of the steps whose outputs each step reads.

    A step of which that cannot be seen, since its files have other names than outputs here, needs all of earlier verbs.
    """
    needs = {}
    for step in steps:
        earlier = [other for other in steps if VERBS.index(other.verb) < VERBS.index(step.verb)]
        beside = [other for other in steps if other.verb == step.verb and other is not step]
        names = _names(step)
        named = {other.key for other in earlier if other.verb in names} | {
            other.key for other in (*earlier, *beside) for name in names if _is_output(other, name)
        }
        needs[step.key] = named if any(other.key in named for other in earlier) else {o.key for o in earlier} | named
    return needs


def _is_output(step: Step, name: str) -> bool:
    return any(fnmatch.fnmatchcase(output, name) for output in (step.key, str(step.output)))


def _names(step: Step) -> set[str]:
    """The first two parts of each path in the settings of a step that begins with a verb; a part may be a pattern."""
    names = set()
    found: list[Any] = [step.config.model_dump(mode="json")]
    while found:
        value = found.pop()
        if isinstance(value, dict):
            found += value.values()
        elif isinstance(value, list | tuple):
            found += value
        elif isinstance(value, str) and (parts := PurePosixPath(value).parts[:2]) and parts[0] in VERBS:
            names.add("/".join(parts))
    return names


def _in_turn(steps: Sequence[Step], replace: Sequence[Step]) -> Iterator[tuple[Step, float]]:
    for step in steps:
        _log.info("%s", step.key)
        yield step, step.run(force=step in replace)


def _at_once(steps: Sequence[Step], replace: Sequence[Step], workers: int) -> Iterator[tuple[Step, float]]:
    """Each step as soon as those that it needs are finished: one here, trainings in a pool beside it."""
    needs = needs_of(steps)
    waiting, running = list(steps), dict[Future[float], Step]()
    threads = max((os.cpu_count() or 1) // workers, 1)
    pool: ProcessPoolExecutor | None = None
    with ExitStack() as stack:
        while waiting or running:
            ready = _ready(waiting, [*waiting, *running.values()], needs)
            here = next((step for step in ready if step.verb not in _SIDE_BY_SIDE), ready[0] if ready else None)
            for step in ready:
                if step is here or step.verb not in _SIDE_BY_SIDE:
                    continue
                if pool is None:
                    stack.enter_context(threads_of_workers(threads))
                    pool = stack.enter_context(worker_pool(workers - 1))
                    stack.callback(pool.shutdown, cancel_futures=True)
                _log.info("%s", step.key)
                running[pool.submit(_run_step, (step, step in replace))] = step
                waiting.remove(step)
            if here is not None:
                waiting.remove(here)
            elif taken := next((future for future in running if future.cancel()), None):  # it has not begun
                here = running.pop(taken)
            if here is not None:
                yield from _in_turn([here], replace)
            else:
                wait(running, return_when=FIRST_COMPLETED)
            for future in [future for future in running if future.done()]:
                yield running.pop(future), _seconds(future)


def _seconds(future: Future[float]) -> float:
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise Rs3lError("a worker process was killed", hint=GOES_ON) from error


def _run_step(call: tuple[Step, bool]) -> float:
    step, force = call
    return step.run(force=force)
