"""Jets, candidates and links of events in any of the known layouts, under one set of names."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import PUBLISHED_JETS, InvalidDataError, MissingBranchError, mass_of
from rs3l_gnn.data.formats import FORMATS, CandidateFormat, get_format
from rs3l_gnn.inference.delphes import (
    CANDIDATES,
    delphes_candidates,
    delphes_jet_collection,
    delphes_jets,
    delphes_links,
)
from rs3l_gnn.inference.puppi import PUPPI_WEIGHT, puppi_weighted

__all__ = ["EventTables", "event_numbers", "layout_of", "radius_of", "stored_radius"]

_TABLES = ("pfnano", "nanoaod15")
# Collections whose name means one radius: CMS' AK8 and AK4 jets, and what Delphes' cards call by its radius.
_RADII = {"FatJet": 0.8, "Jet": 0.4, "JetPUPPIAK8": 0.8, "JetAK8": 0.8, "ParticleFlowJet08": 0.8}


def layout_of(fields: Iterable[str], *, candidates: bool = True) -> CandidateFormat:
    """Find the format of events from their collections.

    Args:
        fields: names of the collections, ``events.fields``.
        candidates: False if only the jets are of interest, so that plain NanoAOD will do.

    Raises:
        MissingBranchError: no known format has its collections there.
    """
    found = set(fields)
    for name in _TABLES:
        form = FORMATS[name]
        if {form.jets, form.candidates, form.links} <= found:
            return form
    if set(CANDIDATES) <= found:
        return FORMATS["delphes"]
    if "pfcand" in found or "pfcand_pt" in found:
        return FORMATS["published"]
    if not candidates and FORMATS["pfnano"].jets in found:
        return FORMATS["pfnano"]
    needed = [", ".join((FORMATS[name].jets, FORMATS[name].candidates, FORMATS[name].links)) for name in _TABLES]
    close = sorted(name for name in found if "Jet" in name or "PF" in name or "EFlow" in name)
    raise MissingBranchError(
        "the events hold no jets with candidates",
        got=", ".join(close or sorted(found)) or "no collections",
        allowed="; or ".join([*needed, ", ".join(CANDIDATES), "pfcand_pt"]),
    )


class EventTables:
    """Tables of a chunk of events; on virtual arrays, nothing is read before it is asked for.

    Args:
        events: NanoEvents, or records with the same collections.
        layout: name of the format, found from the collections if None.
        puppi: scale candidates by their PUPPI weights.
        candidates: False if only the jets are asked for.

    Raises:
        MissingBranchError: no known format has its collections there.
        ConfigError: an unknown layout.
    """

    def __init__(
        self, events: ak.Array, layout: str | None = None, *, puppi: bool = False, candidates: bool = True
    ) -> None:
        self._events, self._puppi = events, puppi
        self.form = layout_of(events.fields, candidates=candidates) if layout is None else get_format(layout)

    @cached_property
    def jets(self) -> ak.Array:
        """Records with at least pt, eta, phi, mass [event][jet] (GeV)."""
        if self.form.name == "delphes":
            return delphes_jets(self._events)
        if self.form.name == "published":
            return _published_jets(self._events)
        return self._events[self.form.jets]

    @property
    def radius(self) -> float | None:
        """Of the jets, where the name of their collection tells it; see :func:`radius_of` for NanoEvents."""
        if self.form.name in ("delphes", "published"):
            return stored_radius(self._events.fields, self.form)
        return radius_of(self.jets)

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
    def _weighted(self) -> tuple[ak.Array, ak.Array]:
        stored = self._stored_candidates
        used = [name for name in (*self.form.candidate_fields, PUPPI_WEIGHT) if name in stored.fields]
        return puppi_weighted(stored[used], self._stored_links)

    @cached_property
    def _stored_candidates(self) -> ak.Array:
        if self.form.name == "delphes":
            return delphes_candidates(self._events)
        if self.form.name == "published":
            raise InvalidDataError(
                "the published flat layout holds features, not candidates, which nothing can be done to",
                hint="leave systematics.candidates empty for such files",
            )
        return self._events[self.form.candidates]

    @cached_property
    def _stored_links(self) -> ak.Array:
        if self.form.name == "delphes":
            return delphes_links(self._events, self.jets, self._stored_candidates)
        table = self._events[self.form.links]
        if self.form.link_candidate not in table.fields:
            raise MissingBranchError(
                f"{self.form.links} lacks {self.form.link_candidate}", got=", ".join(table.fields) or "no fields"
            )
        return ak.zip({"jetIdx": table["jetIdx"], "candIdx": table[self.form.link_candidate]})


def stored_radius(fields: Iterable[str], form: CandidateFormat) -> float | None:
    """Radius of the jets that a format's files hold; None for Delphes' ``FatJet`` and ``Jet``, which the card decides.

    Args:
        fields: names of the collections.
        form: the format; files of ``rs3l simulate``, whose jets have any radius, say it in their metadata.
    """
    if form.name == "published":
        return PUBLISHED_JETS.radius
    if form.name != "delphes":
        return _RADII[form.jets]
    name = delphes_jet_collection(fields)
    return None if name in ("FatJet", "Jet") else _RADII[name]


def radius_of(jets: ak.Array) -> float | None:
    """Radius of CMS' jets from the name of their collection, which NanoEvents keep through masks; None if unknown."""
    if "anchor" in ak.fields(jets):  # of rs3l simulate, which calls jets of any radius FatJet
        return None
    return _RADII.get(str(ak.to_layout(jets).purelist_parameter("collection_name")))


def event_numbers(events: ak.Array) -> NDArray[np.uint64] | None:
    """Numbers of the events [n_events]; None where the layout has none."""
    if "event" in events.fields:
        return np.asarray(events["event"]).astype(np.uint64)
    if "Event" in events.fields and "Number" in ak.fields(events["Event"]):
        return np.asarray(_one_each(events["Event"]["Number"])).astype(np.uint64)
    return None


def _one_each(values: Any) -> Any:
    """Delphes stores one number of an event as a list of one."""
    return ak.flatten(values, axis=1) if values.ndim > 1 else values


def _published_jets(events: ak.Array) -> ak.Array:
    pt, eta, energy = (np.asarray(events[f"jet_{name}"], dtype=np.float64) for name in ("pt", "eta", "e"))
    columns = {
        "pt": pt,
        "eta": eta,
        # Not stored; the features hold differences, so nothing depends on it.
        "phi": np.zeros_like(pt),
        "mass": mass_of(energy, pt * np.cosh(eta)),
        "msoftdrop": np.asarray(events["jet_msd"], dtype=np.float64),
        "n2b1": np.asarray(events["jet_n2"], dtype=np.float64),
    }
    one = np.ones(len(pt), dtype=np.int64)
    return ak.zip({name: ak.unflatten(values, one) for name, values in columns.items()})
