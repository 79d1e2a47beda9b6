"""Tables with an entry for each event or jet, on disk during a run, so that memory does not grow with the events."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn import conventions
from rs3l_gnn.conventions import InputFileError, OutputError
from rs3l_gnn.processors.running.paired import PairTable
from rs3l_gnn.processors.skims import JetTable

__all__ = ["StoredJets", "StoredPairs", "StoredTables", "scratch_folder"]

_BUCKETS = 64
_ROWS_IN_MEMORY = 1 << 18  # of pairs, of all data sets together
_JETS_AT_ONCE = 1 << 16


@contextmanager
def scratch_folder(output: Path) -> Iterator[Path]:
    """A folder beside an output, for this run only.

    Raises:
        OutputError: it cannot be made.
    """
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(prefix=f".{output.name}.tables-", dir=output.parent)
    except OSError as error:
        raise OutputError(f"cannot write beside {output}: {error.strerror or error}") from error
    with folder as name:
        yield Path(name)


class StoredPairs:
    """Pairs of one data set in files, cut by event number, so that one part at a time is read.

    Args:
        stem: path of the files without their number.
        names: histogram of each column of bins.
    """

    def __init__(self, stem: Path, names: tuple[str, ...]) -> None:
        self.names = names
        self._stem = stem
        self._waiting: list[PairTable] = []
        self._type = np.dtype([("event", "<u8"), ("channel", "i1"), ("weight", "<f8"), ("bins", "<i4", (len(names),))])

    def add(self, table: PairTable) -> None:
        """Take the pairs of a chunk."""
        self._waiting.append(table)

    def flush(self) -> None:
        """Write what is still in memory."""
        if not self._waiting:
            return
        columns = (np.concatenate(parts) for parts in zip(*(t.columns() for t in self._waiting), strict=True))
        event, channel, weight, bins = columns
        self._waiting = []
        rows = np.empty(len(event), dtype=self._type)
        rows["event"], rows["channel"], rows["weight"], rows["bins"] = event, channel, weight, bins
        bucket = event % np.uint64(_BUCKETS)
        order = np.argsort(bucket, kind="stable")
        edges = np.searchsorted(bucket[order], np.arange(_BUCKETS + 1))
        for number in np.flatnonzero(np.diff(edges)):
            with self._file(int(number)).open("ab") as file:
                file.write(rows[order[edges[number] : edges[number + 1]]].tobytes())

    def buckets(self) -> Iterator[PairTable]:
        """The parts, each with the events of one remainder of their number."""
        self.flush()
        for number in range(_BUCKETS):
            path = self._file(number)
            rows = np.fromfile(path, dtype=self._type) if path.is_file() else np.zeros(0, dtype=self._type)
            yield PairTable(self.names, rows["event"], rows["channel"], rows["weight"], rows["bins"])

    def _file(self, number: int) -> Path:
        return self._stem.with_name(f"{self._stem.name}_{number}.pairs")


class StoredJets:
    """Scored jets of one data set in a file, given back in the order of the chunks.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._type: np.dtype[Any] | None = None
        self._places: dict[int, tuple[int, int]] = {}

    def add(self, position: int, table: JetTable) -> None:
        """Take the jets of the chunk with this place in the order."""
        columns = table.columns()
        self._type = np.dtype([(name, values.dtype) for name, values in columns.items()])
        rows = np.empty(len(columns["jet"]), dtype=self._type)
        for name, values in columns.items():
            rows[name] = values
        with self._path.open("ab") as file:
            self._places[position] = file.tell(), len(rows)
            file.write(rows.tobytes())

    def blocks(self) -> Iterator[dict[str, NDArray[Any]]]:
        """Columns of about 65,000 jets at a time; one empty block if there is no jet."""
        waiting: list[NDArray[Any]] = []
        dtype = np.dtype([]) if self._type is None else self._type
        places = [self._places[position] for position in sorted(self._places)]
        with self._path.open("rb") as file:
            for number, (offset, length) in enumerate(places):
                file.seek(offset)
                waiting.append(np.fromfile(file, dtype=dtype, count=length))
                last = number == len(places) - 1
                if last or sum(map(len, waiting)) >= _JETS_AT_ONCE:
                    rows, waiting = np.concatenate(waiting), []
                    yield {name: np.ascontiguousarray(rows[name]) for name in dtype.names or ()}


class StoredTables:
    """Takes pairs and skims out of each result, and refuses a chunk that failed.

    Args:
        folder: an empty folder; the files in it are of no use after the run.
        items: all chunks, in the order in which skims are written.
        skip_bad_files: go on after a chunk that failed.
    """

    def __init__(self, folder: Path, items: Sequence[Any], *, skip_bad_files: bool) -> None:
        self.pairs: dict[str, StoredPairs] = {}
        self.jets: dict[str, StoredJets] = {}
        self._folder, self._skip = folder, skip_bad_files
        self._position = {_key(item): position for position, item in enumerate(items)}
        self._rows = 0

    def __call__(self, result: Mapping[str, Any]) -> None:
        """Look at the result of a chunk before it is added up.

        Raises:
            Rs3lError: what the chunk failed with, unless bad files are skipped.
        """
        (item,) = result["processed"]
        for dataset, part in result["out"].items():
            for _, where, kind, message in sorted(part.get("failures", ())):
                if not self._skip:
                    raise getattr(conventions, kind, InputFileError)(f"{where}: {message}")
            table, jets = part.pop("pairs", None), part.pop("skim", None)
            if table is not None:
                self._add_pairs(dataset, table)
            if jets is not None:
                number = len(self.jets)
                stored = self.jets.setdefault(dataset, StoredJets(self._folder / f"{number}.jets"))
                stored.add(self._position[_key(item)], jets)

    def _add_pairs(self, dataset: str, table: PairTable) -> None:
        number = len(self.pairs)
        self.pairs.setdefault(dataset, StoredPairs(self._folder / f"{number}", table.names)).add(table)
        self._rows += len(table)
        if self._rows > _ROWS_IN_MEMORY:
            for stored in self.pairs.values():
                stored.flush()
            self._rows = 0


def _key(item: Any) -> tuple[str, str, int]:
    return item.dataset, item.filename, item.entrystart
