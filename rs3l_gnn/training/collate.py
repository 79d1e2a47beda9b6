"""Batches for the modules of this room from a data set of views and torch's own loader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from rs3l_gnn.conventions import InvalidDataError, JetLabel
from rs3l_gnn.data import EventViews, ViewsDataset
from rs3l_gnn.training.config import TargetConfig
from rs3l_gnn.training.jet_batches import JetBatch
from rs3l_gnn.training.pretrain_module import PairBatch
from rs3l_gnn.training.targets import jet_targets

__all__ = ["JetCollate", "PairCollate"]


@dataclass(frozen=True)
class PairCollate:
    """``collate_fn`` that makes batches of :class:`PretrainModule` of the items of a :class:`ViewsDataset`.

    Attributes:
        n_views: views of each item.
        targets: classes, for the probe and for losses with labels.
        labels: those of the user's own (``dataset.index.labels``).
        weighted: count events by the generator weight of their first view.
    """

    n_views: int = 2
    targets: TargetConfig = field(default_factory=TargetConfig)
    labels: tuple[JetLabel, ...] = ()
    weighted: bool = False

    def __call__(self, items: Sequence[EventViews]) -> PairBatch:
        """One batch of events; InvalidDataError for items of another number of views."""
        batch = ViewsDataset.collate(items)
        if len(batch.jettype) != self.n_views * len(items):
            raise InvalidDataError(
                f"items must have {self.n_views} views each", got=f"{len(batch.jettype)} views of {len(items)} events"
            )
        label = jet_targets(batch.jettype.numpy()[:: self.n_views], self.targets, self.labels)
        weight = batch.weight[:: self.n_views] if self.weighted else None
        return PairBatch(batch.x, batch.offsets, torch.from_numpy(label), weight)


@dataclass(frozen=True)
class JetCollate:
    """``collate_fn`` that makes batches of :class:`FinetuneModule`, every jet with its generator weight.

    Attributes:
        targets: classes; a jet of none gets the weight 0.
        labels: those of the user's own (``dataset.index.labels``).
    """

    targets: TargetConfig = field(default_factory=TargetConfig)
    labels: tuple[JetLabel, ...] = ()

    def __call__(self, items: Sequence[EventViews]) -> JetBatch:
        """One batch of jets."""
        batch = ViewsDataset.collate(items)
        target = jet_targets(batch.jettype.numpy(), self.targets, self.labels)
        weight = torch.where(torch.from_numpy(target >= 0), batch.weight.float(), 0.0)
        return JetBatch(batch.x, batch.offsets, torch.from_numpy(np.maximum(target, 0)), weight, weight)
