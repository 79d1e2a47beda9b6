"""Batches of views for training: what is in batch ``i`` of epoch ``e`` depends on the seed alone.

Nothing is drawn from a running generator, so a training that starts again at epoch ``e``, or loads its batches in
another number of processes, sees the same batches.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import TrainingError
from rs3l_gnn.data.source import ViewsSource
from rs3l_gnn.data.view_draw import ViewDraw, choose_events, draw_rng, draw_views
from rs3l_gnn.data.views import gather_jets

__all__ = ["EventBatches", "ViewBatch"]

_ORDER = 1  # random stream of the order of the events; others are in view_draw

_Held = tuple[tuple[int, int] | None, NDArray[np.int64], tuple[NDArray[np.float32], NDArray[np.int64]]]


class ViewBatch(NamedTuple):
    """Some views of some events, the views of an event side by side.

    Attributes:
        features: particles [n_particles, n_features].
        offsets: first particle of each jet [n_events * n_views + 1].
        jets: index of each jet in the source [n_events * n_views].
    """

    features: NDArray[np.float32]
    offsets: NDArray[np.int64]
    jets: NDArray[np.int64]


class EventBatches:
    """Batches of events of one side of a split.

    Args:
        source: where the views are.
        events: rising indices of the events to use [n]; those with too few views are left out and counted.
        draw: which views of an event go into a batch.
        batch_events: events in a batch; a last batch of fewer events is left out when ``shuffle`` is True.
        seed: fixes the order, the views and what ``max_events`` leaves.
        max_events: use that many of the events with enough views; for one seed and source, a smaller number takes a
            part of those of a larger one. None uses all.
        shuffle: False = the same order and the same views at each epoch, mixed once: samples that lie one after the
            other in the file would make batches of one kind, whose contrastive loss is another one.
        buffer_events: events mixed with one another, of which the drawn views are in memory; None mixes all events
            and holds all their views.
        block_events: neighbours in the file that are read together when the buffer is smaller than the data.
        features: what the network takes that is given the batches; all columns of the views if None.

    Attributes:
        events: the events in use.
        n_short: events left out, since they lack views; those beyond ``max_events`` do not count.

    Raises:
        TrainingError: no event is left, or fewer than one batch of them.
    """

    def __init__(
        self,
        source: ViewsSource,
        events: NDArray[np.int64],
        draw: ViewDraw,
        *,
        batch_events: int,
        seed: int,
        max_events: int | None = None,
        shuffle: bool = True,
        buffer_events: int | None = None,
        block_events: int = 256,
        features: Sequence[str] | None = None,
    ) -> None:
        enough = draw.has_enough(source.index, events)
        self.events = choose_events(events[enough], max_events, source.index.n_events, seed)
        self.n_short = int((~enough).sum())
        if len(self.events) < (batch_events if shuffle else 1):
            raise TrainingError(
                f"{len(self.events)} usable events do not fill one batch of {batch_events}",
                hint=f"{self.n_short} events lack views; make the batch smaller or simulate more",
            )
        self._source, self._draw, self._features = source, draw, features
        self._batch, self._seed, self._shuffle = batch_events, seed, shuffle
        self._streams = buffer_events is not None and max(buffer_events, batch_events) < len(self.events)
        self._buffers = np.array([0, len(self.events)])
        if self._streams and buffer_events is not None:
            self._buffers = _buffers(len(self.events), batch_events, buffer_events)
        self._block = block_events
        self._plan: tuple[int, NDArray[np.int64], NDArray[np.int64]] | None = None
        self._held: _Held | None = None

    def __len__(self) -> int:
        """Batches in an epoch."""
        whole = len(self.events) // self._batch
        return whole if self._shuffle or len(self.events) % self._batch == 0 else whole + 1

    @property
    def n_jets(self) -> int:
        """Views in an epoch."""
        n_events = len(self) * self._batch if self._shuffle else len(self.events)
        return n_events * self._draw.n_views

    def jets(self, epoch: int, number: int) -> NDArray[np.int64]:
        """Jet indices of one batch [n_events, n_views]."""
        _, _, jets = self._planned(epoch)
        return jets[number * self._batch : (number + 1) * self._batch]

    def event_of(self, batch: ViewBatch) -> NDArray[np.int64]:
        """Index in the source of each event of a batch [n_events]."""
        first_views = batch.jets[:: self._draw.n_views]
        return np.searchsorted(self._source.index.first, first_views, side="right") - 1

    def batch(self, epoch: int, number: int, *, part: tuple[int, int] = (0, 1)) -> ViewBatch:
        """One batch with its particles; errors as :meth:`ViewsSource.read`.

        Args:
            epoch: number of the epoch.
            number: number of the batch in it.
            part: (i, n) gives the i-th of n equal shares of the batch's events.
        """
        jets = self.jets(epoch, number)[part[0] :: part[1]].ravel()
        buffer = int(np.searchsorted(self._buffers, number * self._batch, side="right")) - 1
        held, features, offsets = self._hold(epoch if self._shuffle else 0, buffer)
        return ViewBatch(*gather_jets(features, offsets, np.searchsorted(held, jets)), jets)

    def _planned(self, epoch: int) -> tuple[int, NDArray[np.int64], NDArray[np.int64]]:
        epoch = epoch if self._shuffle else 0
        if self._plan is None or self._plan[0] != epoch:
            order = self._order(epoch)
            self._plan = (epoch, order, draw_views(self._source.index, order, self._draw, draw_rng(self._seed, epoch)))
        return self._plan

    def _order(self, epoch: int) -> NDArray[np.int64]:
        rng = np.random.default_rng([self._seed, epoch, _ORDER])
        if not self._streams:
            return rng.permutation(self.events)
        blocks = np.split(self.events, range(self._block, len(self.events), self._block))
        mixed = np.concatenate([blocks[i] for i in rng.permutation(len(blocks))])
        return np.concatenate([rng.permutation(mixed[start:stop]) for start, stop in pairwise(self._buffers)])

    def _hold(self, epoch: int, buffer: int) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]:
        """Jets in memory, rising, with their features and offsets."""
        key = (epoch, buffer) if self._streams else None
        if self._held is None or self._held[0] != key:
            self._held = None  # free the old buffer before the new one is read
            if self._streams or not self._shuffle:  # these views are not drawn again before others replace them
                _, _, drawn = self._planned(epoch)
                jets = np.sort(drawn[slice(*self._buffers[buffer : buffer + 2])], axis=None)
            else:
                jets = self._source.index.jets_of(self.events)
            self._held = (key, jets, self._source.read_jets(jets, features=self._features))
        return self._held[1], *self._held[2]


def _buffers(n_events: int, batch: int, size: int) -> NDArray[np.int64]:
    """First event of each buffer and the end; buffers hold whole batches, so that each batch needs one buffer only.

    The first is small, so that a training starts soon, and the next ones grow to the size asked for.
    """
    largest = max(size // batch, 1)
    grows = [max(largest >> shift, 1) for shift in (4, 3, 2, 1)]
    edges = np.concatenate([[0], np.cumsum([*grows, *[largest] * (n_events // (largest * batch) + 1)])]) * batch
    return np.asarray(np.append(edges[edges < n_events], n_events), dtype=np.int64)
