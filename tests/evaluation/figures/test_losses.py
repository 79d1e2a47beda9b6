"""Histories of trainings on paper."""

from pathlib import Path

import numpy as np
import pytest

from rs3l_gnn.conventions import InputFileError
from rs3l_gnn.evaluation.figures.losses import draw_losses, read_history

from .conftest import panels


def test_epochs_and_losses_are_those_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    path.write_text("epoch,loss,val_loss\n1,2.0,2.1\n2,1.5,\n3,1.2,1.6\n")
    np.testing.assert_array_equal(read_history(path)["val_loss"], [2.1, np.nan, 1.6])
    (axes,) = panels(draw_losses({"first": path}))
    training, validation = axes.get_lines()
    assert training.get_xydata().tolist() == [[1, 2], [2, 1.5], [3, 1.2]]
    np.testing.assert_array_equal(validation.get_ydata(), [2.1, np.nan, 1.6])
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Epoch", "Loss")
    assert len(panels(draw_losses({"first": path, "second": path}))) == 2


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("epoch,loss\n1,2\n")
    with pytest.raises(InputFileError, match="not the history of a training; got .*val_loss"):
        read_history(tmp_path / "a.csv")
