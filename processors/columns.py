"""The names of expressions on a chunk of events: its branches, and its jets under one hypothesis."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import ConfigError, InvalidDataError, MissingBranchError
from rs3l_gnn.conventions.expressions import Column, Expression, close_names
from rs3l_gnn.data import EventFormat, EventTables
from rs3l_gnn.data.event_format import TableFormat
from rs3l_gnn.data.formats.delphes import DELPHES, delphes_jet_collection
from rs3l_gnn.processors.config import SCORE
from rs3l_gnn.processors.selection import JetView

__all__ = ["JETS", "Columns", "branch_names", "jet_collection", "jet_field_of"]

JETS = "jet"
"""Collection of the analysed jets in expressions, whatever the file calls it: ``jet.pt``."""
_SHORT = {"pt": "pt", "mass": "msoftdrop"}  # as the histograms and the windows of channels call them
_MOVED = ("pt", "eta", "phi", "mass", "msoftdrop")


def jet_collection(form: EventFormat, names: Collection[str]) -> str | None:
    """The collection that holds the analysed jets; None for trees with one jet an event, which have none."""
    if isinstance(form, TableFormat):
        return form.jet_table
    return delphes_jet_collection(names) if form is DELPHES else None


def jet_field_of(name: str, collection: str | None) -> str | None:
    """Field of the analysed jets that a name stands for, None for anything else.

    Args:
        name: of an expression.
        collection: of :func:`jet_collection`.
    """
    if name in _SHORT:
        return _SHORT[name]
    owner, dot, field = name.partition(".")
    if dot and owner == JETS:
        return field
    if not dot:
        owner, _, field = name.partition("_")
    if collection is None or owner != collection or not field:
        return None
    # Delphes writes PT, Eta, Phi and Mass.
    return field.lower() if field.lower() in _MOVED else field


def branch_names(name: str) -> tuple[str, ...]:
    """How the branch that a name stands for may be called in a file."""
    return tuple(dict.fromkeys((name, name.replace(".", "_", 1), name.replace("_", ".", 1))))


class Columns:
    """Looks names up; nothing is read that is not asked for, and nothing twice.

    Args:
        events: the chunk.
        stored: its jets as they stand in the file.
    """

    def __init__(self, events: ak.Array, stored: JetView) -> None:
        self.events, self.view, self._stored = events, stored, stored
        self.tables = EventTables(events, candidates=False)
        self._collection = jet_collection(self.tables.form, events.fields)
        self._read: dict[str, Column] = {}
        self._scores: Mapping[str, NDArray[np.floating]] = {}

    def under(self, view: JetView, scores: Mapping[str, NDArray[np.floating]] | None = None) -> Columns:
        """The same chunk with its jets under another hypothesis, and with their scores.

        Args:
            view: the jets.
            scores: tagger -> scores, NaN for jets that are not analysed [n_jets].
        """
        other = Columns.__new__(Columns)
        other.__dict__ |= self.__dict__  # what was read is shared
        other.view, other._scores = view, scores or {}
        return other

    def __call__(self, name: str) -> Column:
        """Values of a name.

        Raises:
            MissingBranchError: there is no such branch.
            InvalidDataError: it holds no numbers, or more than one for each object.
        """
        if name.startswith(SCORE) and name.removeprefix(SCORE) in self._scores:
            return self._of_jets(self._scores[name.removeprefix(SCORE)])
        field = jet_field_of(name, self._collection)
        if field is not None and (field in self.tables.jets.fields or name in _SHORT or name.startswith(f"{JETS}.")):
            return self._of_jets(self.jet_field(field))
        if name not in self._read:
            owner = JETS if field is not None else name.replace(".", "_", 1).partition("_")[0]
            self._read[name] = _column(name, self._branch(name), owner)
        return self._read[name]

    def events_where(self, expression: Expression, where: str) -> NDArray[np.bool_]:
        """Where a condition on events holds [n_events].

        Raises:
            ConfigError: it gives numbers, or a value for each object.
        """
        found = expression.evaluate(self)
        if found.counts is not None:
            raise ConfigError(
                f"{where} has a value for each object of {found.owner}, where one for each event is needed",
                got=repr(expression.source),
                hint="make one of them, by any(...), all(...) or count(...)",
            )
        return _conditions(np.broadcast_to(np.asarray(found.values), len(self.events)), expression, where)

    def jets_where(self, expression: Expression, where: str) -> NDArray[np.bool_]:
        """Where a condition on jets, or on their events, holds [n_jets]; errors as of :meth:`events_where`."""
        return _conditions(self.of_jets(expression, where), expression, where)

    def of_jets(self, expression: Expression, where: str) -> NDArray[Any]:
        """An expression for every jet, of the jet or its event [n_jets].

        Raises:
            ConfigError: it has a value for each object of another collection.
        """
        found = expression.evaluate(self)
        if found.counts is not None and found.owner != JETS:
            raise ConfigError(
                f"{where} has a value for each object of {found.owner}, where one for each jet or event is needed",
                got=repr(expression.source),
                hint="make one for each event, by max(...), sum(...), any(...) or count(...)",
            )
        return np.broadcast_to(found.spread(self.view.counts), len(self.view.pt))

    def jet_field(self, field: str) -> NDArray[Any]:
        """A field of all jets under this hypothesis [n_jets].

        Pt, eta and soft-drop mass are those of the view; the plain mass goes with pT unless the view says otherwise;
        everything else is what the file holds.

        Raises:
            MissingBranchError: the jets have no such field.
        """
        view = self.view
        moved = {"pt": view.pt, "eta": view.eta, "msoftdrop": view.mass, "phi": view.phi}
        if moved.get(field) is not None:
            return np.asarray(moved[field])
        jets = self.tables.jets
        if field not in jets.fields:
            close = close_names(field, jets.fields)
            raise MissingBranchError(f"the jets have no {field}", got=", ".join(close or jets.fields))
        values = np.asarray(ak.flatten(jets[field], axis=1))
        if field == "mass" and view is not self._stored:
            return values * (self.pt_ratio() if view.mass_scale is None else view.mass_scale)
        return values

    def moved_events(self) -> ak.Array:
        """The events with their jets under this hypothesis, where jets are a collection of their own in the file."""
        if self.view is self._stored or not isinstance(self.tables.form, TableFormat):
            return self.events
        return ak.with_field(self.events, self._moved_jets(), self._collection)

    def jets(self) -> ak.Array:
        """The jets under this hypothesis [event][jet], with ``score_<tagger>``, NaN for those that are not analysed."""
        jets = self._moved_jets()
        for name, score in self._scores.items():
            jets = ak.with_field(jets, ak.unflatten(score, self.view.counts), f"{SCORE}{name}")
        return jets

    def _moved_jets(self) -> ak.Array:
        jets = self.tables.jets
        if self.view is not self._stored:
            for field in (name for name in _MOVED if name in jets.fields):
                jets = ak.with_field(jets, ak.unflatten(self.jet_field(field), self.view.counts), field)
        return jets

    def pt_ratio(self) -> NDArray[np.float64]:
        """Pt under this hypothesis over that in the file [n_jets]; 1 for jets without momentum."""
        stored = self._stored.pt
        return np.divide(self.view.pt, stored, out=np.ones_like(stored), where=stored > 0)

    def _of_jets(self, values: NDArray[Any]) -> Column:
        return Column(_numbers(values), JETS, self.view.counts)

    def _branch(self, name: str) -> ak.Array:
        fields = set(self.events.fields)
        for one in branch_names(name):
            if one in fields and not ak.fields(self.events[one]):
                return self.events[one]
            for mark in "._":
                collection, _, field = one.partition(mark)
                if collection in fields and field in ak.fields(self.events[collection]):
                    return self.events[collection][field]
        if name.startswith("n") and name[1:] in fields:  # coffea turns counters into lengths of lists
            return ak.num(self.events[name[1:]], axis=1)
        known = [*fields, *(f"{one}_{field}" for one in fields for field in ak.fields(self.events[one]))]
        raise MissingBranchError(
            f"the events lack the branch {name}", got=", ".join(close_names(name, known)) or "nothing like it"
        )


def _column(name: str, values: ak.Array, owner: str) -> Column:
    if values.ndim == 1:
        return Column(_numbers(np.asarray(values), name))
    if values.ndim != 2:
        raise InvalidDataError(f"the branch {name} has more than one number for each object", got=str(values.type))
    flat = np.asarray(ak.flatten(values, axis=1))
    return Column(_numbers(flat, name), owner, np.asarray(ak.num(values, axis=1), dtype=np.int64))


def _numbers(values: NDArray[Any], name: str = "jet") -> NDArray[Any]:
    """Conditions as they are, anything else as float64."""
    if values.dtype.kind not in "biuf":
        raise InvalidDataError(f"the branch {name} holds no numbers", got=values.dtype)
    return values if values.dtype == np.bool_ else values.astype(np.float64)


def _conditions(values: NDArray[Any], expression: Expression, where: str) -> NDArray[np.bool_]:
    if values.dtype != np.bool_:
        raise ConfigError(
            f"{where} gives numbers where a condition is needed",
            got=repr(expression.source),
            hint="compare it, as in x > 0",
        )
    return values
