"""Losses of trainings, epoch by epoch."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import COLOURS, InputFileError
from rs3l_gnn.conventions.inputs import require_file
from rs3l_gnn.conventions.plotting import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_losses", "read_history"]


def draw_losses(histories: Mapping[str, Path]) -> Figure:
    """Training and validation loss, one panel a training.

    Raises:
        InputFileError: a history cannot be read.
    """
    figure = new_figure(height=2.6 * len(histories) + 1.2)
    panels = np.atleast_1d(figure.subplots(len(histories), 1))
    for axes, (name, path) in zip(panels, histories.items(), strict=True):
        columns = read_history(path)
        axes.plot(columns["epoch"], columns["loss"], color=COLOURS[0], marker="o", label="training")
        axes.plot(columns["epoch"], columns["val_loss"], color=COLOURS[2], linestyle="--", label="validation")
        axes.set_ylabel("Loss")
        axes.legend(title=name)
    panels[-1].set_xlabel("Epoch")
    return figure


def read_history(path: Path) -> dict[str, NDArray[np.float64]]:
    """Epoch and both losses of a history.csv [n_epochs]; NaN where a cell is empty.

    Raises:
        InputFileError: missing, or without these columns.
    """
    require_file(path, what="the history")
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        return {name: np.array([float(row[name] or "nan") for row in rows]) for name in ("epoch", "loss", "val_loss")}
    except OSError as error:
        raise InputFileError(f"cannot read the history {path}: {error.strerror}") from error
    except (KeyError, ValueError) as error:
        raise InputFileError(f"{path} is not the history of a training", got=repr(error)) from error
