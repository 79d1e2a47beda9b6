"""One rule for trainings that learn nothing: they start again with the next seed, and are counted."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from rs3l_gnn.conventions import TrainingError, write_json
from rs3l_gnn.training.module import StepModule
from rs3l_gnn.training.recipe_config import RestartConfig

__all__ = ["StuckTrainingError", "next_seed", "require_learning", "with_restarts"]

_log = logging.getLogger(__name__)
_STEP = 1_000_003  # of the seeds; replicas of a study count 1, 2, 3, and a restart must not become one of them
_FAILED = "failed.json"

Result = TypeVar("Result")


class StuckTrainingError(TrainingError):
    """The validation loss stays where a network to which all jets look alike has it."""


def next_seed(seed: int, failed: int) -> int:
    """Seed of the training after so many failed ones; the configured one for 0."""
    return seed + failed * _STEP


def require_learning(rule: RestartConfig, rows: Sequence[dict[str, float | None]], module: StepModule) -> None:
    """Refuse a training that has learnt nothing in any epoch so far.

    Raises:
        StuckTrainingError: the best loss is not smaller by ``rule.learnt`` than that of a network that sees nothing.
    """
    losses = [loss for row in rows if (loss := row[module.learning_column]) is not None]
    blind = module.blind_loss
    if blind is None or not blind > 0 or not losses:
        return
    if not min(losses) <= (1 - rule.learnt) * blind:
        raise StuckTrainingError(
            f"after {len(rows)} epochs the validation loss is still that of a network to which all jets look alike",
            got=f"{min(losses):.4g}",
            allowed=f"at most {(1 - rule.learnt) * blind:.4g}",
        )


def with_restarts(
    rule: RestartConfig | None, state: Path, seed: int, train: Callable[[int], Result]
) -> tuple[Result, list[dict[str, Any]]]:
    """Train, and again with the next seed where nothing is learnt.

    Args:
        rule: when a training counts as failed; None never.
        state: folder of the checkpoints; it also keeps the list of failed trainings, for one that is interrupted.
        seed: of the first training.
        train: a training with a seed, from the checkpoints in ``state`` if there are any.

    Returns:
        Its result, and a record of each failed training.

    Raises:
        TrainingError: all attempts have failed.
    """
    record = state / _FAILED
    failed: list[dict[str, Any]] = json.loads(record.read_text(encoding="utf-8")) if record.exists() else []
    while True:
        now = next_seed(seed, len(failed))
        try:
            if rule is not None and len(failed) >= rule.attempts:
                raise TrainingError(
                    f"{len(failed)} trainings of {rule.attempts} have learnt nothing",
                    got="; ".join(f"seed {one['seed']}: {one['reason']}" for one in failed),
                    hint="change optimizer.learning_rate or the batch, train longer, or raise trainer.restart.attempts",
                )
            return train(now), failed
        except StuckTrainingError as stuck:
            _log.warning("training with seed %d has failed and starts again with the next one: %s", now, stuck)
            # First the checkpoints: a training that is killed here fails once more and is counted then.
            for checkpoint in state.glob("*.ckpt"):
                checkpoint.unlink()
            failed.append({"seed": now, "reason": str(stuck)})
            write_json(record, failed, force=True)
