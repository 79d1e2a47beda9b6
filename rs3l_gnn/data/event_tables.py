"""Jets, candidates and links of events in any of the known formats, under one set of names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import FEATURE_NAMES, InvalidDataError, JetDomain
from rs3l_gnn.data.event_format import PUPPI_WEIGHT, EventFormat, collection_of
from rs3l_gnn.data.fast_zlib import read_fast
from rs3l_gnn.data.feature_fields import further_fields, lacking_features
from rs3l_gnn.data.format_registry import find_format, format_of, get_format
from rs3l_gnn.data.puppi import puppi_weighted

__all__ = ["LAYOUT_KEY", "EventTables", "as_records", "entry_columns", "event_numbers", "event_weights", "read_events"]

LAYOUT_KEY = "layout"
"""Key of a data set's metadata that holds a format's name or a map of branches."""


class EventTables:
    """Tables of a chunk of events; on virtual arrays, nothing is read before it is asked for.

    Args:
        events: NanoEvents, or records with the same collections.
        layout: the format, its name, or a map of branches; if None, what the metadata of NanoEvents say (``layout``),
            else found from the collections.
        puppi: scale candidates by their PUPPI weights.
        candidates: False if only the jets are asked for.
        features: that are to be computed; the candidates have what they need, as far as the events do.

    Attributes:
        form: the format.
        features: as given.
        fields: of the candidates that they need beside those of the format.

    Raises:
        MissingBranchError: no known format has its collections there.
        ConfigError: an unknown layout.
    """

    def __init__(
        self,
        events: ak.Array,
        layout: str | Mapping[str, Any] | EventFormat | None = None,
        *,
        puppi: bool = False,
        candidates: bool = True,
        features: Sequence[str] = FEATURE_NAMES,
    ) -> None:
        read_fast()
        self._puppi = puppi
        self.features, self.fields = tuple(features), further_fields(features)
        chosen = layout if layout is not None else _layout_in(events)
        known = None if chosen is None else get_format(chosen)
        self._events = _collected(events, known, candidates=candidates)
        self.form = known or format_of(self._events.fields, candidates=candidates)

    @cached_property
    def jets(self) -> ak.Array:
        """Records with at least pt, eta, phi, mass [event][jet] (GeV)."""
        return self.form.jets(self._events)

    @property
    def domain(self) -> JetDomain:
        """What is known of the kind of jets; the radius where the names tell it."""
        # Jets of rs3l simulate have any radius, whatever their name.
        radius = None if "anchor" in ak.fields(self.jets) else self.form.radius(self._events.fields)
        domain = self.form.domain(radius)
        if set(self.features) <= set(FEATURE_NAMES):
            return domain
        return replace(domain, missing_features=(*(domain.missing_features or ()), *self._lacking_beyond_paper))

    @property
    def _lacking_beyond_paper(self) -> tuple[str, ...]:
        more = [name for name in self.features if name not in FEATURE_NAMES]
        fields = () if self.form.holds_features else ak.fields(self._stored_candidates)
        return lacking_features(self.form, more, fields)

    @property
    def candidates(self) -> ak.Array:
        """Records with the format's ``candidate_fields`` [event][candidate].

        Raises:
            InvalidDataError: the layout holds features in place of candidates.
            MissingBranchError: PUPPI weights are asked for, and there are none.
        """
        return self._weighted[0] if self._puppi else self._stored_candidates

    @property
    def links(self) -> ak.Array:
        """Records with jetIdx and candIdx [event][link]."""
        return self._weighted[1] if self._puppi else self._stored_links

    @cached_property
    def stored_features(self) -> tuple[NDArray[np.float32], NDArray[np.int64]] | None:
        """Features [n_particles, 15] and candidates of each jet [n_jets] of files that hold these, not candidates.

        Raises:
            InvalidDataError: PUPPI weights are asked for.
        """
        features = self.form.features(self._events)
        if features is not None and self._puppi:
            self.form.candidates(self._events)  # says why not
        return features

    @cached_property
    def _weighted(self) -> tuple[ak.Array, ak.Array]:
        stored = self._stored_candidates
        wanted = dict.fromkeys((*self.form.candidate_fields, PUPPI_WEIGHT, *self.fields))
        used = [name for name in wanted if name in stored.fields]
        return puppi_weighted(stored[used], self._stored_links)

    @cached_property
    def _stored_candidates(self) -> ak.Array:
        candidates = self.form.candidates(self._events)
        return self.form.with_fields(self._events, candidates, self.fields) if self.fields else candidates

    @cached_property
    def _stored_links(self) -> ak.Array:
        return self.form.links(self._events, self.jets, self._stored_candidates)


def event_numbers(events: ak.Array) -> NDArray[np.uint64] | None:
    """Numbers of the events [n_events]; None where the format has none."""
    return _form(events).numbers(events)


def event_weights(events: ak.Array) -> NDArray[np.float64] | None:
    """Generator weights of the events [n_events]; None where the file has none."""
    return _form(events).weights(events)


def entry_columns(stored: ak.Array, length: int, *, complaint: str, hint: str) -> NDArray[Any]:
    """A branch with several numbers an event, as one column for each of them [n_events, length].

    Args:
        stored: lists of numbers, one an event.
        length: how many there must be.
        complaint, hint: what to say where there are others.

    Raises:
        InvalidDataError: an event has another number of entries.
    """
    counts = np.asarray(ak.num(stored, axis=1))
    wrong = counts[counts != length]
    if len(wrong):
        raise InvalidDataError(complaint, got=int(wrong[0]), allowed=length, hint=hint)
    return np.asarray(ak.flatten(stored, axis=1)).reshape(len(counts), length)


def _form(events: ak.Array) -> EventFormat:
    chosen = _layout_in(events)
    if chosen is not None:
        return get_format(chosen)
    return find_format(events.fields, candidates=False) or get_format("nanoaod")


def _collected(events: ak.Array, form: EventFormat | None, *, candidates: bool) -> ak.Array:
    """Events with collections, also where a schema leaves branches as they are (coffea's BaseSchema)."""
    fields, collections = set(events.fields), {collection_of(name) for name in events.fields}
    if form is None and find_format(fields, candidates=candidates) is None:
        form = find_format(collections, candidates=candidates)
    # A format's mark may be a branch by itself (hardHash), so the others tell.
    apart = form is not None and form.separator and (collections - fields) & set(form.marks)
    return as_records(events, form) if form is not None and apart else events


def _layout_in(events: ak.Array) -> Any:
    metadata = ak.to_layout(events).purelist_parameter("metadata")
    return metadata.get(LAYOUT_KEY) if isinstance(metadata, Mapping) else None


def read_events(tree: Any, form: EventFormat, branches: list[str], **entries: int) -> ak.Array:
    """Branches of an open tree as records with one field for each collection, as coffea makes them.

    Args:
        tree: of uproot.
        form: says how branches are named.
        branches: their names in the tree.
        entries: ``entry_start`` and ``entry_stop``.

    Raises:
        Exception: whatever uproot raises, and as it does where lists do not lie in their baskets.
    """
    # An open tree says that uproot is there; scores of arrays do without it.
    from rs3l_gnn.data.opening import is_local
    from rs3l_gnn.data.plain_events import plain_events
    from rs3l_gnn.data.sound_lists import sound

    read_fast()
    found = plain_events(tree, form.separator, branches, **entries) if is_local(tree) else None
    if found is not None:
        return found
    return as_records(sound(tree.arrays(branches, **entries), tree.file.file_path), form)


def as_records(arrays: ak.Array, form: EventFormat) -> ak.Array:
    """Arrays by the names of their branches as records with one field for each collection."""
    found: dict[str, Any] = {}
    for name in arrays.fields:
        collection, _, field = name.rpartition("/")[2].partition(form.separator or "\0")
        found.setdefault(collection, {})[field] = arrays[name]
    records = {
        collection: fields[""]
        if set(fields) == {""}
        else ak.zip(fields, depth_limit=min(2, next(iter(fields.values())).ndim))
        for collection, fields in found.items()
    }
    return ak.zip(records, depth_limit=1)
