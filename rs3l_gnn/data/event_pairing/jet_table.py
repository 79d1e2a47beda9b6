"""Jets of many events as flat columns, without particles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import JetType
from rs3l_gnn.data.event_pairing.config import JetSelectionConfig

__all__ = ["JET_NUMBERS", "JetTable", "read_jets"]

JET_NUMBERS = ("pt", "eta", "phi", "mass", "msoftdrop", "n2b1")
"""Columns of a file of views that a jet may bring along."""


@dataclass(frozen=True)
class JetTable:
    """Selected jets.

    Attributes:
        row: row of the event of each jet, rising [n_jets].
        place: place in its collection, rising within an event [n_jets].
        numbers: :data:`JET_NUMBERS`, NaN where the format has none [n_jets each].
        jettype: ``conventions.JetType`` [n_jets].
        is_anchor: what the file says of it; None where it says nothing [n_jets].
        scores: of taggers that the files hold [n_jets, n_scores].
        shower_weights: of their events, relative to these events' own; None where none are read [n_jets, n_weights].
    """

    row: NDArray[np.int64]
    place: NDArray[np.int32]
    numbers: dict[str, NDArray[np.float32]]
    jettype: NDArray[np.int16]
    is_anchor: NDArray[np.bool_] | None = None
    scores: NDArray[np.float32] | None = None
    shower_weights: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.row)

    def select(self, keep: NDArray[np.bool_]) -> JetTable:
        """The jets where ``keep`` is True [n_jets]."""
        numbers = {name: values[keep] for name, values in self.numbers.items()}
        return JetTable(
            row=self.row[keep],
            place=self.place[keep],
            numbers=numbers,
            jettype=self.jettype[keep],
            is_anchor=None if self.is_anchor is None else self.is_anchor[keep],
            scores=None if self.scores is None else self.scores[keep],
            shower_weights=None if self.shower_weights is None else self.shower_weights[keep],
        )

    @classmethod
    def join(cls, parts: list[JetTable]) -> JetTable:
        """Parts one after another; their rows count in the same events."""
        flags = [part.is_anchor for part in parts if part.is_anchor is not None]
        scores = [part.scores for part in parts if part.scores is not None]
        weights = [part.shower_weights for part in parts if part.shower_weights is not None]
        return cls(
            row=np.concatenate([part.row for part in parts]),
            place=np.concatenate([part.place for part in parts]),
            numbers={name: np.concatenate([part.numbers[name] for part in parts]) for name in JET_NUMBERS},
            jettype=np.concatenate([part.jettype for part in parts]),
            is_anchor=np.concatenate(flags) if len(flags) == len(parts) else None,
            scores=np.concatenate(scores) if scores else None,
            shower_weights=np.concatenate(weights) if weights else None,
        )


def read_jets(jets: ak.Array, first_row: int, selection: JetSelectionConfig) -> tuple[JetTable, NDArray[np.int64]]:
    """Jets of a chunk that pass the selection.

    Args:
        jets: records with pt, eta, phi, mass (GeV) and what else there is [event][jet].
        first_row: row of the first event.
        selection: cuts.

    Returns:
        The jets, and their places among all jets of the chunk [n_jets].
    """
    counts = np.asarray(ak.num(jets["pt"], axis=1), dtype=np.int64)
    pt, eta = _flat(jets["pt"]), _flat(jets["eta"])
    keep = np.ones(len(pt), dtype=bool)
    if selection.pt_min is not None:
        keep &= pt > selection.pt_min
    if selection.pt_max is not None:
        keep &= pt < selection.pt_max
    if selection.abs_eta_max is not None:
        keep &= np.abs(eta) < selection.abs_eta_max
    found = ak.fields(jets)
    row = np.repeat(np.arange(first_row, first_row + len(counts)), counts)[keep]
    place = _flat(ak.local_index(jets["pt"], axis=1))[keep].astype(np.int32)
    absent = np.full(int(keep.sum()), np.nan, np.float32)
    numbers = {name: _flat(jets[name])[keep].astype(np.float32) if name in found else absent for name in JET_NUMBERS}
    flag = _flat(jets["anchor"])[keep].astype(bool) if "anchor" in found else None
    jettype = np.full(len(row), JetType.UNMATCHED, np.int16)  # until the labels are made
    return JetTable(row, place, numbers, jettype, flag), np.flatnonzero(keep)


def _flat(values: ak.Array) -> NDArray[Any]:
    return np.asarray(ak.flatten(values, axis=1))
