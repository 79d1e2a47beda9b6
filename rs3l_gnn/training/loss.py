"""What a loss on views is. No torch in here, so that configurations parse quickly."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from rs3l_gnn.conventions import BaseConfig

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Loss"]


class Loss(BaseConfig):
    """Loss on the views of events. Each loss derives its settings from this class, and says how it is computed."""

    name: str

    needs_labels: ClassVar[bool] = False
    """Whether the loss looks at the classes of the events."""

    @abstractmethod
    def compute(self, z: Tensor, label: Tensor, n_views: int, weight: Tensor | None = None) -> Tensor:
        """The loss, a scalar.

        Args:
            z: embeddings, the views of an event side by side [n_events * n_views, dim].
            label: class of each event, -1 for none; only with ``needs_labels`` those of all processes [n_events].
            n_views: views of each event.
            weight: of each event; None counts every event once [n_events].
        """
