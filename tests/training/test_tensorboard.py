"""TensorBoard files: the numbers of the history, readable with TensorBoard's own reader."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rs3l_gnn.training import PretrainConfig, pretrain

pytest.importorskip("tensorboard", reason="the package tensorboard is not installed")

pytestmark = pytest.mark.filterwarnings(
    # TensorBoard's generated code and its reader, of which nothing is ours.
    "ignore::DeprecationWarning:tensorboard.*",
    "ignore::DeprecationWarning:google.*",
    "ignore::DeprecationWarning:torch.utils.tensorboard.*",
)


def test_scalars_are_those_of_the_history(pretrain_config: Callable[..., PretrainConfig], tmp_path: Path) -> None:
    history: list[dict[str, Any]] = pretrain(pretrain_config(tensorboard=True, epochs=3), tmp_path / "out").history
    accumulator = importlib.import_module("tensorboard.backend.event_processing.event_accumulator")
    reader = accumulator.EventAccumulator(str(tmp_path / "out" / "tensorboard"))
    reader.Reload()
    for name in ("loss", "val_loss", "alignment", "effective_rank"):
        scalars = reader.Scalars(name)
        assert [event.step for event in scalars] == sorted({event.step for event in scalars})
        assert [event.value for event in scalars] == pytest.approx([row[name] for row in history], rel=1e-6)
