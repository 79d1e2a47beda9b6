"""What a penalty on the scores of a tagger is. No torch in here, so that configurations parse quickly."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from rs3l_gnn.conventions import BaseConfig
from rs3l_gnn.data import ViewDraw, Views

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["BoundPenalty", "Means", "Penalty", "ScoredJets"]


@dataclass(frozen=True)
class ScoredJets:
    """Scores of the jets of a batch, the views of an event side by side.

    Attributes:
        logits: [n_jets], or [n_jets, n_classes] for three or more classes.
        target: class of each jet [n_jets].
        weight: its generator weight; 0 for a view that has lost its class [n_jets].
        n_views: views of each event.
    """

    logits: Tensor
    target: Tensor
    weight: Tensor
    n_views: int


@dataclass(frozen=True)
class Means:
    """Numbers whose squares are to become small, as a batch sees them.

    Attributes:
        values: with the noise of the few jets of a batch [n].
        weights: how much the square of each counts; 0 where the batch says nothing. No gradients [n].
    """

    values: Tensor
    weights: Tensor


@dataclass(frozen=True)
class BoundPenalty:
    """A penalty that knows the views it is taken on.

    Attributes:
        columns: what it must know of each view of the source [n_jets, n_columns].
        compute: from the scores of a batch and its rows of ``columns``: the penalty, a scalar, or the numbers whose
            weighted squares it is. These are squared with the help of the batches before, see
            :class:`~rs3l_gnn.training.memory.MeanMemory`.
        n_means: how many numbers; 0 for a scalar.
    """

    columns: NDArray[np.float32]
    compute: Callable[[ScoredJets, Tensor], Tensor | Means]
    n_means: int = 0


class Penalty(BaseConfig):
    """A part of the loss that a robust tagger keeps small. Each penalty derives its settings from this class."""

    name: str
    weight: float = Field(1.0, ge=0, description="of the penalty, beside the cross entropy, where robustness is 1")
    start: float = Field(0.3, ge=0, le=1, description="share of the training before the penalty begins")
    full: float = Field(0.8, ge=0, le=1, description="share of the training after which it has its whole weight")

    least_views: ClassVar[int] = 1
    """Views of each event that the penalty needs in a batch."""

    @property
    def needs_shower_weights(self) -> bool:
        """Whether the penalty looks at the shower weights of the views."""
        return False

    @abstractmethod
    def bind(self, index: Views, draw: ViewDraw) -> BoundPenalty:
        """The penalty on these views.

        Args:
            index: all views of the source, without particles.
            draw: which of them a batch may hold.

        Raises:
            ConfigError, InvalidDataError: the views lack what the penalty needs.
        """

    def share(self, time: float) -> float:
        """Part of the weight that counts at a moment of the training, from 0 (its start) to 1 (its end)."""
        if time < self.start:
            return 0.0
        return 1.0 if time >= self.full else (time - self.start) / (self.full - self.start)

    @model_validator(mode="after")
    def _rises(self) -> Penalty:
        if self.full < self.start:
            raise ValueError(f"full ({self.full}) comes before start ({self.start})")
        return self
