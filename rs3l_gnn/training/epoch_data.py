"""Batches of a training as Lightning takes them: another loader in each epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import lightning.pytorch as pl

from rs3l_gnn.training.loader import EpochLoader

__all__ = ["EpochData"]


class EpochData(pl.LightningDataModule):
    """Data of a training; the trainer needs ``reload_dataloaders_every_n_epochs=1``.

    Args:
        train: gives the loader of an epoch.
        validation: gives the loader of the validation data.
        n_jets: views in an epoch, over all processes.
    """

    def __init__(
        self, train: Callable[[int], EpochLoader[Any]], validation: Callable[[], EpochLoader[Any]], n_jets: int
    ) -> None:
        super().__init__()
        self.n_jets = n_jets
        self._train, self._validation = train, validation
        self._current: EpochLoader[Any] | None = None

    def train_dataloader(self) -> Any:
        """Loader of the trainer's epoch."""
        self.close()
        self._current = self._train(self.trainer.current_epoch if self.trainer is not None else 0)
        return self._current

    def val_dataloader(self) -> Any:
        """Loader of the validation data, which is the same in every epoch."""
        return self._validation()

    def close(self) -> None:
        """Stop preparing batches: a thread that still reads would crash in files that are closed."""
        if self._current is not None:
            self._current.close()
