"""Several files of views as one: the per-jet columns in memory, the particles read when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import InputFileError, InvalidDataError, columns_of, merge_domains
from rs3l_gnn.data.published import PublishedFile
from rs3l_gnn.data.views import Views, concatenate_views
from rs3l_gnn.data.views_file import ViewsFile, is_views_file

__all__ = ["ViewsSource"]


class ViewsSource:
    """Files of views, read by ranges of events.

    Args:
        paths: the files, outputs of ``rs3l pair`` or published ones in HDF5 or ROOT; events keep their order.
        shower_weights: read the shower weights too, where a file has them.

    Attributes:
        index: all views without particles; events and jets are numbered as in here, and its ``feature_names`` say what
            the columns of particles are.
        domain: what kind of jets they are, as far as all files say.

    Raises:
        InputFileError: no path, or a file that is missing, damaged or of another kind.
        InvalidDataError: two files disagree on what a variation number means, on their features, or on the radius of
            the jets.
    """

    def __init__(self, paths: Sequence[Path | str], *, shower_weights: bool = False) -> None:
        if not paths:
            raise InputFileError("no file of views is given", hint="set views to an output of rs3l pair")
        self.paths = tuple(Path(path) for path in paths)
        self._shower_weights = shower_weights
        self._files: list[ViewsFile | PublishedFile] | None = None
        files = self._open()
        self.index = files[0].index if len(files) == 1 else concatenate_views([file.index for file in files])
        self.domain = merge_domains(file.domain for file in files)
        self._events = np.cumsum([0, *(file.index.n_events for file in files)])

    def read(self, start: int, stop: int) -> Views:
        """Views of a range of events of :attr:`index`; errors as :meth:`ViewsFile.read`."""
        parts = []
        for number, file in enumerate(self._open()):
            first, last = int(self._events[number]), int(self._events[number + 1])
            if max(start, first) < min(stop, last):
                parts.append(file.read(max(start, first) - first, min(stop, last) - first))
        return concatenate_views(parts) if parts else self._open()[0].read(0, 0)

    def read_events(self, events: NDArray[np.int64], block: int = 1024) -> Views:
        """All views of chosen events.

        Args:
            events: rising event indices [n].
            block: events read at once; runs without a chosen event are not read.
        """
        parts = []
        position = 0
        while position < len(events):
            start = int(events[position])
            end = int(np.searchsorted(events, start + block))
            chosen = events[position:end]
            views = self.read(start, int(chosen[-1]) + 1)
            keep = np.zeros(views.n_events, dtype=bool)
            keep[chosen - start] = True
            parts.append(views.select_events(keep))
            position = end
        return concatenate_views(parts) if parts else self.read(0, 0)

    def read_jets(
        self, jets: NDArray[np.int64], block: int = 1024, *, features: Sequence[str] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Particles of chosen jets; the memory is that of the result and of one block. Errors as :meth:`read`.

        Args:
            jets: rising jet indices [n].
            block: events read at once; runs without a chosen jet are not read.
            features: what a network takes that is given the particles, see :func:`~rs3l_gnn.conventions.columns_of`;
                all columns if None.

        Returns:
            Features [n_particles, n_features] and offsets [n + 1].
        """
        first = self.index.first
        held = self.index.feature_names
        columns = None if features is None else columns_of(features, held)
        particles = np.empty((0, len(held) if columns is None else len(columns)), np.float32)
        offsets = np.zeros(len(jets) + 1, np.int64)
        done = 0
        while done < len(jets):
            start = int(np.searchsorted(first, jets[done], side="right")) - 1
            stop = min(start + block, self.index.n_events)
            end = int(np.searchsorted(jets, first[stop]))
            stop = int(np.searchsorted(first, jets[end - 1], side="right"))  # nothing behind the last jet asked for
            part, cuts = self.read(start, stop).take(jets[done:end] - first[start])
            part = part if columns is None else part[:, columns]
            filled = offsets[done]
            needed = int(filled + cuts[-1])
            if needed > len(particles):
                # The rest will be about like what was read; growing in place spares a second copy of all.
                likely = int(1.02 * needed * len(jets) / end)
                particles.resize((max(needed, likely), particles.shape[1]), refcheck=False)
            particles[filled:needed] = part
            offsets[done + 1 : end + 1] = filled + cuts[1:]
            done = end
        particles.resize((int(offsets[-1]), particles.shape[1]), refcheck=False)
        return particles, offsets

    @property
    def score_names(self) -> dict[Path, tuple[str, ...]]:
        """Taggers whose scores each file holds."""
        return {path: file.index.score_names for path, file in zip(self.paths, self._open(), strict=True)}

    def require_features(self, names: Sequence[str], *, what: str) -> None:
        """Refuse files that do not hold what a network takes, or zeros in its place, since their format lacks it.

        Args:
            names: features that the network takes.
            what: the network, for the message.

        Raises:
            InvalidDataError: names the features and the formats.
        """
        held = self.index.feature_names
        if absent := [name for name in names if name not in held]:
            raise InvalidDataError(
                f"{what} takes {', '.join(absent)}, which the views do not hold",
                got=f"{', '.join(held)} in {', '.join(str(path) for path in self.paths)}",
                hint="pair again with these features, if the events have them",
            )
        lacking = self.domain.lacking(names)
        if lacking:
            formats = ", ".join(self.domain.formats or ("their format",))
            raise InvalidDataError(
                f"{what} takes {', '.join(lacking)}, which the views do not have: {formats} does not store them",
                got=", ".join(str(path) for path in self.paths),
                hint=f"train an encoder with features: [{', '.join(n for n in names if n not in lacking)}]",
            )

    def close(self) -> None:
        """Close the files; they open again when needed."""
        for file in self._files or ():
            file.close()
        self._files = None

    def _open(self) -> list[ViewsFile | PublishedFile]:
        if self._files is None:
            self._files = [_open_file(path, self._shower_weights) for path in self.paths]
        return self._files

    def __getstate__(self) -> dict[str, object]:
        # An open HDF5 file does not travel to another process; it opens the file itself.
        return {**self.__dict__, "_files": None}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _open_file(path: Path, shower_weights: bool) -> ViewsFile | PublishedFile:
    return ViewsFile(path, shower_weights=shower_weights) if is_views_file(path) else PublishedFile(path)
