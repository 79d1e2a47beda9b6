"""Files of views as a data set of torch: the events and views that a training sees, one event an item."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import Split, SplitFractions, TrainingError, feature_names
from rs3l_gnn.conventions.jagged import offsets_of
from rs3l_gnn.data.source import ViewsSource
from rs3l_gnn.data.view_draw import ViewDraw, draw_rng, draw_views, events_on
from rs3l_gnn.data.views import Views, gather_jets

__all__ = ["EventViews", "ViewsDataset"]

Side = Literal["train", "validation", "test"]


class EventViews(NamedTuple):
    """Views of one event, or of a batch of them side by side; arrays in items, tensors in batches.

    Attributes:
        x: particles [n_particles, n_features].
        offsets: first particle of each view, and the end [n_events * n_views + 1].
        jettype: label of each view [n_events * n_views].
        vartype: variation of each view [n_events * n_views].
        weight: generator weight of each view [n_events * n_views].
        event: number of the hard event of each view [n_events * n_views].
    """

    x: Any
    offsets: Any
    jettype: Any
    vartype: Any
    weight: Any
    event: Any


class ViewsDataset:
    """Map-style data set for ``torch.utils.data.DataLoader`` and the loader of torch_geometric.

    ``dataset[i]`` holds the views of event i that ``rs3l pretrain`` draws with the same settings in the epoch that
    :meth:`set_epoch` says, the anchor first. Files are opened at first use, in each process anew. For torch's loader
    give ``collate_fn=ViewsDataset.collate``, since jets have different numbers of particles; that of torch_geometric
    takes ``graphs=True`` and nothing else.

    Args:
        paths: files of views, see :class:`ViewsSource`.
        side: ``train``, ``validation``, ``test``, or None for all events.
        splits: shares or folds of the events.
        samples: names of samples; all if None.
        n_views: views of each item; events with fewer are left out.
        anchored: the nominal view is the first.
        variations: weight of each variation in the draw; all that occur, equally, if None.
        seed: of the draw.
        graphs: items are ``torch_geometric.data.Data`` (a tuple of them for several views), with ``x``, ``y`` (label),
            ``vartype``, ``weight`` and ``event``.
        in_memory: keep the particles of all views of the data set's events; else every item is read from disk, which
            is fast in the order of the file alone.
        features: columns of ``x`` by name, or a set of them (``nano``); those of the files if None. Feature names in
            the order of ``x`` are in :attr:`feature_names`.

    Raises:
        TrainingError: no event has enough views.
        ConfigError, InputFileError, InvalidDataError, UnknownVariationError: as of :class:`ViewsSource` and
            :func:`events_on`; they come at first use.
    """

    def __init__(
        self,
        paths: Path | str | Sequence[Path | str],
        *,
        side: Side | None = "train",
        splits: SplitFractions | None = None,
        samples: Sequence[str] | None = None,
        n_views: int = 2,
        anchored: bool = True,
        variations: Mapping[str, float] | None = None,
        seed: int = 1,
        graphs: bool = False,
        in_memory: bool = False,
        features: str | Sequence[str] | None = None,
    ) -> None:
        self.paths = (paths,) if isinstance(paths, (str, Path)) else tuple(paths)
        self._side = None if side is None else Split[side.upper()]
        self._splits, self._samples = splits or SplitFractions(), samples
        self._draw = (n_views, variations, anchored)
        self._seed, self._epoch = seed, 0
        self._graphs, self._in_memory = graphs, in_memory
        self._chosen = None if features is None else feature_names(features)
        self._lock = threading.RLock()  # for loaders with threads
        self._clear()

    def _clear(self) -> None:
        self._process = os.getpid()
        self._source: ViewsSource | None = None
        self._events: NDArray[np.int64] | None = None
        self._jets: NDArray[np.int64] | None = None
        self._held: tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]] | None = None

    @property
    def source(self) -> ViewsSource:
        """The open files."""
        with self._lock:
            if self._source is None or self._process != os.getpid():  # a forked worker shares no HDF5 file
                self._source, self._process = ViewsSource(self.paths), os.getpid()
            return self._source

    @property
    def index(self) -> Views:
        """All views of the files without particles."""
        return self.source.index

    @property
    def feature_names(self) -> tuple[str, ...]:
        """What the columns of ``x`` are."""
        return self._chosen or self.index.feature_names

    @property
    def events(self) -> NDArray[np.int64]:
        """Places in :attr:`index` of the events of the items [n]."""
        with self._lock:
            if self._events is None:
                chosen = events_on(self.index, self._side, self._splits, self._samples)
                self._events = chosen[self._view_draw().has_enough(self.index, chosen)]
                if len(self._events) == 0:
                    raise TrainingError(f"none of {len(chosen)} events has {self._draw[0]} views")
            return self._events

    def set_epoch(self, epoch: int) -> None:
        """Draw the views of another epoch; call it before a loader starts its workers."""
        with self._lock:
            self._epoch, self._jets = epoch, None

    def load(self) -> None:
        """Read what ``in_memory`` keeps now, so that workers that are forked later share it."""
        with self._lock:
            if self._in_memory and self._held is None:
                jets = self.index.jets_of(self.events)
                self._held = (jets, *self._read(jets))

    def close(self) -> None:
        """Close the files and free the memory; everything opens again when needed."""
        with self._lock:
            if self._source is not None:
                self._source.close()
            self._clear()

    def __len__(self) -> int:
        """Events with enough views."""
        return len(self.events)

    def __iter__(self) -> Iterator[Any]:
        """All items in their order."""
        return (self[item] for item in range(len(self)))

    def __getitem__(self, item: int) -> Any:
        """Views of one event; errors as :meth:`ViewsSource.read`.

        Raises:
            IndexError: there is no such item.
        """
        return self.__getitems__([item])[0]

    def __getitems__(self, items: Sequence[int]) -> list[Any]:
        """Several items, with one look at the files; torch's loader asks for a batch so."""
        with self._lock:
            if any(not -len(self) <= item < len(self) for item in items):
                raise IndexError(f"items are 0 to {len(self) - 1}, got {list(items)}")
            jets = self._drawn()[np.asarray(items, dtype=np.int64)]
            features, offsets = self._particles(jets.ravel())
        n_views = jets.shape[1]
        found = []
        for place, mine in enumerate(jets):
            cuts = offsets[place * n_views : (place + 1) * n_views + 1]
            found.append(self._item(features[cuts[0] : cuts[-1]].copy(), cuts - cuts[0], mine))
        return found

    def __getstate__(self) -> dict[str, object]:
        """Settings alone: another process opens the files itself."""
        left = ("_lock", "_process", "_source", "_events", "_jets", "_held")
        return {name: value for name, value in self.__dict__.items() if name not in left}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__ |= state
        self._lock = threading.RLock()
        self._clear()

    @staticmethod
    def collate(items: Sequence[EventViews]) -> EventViews:
        """One batch of tensors of some items (``collate_fn`` of torch's loader)."""
        import torch

        joined = {name: np.concatenate([getattr(item, name) for item in items]) for name in EventViews._fields}
        joined["offsets"] = offsets_of(np.concatenate([np.diff(item.offsets) for item in items]))
        return EventViews(**{name: torch.from_numpy(values) for name, values in joined.items()})

    def _view_draw(self) -> ViewDraw:
        n_views, weights, anchored = self._draw
        return ViewDraw.of(self.index, n_views, weights, anchored=anchored)

    def _drawn(self) -> NDArray[np.int64]:
        """Jets of each item [n, n_views]."""
        if self._jets is None:
            rng = draw_rng(self._seed, self._epoch)
            self._jets = draw_views(self.index, self.events, self._view_draw(), rng)
        return self._jets

    def _particles(self, jets: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        self.load()
        if self._held is not None:
            held, features, offsets = self._held
            return gather_jets(features, offsets, np.searchsorted(held, jets))
        wanted, places = np.unique(jets, return_inverse=True)
        return gather_jets(*self._read(wanted), places)

    def _read(self, jets: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        features, offsets = self.source.read_jets(jets)
        held = self.index.feature_names
        if self.feature_names == held:
            return features, offsets
        self.source.require_features(self.feature_names, what="the data set")
        return features[:, [held.index(name) for name in self.feature_names]], offsets

    def _item(self, x: NDArray[np.float32], offsets: NDArray[np.int64], jets: NDArray[np.int64]) -> Any:
        index = self.index
        label, others = index.jettype[jets].astype(np.int64), (index.vartype, index.weight, index.event)
        item = EventViews(x, offsets, label, *(values[jets] for values in others))
        if not self._graphs:
            return item
        graphs = tuple(_graph(item, view) for view in range(len(jets)))
        return graphs[0] if len(graphs) == 1 else graphs


def _graph(item: EventViews, view: int) -> Any:
    """One view as a graph without edges."""
    import torch

    with warnings.catch_warnings():
        # torch calls TorchScript deprecated, which torch_geometric uses while it is imported.
        warnings.simplefilter("ignore", DeprecationWarning)
        from torch_geometric.data import Data
    one = slice(view, view + 1)
    return Data(
        x=torch.from_numpy(item.x[item.offsets[view] : item.offsets[view + 1]]),
        y=torch.from_numpy(item.jettype[one]),
        **{name: torch.from_numpy(getattr(item, name)[one]) for name in ("vartype", "weight", "event")},
    )
