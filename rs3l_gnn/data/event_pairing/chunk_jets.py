"""The names of expressions on the selected jets of a chunk of events."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import ConfigError, InvalidDataError, MissingBranchError
from rs3l_gnn.conventions.expressions import Column, close_names
from rs3l_gnn.data.event_format import collection_of, find_branch
from rs3l_gnn.data.event_pairing.event_files import EventFile
from rs3l_gnn.data.event_pairing.generated import Generated, read_generated
from rs3l_gnn.data.event_pairing.jet_matching import Places

__all__ = ["ChunkJets", "branch_of"]

_JETS = "jet"
"""Collection of the paired jets in expressions, whatever the file calls it."""


@dataclass(frozen=True)
class ChunkJets:
    """Selected jets of a chunk of events of a file.

    Attributes:
        file: where they are from.
        events: the chunk, with the branches that are asked for.
        places: direction, and event in the chunk [n_jets].
        chosen: places among all jets of the chunk [n_jets].
    """

    file: EventFile
    events: ak.Array
    places: Places
    chosen: NDArray[np.int64]

    @cached_property
    def generated(self) -> Generated:
        """Generator particles of the events, which must have their branches."""
        return read_generated(self.events)

    def field(self, name: str) -> NDArray[Any] | None:
        """A field of the jets, None where the file has none [n_jets]."""
        branch = self.file.form.jet_branch(name, self.file.names)
        return None if branch is None else _flat(find_branch(self.events, branch))[self.chosen]

    def column(self, name: str) -> Column:
        """Values of a name of an expression.

        Raises:
            MissingBranchError: there is no such branch.
            InvalidDataError: it holds no numbers, or more than one for each object.
        """
        branch = branch_of(self.file, name, what="an expression")
        values = find_branch(self.events, branch)
        if values.ndim == 1:
            return Column(_numbers(np.asarray(values), branch))
        if values.ndim > 2:
            raise InvalidDataError(
                f"the branch {branch} has more than one number for each object", got=str(values.type)
            )
        jet = self.file.form.jet_branch("pt", self.file.names)
        is_jets = jet is not None and collection_of(jet) == collection_of(branch)
        counts = np.asarray(ak.num(values, axis=1), dtype=np.int64)
        return Column(_numbers(_flat(values), branch), _JETS if is_jets else collection_of(branch), counts)

    def of_jets(self, found: Column, where: str) -> NDArray[Any]:
        """Values for the selected jets, of themselves or of their events [n_jets].

        Raises:
            ConfigError: there is a value for each object of another collection.
        """
        values = np.asarray(found.values)
        if found.counts is None:
            return np.broadcast_to(values, len(self.events))[self.places.event]
        if found.owner != _JETS:
            raise ConfigError(
                f"{where} has a value for each object of {found.owner}, where one for each jet or event is needed",
                hint="make one for each event, by max(...), sum(...), any(...) or count(...)",
            )
        return values[self.chosen]


def branch_of(file: EventFile, name: str, *, what: str) -> str:
    """Branch that a name stands for: ``jet.pt``, ``FatJet.pt``, ``FatJet_pt``.

    Args:
        file: it is in.
        name: of an expression.
        what: it is needed for, for the message.

    Raises:
        MissingBranchError: there is no such branch.
    """
    owner, dot, field = name.partition(".")
    of_jets = file.form.jet_branch(field, file.names) if dot and owner == _JETS else None
    choices = (of_jets, name, name.replace(".", "_", 1), name.replace("_", ".", 1))
    found = next((one for one in choices if one in file.names), None)
    if found is None:
        close = ", ".join(close_names(name, list(file.names))) or "nothing like it"
        raise MissingBranchError(f"{file.path} lacks the branch {name}, needed for {what}", got=close)
    return found


def _numbers(values: NDArray[Any], name: str) -> NDArray[Any]:
    if values.dtype.kind not in "biuf":
        raise InvalidDataError(f"the branch {name} holds no numbers", got=values.dtype)
    return values if values.dtype == np.bool_ else values.astype(np.float64)


def _flat(values: ak.Array) -> NDArray[Any]:
    return np.asarray(ak.flatten(values, axis=1))
