"""Tables of scored jets, keyed by run, luminosity block, event and jet: Parquet files and ROOT friend trees."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import awkward as ak
import numpy as np
import uproot
from numpy.typing import NDArray

from rs3l_gnn.conventions import MissingBranchError
from rs3l_gnn.conventions.jagged import parents_of, starts_of
from rs3l_gnn.processors.selection import JetView

__all__ = ["KEYS", "JetBlocks", "JetTable", "jet_table", "write_skims"]

KEYS = ("run", "luminosityBlock", "event", "jet")


class JetTable:
    """Columns with one entry for each jet; tables of chunks add up in any order.

    Args:
        columns: name -> values [n_jets], all of one length; the first four are :data:`KEYS`.
    """

    def __init__(self, columns: Mapping[str, NDArray[Any]]) -> None:
        self._parts = [dict(columns)]

    def __add__(self, other: JetTable) -> JetTable:
        merged = JetTable.__new__(JetTable)
        merged._parts = [*self._parts, *other._parts]
        return merged

    def columns(self) -> dict[str, NDArray[Any]]:
        """All jets in the order in which the tables were added [n_jets] each."""
        return {name: np.concatenate([part[name] for part in self._parts]) for name in self._parts[0]}

    def by_event(self) -> dict[str, NDArray[Any]]:
        """All jets, ordered by run, luminosity block, event and jet [n_jets] each."""
        joined = self.columns()
        order = np.lexsort([joined[name] for name in reversed(KEYS)])
        return {name: values[order] for name, values in joined.items()}


class JetBlocks(Protocol):
    """Jets that are read block by block."""

    def blocks(self) -> Iterator[dict[str, NDArray[Any]]]:
        """Columns of some jets at a time, at least one block."""


def jet_table(
    events: ak.Array,
    view: JetView,
    wanted: NDArray[np.bool_],
    scores: Mapping[str, NDArray[np.floating]],
    *,
    pt_min: float,
) -> JetTable:
    """The scored jets of a chunk.

    Args:
        events: with run, luminosityBlock, event.
        view: the jets as they stand in the file.
        wanted: True for the scored jets [n_jets].
        scores: tagger -> scores [n_jets].
        pt_min: jets below this pT (GeV) are flagged as outside the training range.

    Raises:
        MissingBranchError: a key is absent.
    """
    missing = [name for name in KEYS[:3] if name not in events.fields]
    if missing:
        raise MissingBranchError(f"the events lack {', '.join(missing)}, which a skim is keyed by")
    event = parents_of(view.counts)[wanted]
    first = starts_of(view.counts)
    types = {"run": np.uint32, "luminosityBlock": np.uint32, "event": np.uint64}
    keys = {name: np.asarray(events[name])[event].astype(dtype) for name, dtype in types.items()}
    return JetTable(
        {
            **keys,
            "jet": (np.flatnonzero(wanted) - first[event]).astype(np.int32),
            "pt": view.pt[wanted].astype(np.float32),
            "eta": view.eta[wanted].astype(np.float32),
            "msoftdrop": view.mass[wanted].astype(np.float32),
            "in_training_range": view.pt[wanted] >= pt_min,
            **{f"score_{name}": values[wanted].astype(np.float32) for name, values in scores.items()},
        }
    )


def write_skims(folder: Path, tables: Mapping[str, JetBlocks]) -> list[Path]:
    """Write ``<data set>.parquet`` and ``<data set>.root`` (tree ``Scores``, one entry for each jet).

    The ROOT tree has an index-friendly ``event``: ``tree->BuildIndex("run", "event")`` makes it a friend of the events.
    Jets stand in the order of the files and events they come from.

    Args:
        folder: made if it is not there.
        tables: data set -> jets.

    Returns:
        The files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for dataset, table in tables.items():
        parquet, root = folder / f"{dataset}.parquet", folder / f"{dataset}.root"
        with uproot.recreate(root) as file:

            def both(blocks: Iterator[dict[str, NDArray[Any]]], file: Any = file) -> Iterator[ak.Array]:
                for columns in blocks:
                    if "Scores" not in file:
                        file.mktree("Scores", {name: values.dtype for name, values in columns.items()})
                    if len(columns["jet"]):
                        file["Scores"].extend(columns)
                    yield ak.zip(columns)

            ak.to_parquet_row_groups(both(table.blocks()), str(parquet))
        written += [parquet, root]
    return written
