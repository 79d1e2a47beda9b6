"""What happens at the end of an epoch: a row of history, checkpoints, early stopping, progress."""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Checkpoint

from rs3l_gnn.conventions import OutputError, Progress
from rs3l_gnn.training.module import StepModule
from rs3l_gnn.training.recipe_config import RestartConfig
from rs3l_gnn.training.restart import require_learning
from rs3l_gnn.training.sealed import seal

__all__ = ["EpochEnd", "Row", "best_epoch", "has_stopped", "write_rows"]

Row = dict[str, float | None]


class EpochEnd(Checkpoint):
    """Callback of every training; its rows travel inside the checkpoints.

    Args:
        folder: where ``last.ckpt`` and ``best.ckpt`` go, each replaced as a whole.
        n_jets: views in an epoch.
        patience: epochs without a better validation loss before it stops; None never stops.
        bar: shows the progress, in jets.
        restart: when the training counts as failed; None never.

    Attributes:
        rows: one for each epoch that was ever done; the same whether or not the training was interrupted.
        timing: one for each epoch, with seconds and jets per second.
    """

    def __init__(
        self,
        folder: Path,
        n_jets: int,
        patience: int | None,
        bar: Progress | None,
        restart: RestartConfig | None = None,
    ) -> None:
        self.rows: list[Row] = []
        self.timing: list[Row] = []
        self._folder, self._n_jets, self._patience, self._bar = folder, n_jets, patience, bar
        self._restart = restart
        self._start = self._seconds = 0.0
        self._reported = 0

    def state_dict(self) -> dict[str, Any]:
        """Rows, for the checkpoint."""
        return {"rows": self.rows, "timing": self.timing}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the rows of a training that goes on."""
        known = len(self.rows)
        self.rows, self.timing = list(state_dict["rows"]), list(state_dict["timing"])
        if self._bar is not None:
            self._bar.skip((len(self.rows) - known) * self._n_jets)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock."""
        del trainer, pl_module
        self._start, self._reported = time.monotonic(), 0

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Show the progress, and stop the clock of the training proper after the last batch."""
        del pl_module, batch
        self._seconds = time.monotonic() - self._start
        if self._bar is not None:
            self._bar.note = _note(float(outputs["loss"]), self.rows)
            done = round(self._n_jets * (batch_idx + 1) / int(trainer.num_training_batches))
            self._bar.advance(done - self._reported)
            self._reported = done

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Add the row, save the checkpoints, decide whether to stop."""
        if not isinstance(pl_module, StepModule):
            raise TypeError(f"EpochEnd needs a StepModule, got {type(pl_module).__name__}")
        epoch = len(self.rows) + 1
        self.rows.append({"epoch": epoch, **pl_module.metrics})
        if self._restart is not None and _is_asked(self._restart, trainer):
            require_learning(self._restart, self.rows, pl_module)
        self.timing.append(
            {
                "epoch": epoch,
                "seconds": self._seconds,
                "validation_seconds": time.monotonic() - self._start - self._seconds,
                "jets_per_second": self._n_jets / max(self._seconds, 1e-9),
            }
        )
        if best_epoch(self.rows) == len(self.rows) - 1:
            self._save(trainer, "best")
        self._save(trainer, "last")
        if has_stopped(self.rows, self._patience):
            trainer.should_stop = True

    def _save(self, trainer: pl.Trainer, name: str) -> None:
        # Lightning writes to another file system first, so its own replacement is not atomic.
        partial = self._folder / f".{name}.partial"
        try:
            trainer.save_checkpoint(partial)
            if trainer.is_global_zero:
                seal(partial)
                partial.replace(self._folder / f"{name}.ckpt")
        except (OSError, RuntimeError) as error:  # torch reports a full disk as a RuntimeError
            raise OutputError(
                f"cannot write the checkpoint {self._folder / name}.ckpt: {error}", hint="the one before it is whole"
            ) from error


def _note(loss: float, rows: Sequence[Row]) -> str:
    """What a person who waits wants to see: the loss of the batch, and how good the last epoch was."""
    text = f"loss {loss:.3g}"
    for name, shown in (("val_loss", "validation"), ("probe_auc", "probe AUC"), ("val_auc", "AUC")):
        value = rows[-1].get(name) if rows else None
        text += "" if value is None else f", {shown} {value:.4g}"
    return text


def _is_asked(rule: RestartConfig, trainer: pl.Trainer) -> bool:
    """Whether the steps of the rule ended in this epoch, or the training before them."""
    done, is_last = trainer.global_step, trainer.current_epoch + 1 == trainer.max_epochs
    before = done - -(-int(trainer.num_training_batches) // trainer.accumulate_grad_batches)
    return before < rule.after_steps <= done or (is_last and done < rule.after_steps)


def best_epoch(rows: Sequence[Row]) -> int:
    """Index of the row with the smallest validation loss, the first of equals."""
    losses = [_validation_loss(row) for row in rows]
    return losses.index(min(losses))


def has_stopped(rows: Sequence[Row], patience: int | None) -> bool:
    """True if the last ``patience`` epochs brought no better validation loss."""
    return patience is not None and len(rows) > 0 and len(rows) - 1 - best_epoch(rows) >= patience


def _validation_loss(row: Row) -> float:
    loss = row["val_loss"]
    return math.inf if loss is None or math.isnan(loss) else loss


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """Write rows of equal keys as CSV; numbers keep all their digits, None is an empty field."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]) if rows else ["epoch"])
        writer.writeheader()
        writer.writerows(rows)
