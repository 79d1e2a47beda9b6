"""Steps of a study: one call of one verb each, one after the other or several at once."""

from __future__ import annotations

import itertools
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rs3l_gnn.conventions import BaseConfig, ConfigError
from rs3l_gnn.conventions.processes import run_on_processes
from rs3l_gnn.data import pair
from rs3l_gnn.evaluation import evaluate
from rs3l_gnn.fits import fit_or_compare
from rs3l_gnn.processors import analyze
from rs3l_gnn.simulation import simulate
from rs3l_gnn.training import finetune, pretrain

__all__ = ["VERBS", "Step", "run_steps", "waves"]

_log = logging.getLogger(__name__)

_RUN: Mapping[str, Callable[..., object]] = {
    "simulate": simulate,
    "pair": pair,
    "pretrain": pretrain,
    "finetune": finetune,
    "evaluate": evaluate,
    "analyze": analyze,
    "fit": fit_or_compare,
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
        for together in waves(list(group)):
            several = verb in _SIDE_BY_SIDE and min(workers, len(together)) > 1
            for step, seconds in _at_once(together, replace, workers) if several else _in_turn(together, replace):
                done += 1
                _log.info("step %d of %d: %s took %.0f s", done, len(steps), step.key, seconds)
                yield step, seconds


def waves(steps: Sequence[Step]) -> Iterator[list[Step]]:
    """The steps of one verb, those that read outputs of others after these: teachers before who learns from them."""
    waiting = list(steps)
    while waiting:
        outputs = {step.key for step in waiting}
        ready = [step for step in waiting if not _reads(step, outputs - {step.key})]
        if not ready:
            raise ConfigError("steps of the study read the outputs of each other", got=", ".join(sorted(outputs)))
        yield ready
        waiting = [step for step in waiting if step not in ready]


def _reads(step: Step, outputs: set[str]) -> bool:
    """Whether a text in the settings of a step is one of these outputs, or a file in one."""
    found: list[Any] = [step.config.model_dump(mode="json")]
    while found:
        value = found.pop()
        if isinstance(value, dict):
            found += value.values()
        elif isinstance(value, list | tuple):
            found += value
        elif isinstance(value, str) and "/".join(value.split("/")[:2]) in outputs:
            return True
    return False


def _in_turn(steps: Sequence[Step], replace: Sequence[Step]) -> Iterator[tuple[Step, float]]:
    for step in steps:
        _log.info("%s", step.key)
        yield step, step.run(force=step in replace)


def _at_once(steps: Sequence[Step], replace: Sequence[Step], workers: int) -> Iterator[tuple[Step, float]]:
    _log.info("%d steps, %d at once", len(steps), workers)
    threads = max((os.cpu_count() or 1) // workers, 1)
    calls = [(step, step in replace) for step in steps]
    for (step, _), seconds in run_on_processes(_run_step, calls, workers, begin=partial(_limit_threads, threads)):
        yield step, seconds


def _run_step(call: tuple[Step, bool]) -> float:
    step, force = call
    return step.run(force=force)


def _limit_threads(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)
