"""The step that pre-training and fine-tuning share: a loss that must be finite, Adam, the schedule."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor, nn

from rs3l_gnn.conventions import TrainingError
from rs3l_gnn.training.config import OptimizerConfig
from rs3l_gnn.training.schedule import learning_rate

__all__ = ["StepModule"]


class StepModule(pl.LightningModule, ABC):
    """Base of the trainings.

    A subclass gives :meth:`batch_loss`, :meth:`validate_batch` and :meth:`validation_metrics`.

    Args:
        optimizer: learning rate and the like.
        epochs: length of the training.
        batches: batches in an epoch.

    Attributes:
        metrics: numbers of the latest epoch, in the order of the history's columns.
        time: share of the training that is done, from 0 to 1.
        blind_loss: validation loss of a network to which all jets look alike; None before it is known.
        learning_column: metric that is compared with it.
        scan: rate and loss of each step, where the rate of the first parameter group comes from outside; None follows
            the schedule.
    """

    def __init__(self, optimizer: OptimizerConfig, epochs: int, batches: int) -> None:
        super().__init__()
        self.metrics: dict[str, float | None] = {}
        self.time = 0.0
        self.blind_loss: float | None = None
        self.learning_column = "val_loss"
        self.scan: list[tuple[float, float]] | None = None
        self._optimizer, self._epochs, self._batches = optimizer, epochs, batches
        self._losses: list[Tensor] = []
        self._validated: dict[str, float | None] = {}

    @property
    def gradient_clip(self) -> float | None:
        """Largest norm of the gradient, None for no limit."""
        return self._optimizer.gradient_clip

    @abstractmethod
    def batch_loss(self, batch: Any) -> Tensor:
        """Loss of a training batch, a scalar."""

    @abstractmethod
    def validate_batch(self, batch: Any) -> None:
        """Keep what the metrics need of a validation batch."""

    @abstractmethod
    def validation_metrics(self) -> dict[str, float | None]:
        """Metrics of all validation batches, among them ``val_loss``; forgets them."""

    def parameter_groups(self) -> list[tuple[float, list[nn.Parameter]]]:
        """Parameters with their learning rate relative to the schedule."""
        return [(1.0, list(self.parameters()))]

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW, which is Adam where the weight decay is 0."""
        groups = [
            {"params": parameters, "factor": factor, "lr": factor * self._optimizer.learning_rate}
            for factor, parameters in self.parameter_groups()
        ]
        return torch.optim.AdamW(groups, weight_decay=self._optimizer.weight_decay)

    def on_train_epoch_start(self) -> None:
        """Forget the losses of the epoch before."""
        self._losses = []
        self.log("learning_rate", learning_rate(self._optimizer, float(self.current_epoch), self._epochs))

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Set the learning rate, a function of time alone."""
        del batch
        epoch = self.current_epoch + batch_idx / self._batches
        self.time = epoch / self._epochs
        groups = self.trainer.optimizers[0].param_groups
        rate = learning_rate(self._optimizer, epoch, self._epochs) if self.scan is None else groups[0]["lr"]
        for group in groups:
            group["lr"] = rate * group["factor"]

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        """One loss.

        Raises:
            TrainingError: it is not finite.
        """
        loss = self.batch_loss(batch)
        if self.scan is not None:
            self.scan.append((self.trainer.optimizers[0].param_groups[0]["lr"], loss.item()))
        elif not bool(torch.isfinite(loss)):
            raise TrainingError(
                f"the loss of batch {batch_idx} in epoch {self.current_epoch + 1} is not finite",
                got=loss.item(),
                hint="lower optimizer.learning_rate or set optimizer.gradient_clip; the last good epoch is kept",
            )
        self._losses.append(loss.detach())
        self.log("step_loss", loss.detach())
        # Callbacks see the mean at the end of the epoch; the history has it in double precision.
        self.log("loss", loss.detach(), on_step=False, on_epoch=True, sync_dist=True, batch_size=1)
        return loss

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        """Hand a batch to the subclass."""
        del batch_idx
        self.validate_batch(batch)

    def on_validation_epoch_end(self) -> None:
        """Collect and log the numbers of the validation."""
        self._validated = self.validation_metrics()
        # All processes have the same numbers, so that their mean changes nothing.
        known = {name: value for name, value in self._validated.items() if value is not None}
        self.log_dict(known, sync_dist=True)

    def on_train_epoch_end(self) -> None:
        """Collect the numbers of the epoch, in double precision."""
        rate = learning_rate(self._optimizer, float(self.current_epoch), self._epochs)
        # Each process has the mean over its own share of the batches, or over all of them; the shares are equal.
        loss = self.trainer.strategy.reduce(torch.stack(self._losses).double().mean(), reduce_op="mean")
        self.metrics = {"learning_rate": rate, "loss": float(loss), **self._validated}
