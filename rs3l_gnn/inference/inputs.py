"""From event records to the inputs of a network: one set of features for all taggers of a chunk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import awkward as ak
import numpy as np
from numpy.typing import ArrayLike, NDArray

from rs3l_gnn.conventions import (
    FEATURE_NAMES,
    InvalidDataError,
    JetDomain,
    MissingBranchError,
    columns_of,
    feature_names,
)
from rs3l_gnn.conventions.jagged import offsets_of
from rs3l_gnn.data import EventFormat, EventTables, get_format, jet_features
from rs3l_gnn.data.event_format import COLLECTION_RADII
from rs3l_gnn.data.feature_fields import require_features
from rs3l_gnn.data.links import JET_INDEX
from rs3l_gnn.data.list_fields import counts_of, flat, flat_field, plain_field
from rs3l_gnn.data.missing_jets import with_none, without_none
from rs3l_gnn.data.puppi import puppi_weighted

__all__ = ["JetInputs", "event_inputs", "format_of_candidates", "jet_inputs", "table_inputs", "with_paper"]

Layout: TypeAlias = str | Mapping[str, Any] | EventFormat


@dataclass(frozen=True)
class JetInputs:
    """Features of the candidates of some jets, with what is needed to bring results back to the events.

    Attributes:
        features: of the candidates [n_particles, n_features].
        offsets: first candidate of each jet [n_jets + 1].
        counts: jets of each event [n_events].
        domain: what is known of the kind of jets: format, missing features, and the radius where the name of the
            collection tells it.
        present: False where a list of jets has None in place of one [n_entries], None if it never has. ``counts`` then
            counts the entries.
        axes: eta and phi of the jets [n_jets, 2]; None where only features are known, which is enough for all networks
            but those of weaver.
        names: what the columns of ``features`` are.
    """

    features: NDArray[np.float32]
    offsets: NDArray[np.int64]
    counts: NDArray[np.int64]
    domain: JetDomain = field(default_factory=JetDomain)
    present: NDArray[np.bool_] | None = None
    axes: NDArray[np.float64] | None = None
    names: tuple[str, ...] = FEATURE_NAMES

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the features that the file's format cannot give; they are 0 everywhere."""
        return self.domain.missing_features or ()

    @property
    def n_jets(self) -> int:
        """Number of jets in all events."""
        return len(self.offsets) - 1

    def lacking(self, names: Sequence[str]) -> tuple[str, ...]:
        """Those of ``names`` that are not there, or 0 since the format cannot give them."""
        return tuple(name for name in names if name not in self.names or name in self.missing)

    def table(self, names: Sequence[str]) -> NDArray[np.float32]:
        """What a network is given that takes the features ``names``; see :func:`rs3l_gnn.conventions.columns_of`.

        Raises:
            InvalidDataError: one is not there.
        """
        if absent := [name for name in names if name not in self.names]:
            raise InvalidDataError(
                f"the inputs do not hold {', '.join(absent)}",
                got=", ".join(self.names),
                hint="make them with event_inputs(..., features=tagger.features)",
            )
        columns = columns_of(names, self.names)
        return self.features if columns is None else self.features[:, columns]

    def jagged(self, values: ArrayLike) -> ak.Array:
        """Cut values of the jets [n_jets, ...] into events [event][jet], None where there was None for a jet."""
        flat: Any = np.asarray(values)
        if self.present is not None:
            flat = with_none(flat, self.present)
        return ak.unflatten(flat, self.counts)


def with_paper(features: Iterable[str]) -> tuple[str, ...]:
    """The paper's 15, and behind them those of ``features`` that are not among them: one table for several networks."""
    return (*FEATURE_NAMES, *(name for name in dict.fromkeys(features) if name not in FEATURE_NAMES))


def event_inputs(
    events: ak.Array,
    *,
    selected: ak.Array | None = None,
    layout: Layout | None = None,
    puppi: bool = False,
    features: str | Sequence[str] | None = None,
) -> JetInputs:
    """Inputs of the jets of NanoEvents; on virtual arrays, nothing but the needed branches is read.

    Args:
        events: records with the collections of the format (for PFNano ``FatJet``, ``PFCands``, ``FatJetPFCands``;
            for Delphes a collection of jets, ``EFlowTrack``, ``EFlowPhoton``, ``EFlowNeutralHadron``; for the
            published flat layout ``pfcand_*`` and ``jet_*``).
        selected: True for the wanted jets [event][jet]; all if None.
        layout: the format, its name, or a map of branches; found as :class:`rs3l_gnn.data.EventTables` says if None.
        puppi: scale candidates by their PUPPI weights, for jets that were clustered from such.
        features: by name, or sets of them (``nano``), all of which the events must be able to give; the paper's 15 if
            None, where those that the format lacks are 0 and stand in :attr:`JetInputs.missing`.

    Raises:
        ConfigError: an unknown feature, or one that is named twice.
        MissingBranchError: collections or fields are absent, or the events cannot give a feature that is named.
        InvalidDataError: a link or a value is not usable.
    """
    names = FEATURE_NAMES if features is None else feature_names(features)
    tables = EventTables(events, layout, puppi=puppi, features=names)
    if features is not None:
        fields = () if tables.form.holds_features else ak.fields(tables.candidates)
        require_features(tables.form, names, fields, where="the events")
    return table_inputs(tables, selected=selected)


def table_inputs(tables: EventTables, *, selected: ak.Array | None = None) -> JetInputs:
    """As :func:`event_inputs`, of the tables of a chunk and their features; impact parameters may be missing.

    Raises:
        MissingBranchError: collections or fields are absent.
        InvalidDataError: a link or a value is not usable.
    """
    stored = tables.stored_features
    if stored is None:
        inputs = jet_inputs(
            tables.jets,
            tables.candidates,
            tables.links,
            layout=tables.form,
            selected=selected,
            features=tables.features,
        )
        return replace(inputs, domain=tables.domain)
    features, counts = stored
    if tables.features != FEATURE_NAMES:
        require_features(tables.form, tables.features, (), where="the events")
        features = features[:, [FEATURE_NAMES.index(name) for name in tables.features]]
    jets_of_event = ak.num(tables.jets["pt"], axis=1)
    keep = np.ones(len(counts), dtype=bool) if selected is None else np.asarray(ak.flatten(selected)).astype(bool)
    wanted = np.asarray(jets_of_event if selected is None else ak.sum(selected, axis=1), dtype=np.int64)
    axes = _axes(tables.jets, keep)
    kept = features[np.repeat(keep, counts)]
    return JetInputs(kept, offsets_of(counts[keep]), wanted, tables.domain, axes=axes, names=tables.features)


def jet_inputs(
    jets: ak.Array,
    candidates: ak.Array,
    links: ak.Array | None = None,
    *,
    layout: Layout | None = None,
    selected: ak.Array | None = None,
    puppi: bool = False,
    features: Sequence[str] = FEATURE_NAMES,
) -> JetInputs:
    """Inputs from jets and candidates.

    Args:
        jets: records with pt, eta, phi, mass [event][jet] (GeV), the whole collection that ``links`` counts in. Jets
            that were cut, sorted or picked need their places in it as a field jetIdx; None stays None. ``rawFactor``
            is used as :func:`rs3l_gnn.data.raw_jets` says.
        candidates: records with pt, eta, phi, mass, pdgId, and charge, d0, dz where the format has them: either
            [event][candidate] with ``links``, or [event][jet][candidate] without, jet by jet like ``jets``; and what
            else ``features`` need, by PFNano's names.
        links: records with jetIdx and candIdx (or the format's own name of it) [event][link].
        layout: the format, its name, or a map of branches; if None, ``pfnano`` for candidates with d0 and dz,
            ``nanoaod15`` without.
        selected: True for the wanted jets [event][jet]; all if None.
        puppi: scale candidates by their field puppiWeight.
        features: by name; impact parameters that the format lacks are 0 and stand in :attr:`JetInputs.missing`.

    Raises:
        ConfigError: an unknown feature.
        MissingBranchError: a field is absent, or there are neither links nor nested candidates.
        InvalidDataError: a link or a value is not usable, or the links do not count in these jets.
    """
    if jets["pt"].ndim != 2:
        raise InvalidDataError(
            "jets must be lists of jets in each event [event][jet]",
            got=f"{jets['pt'].ndim} dimension(s)",
            hint="take one jet of each event as jets[:, :1], or with keepdims=True",
        )
    form = get_format(layout) if layout is not None else format_of_candidates(candidates)
    if links is None:
        candidates, links = _unnest(candidates, jets)
        jets = jets[[name for name in jets.fields if name != JET_INDEX]]
    else:
        links = form.as_links(links)
    if puppi:
        candidates, links = puppi_weighted(candidates, links)
    counts = counts_of(jets) if selected is None else np.asarray(ak.sum(selected, axis=1), dtype=np.int64)
    present = None
    if plain_field(jets, "pt") is None and ak.any(absent := ak.is_none(jets["pt"], axis=1)):
        # As argmax gives them for events without jets.
        kept = np.ones(len(ak.flatten(absent)), bool) if selected is None else np.asarray(ak.flatten(selected), bool)
        present = ~np.asarray(ak.flatten(absent))[kept]
        selected = None if selected is None else selected[~absent]
        jets = without_none(jets)
    columns, offsets = jet_features(jets, candidates, links, form, selected=selected, features=features)
    axes = _axes(jets, slice(None) if selected is None else flat(selected).astype(bool))
    return JetInputs(columns, offsets, counts, form.domain(radius_of(jets)), present, axes, tuple(features))


def _axes(jets: ak.Array, keep: NDArray[np.bool_] | slice) -> NDArray[np.float64]:
    """Eta and phi of the wanted jets [n_jets, 2]."""
    columns = [flat_field(jets, name)[keep].astype(np.float64) for name in ("eta", "phi")]
    return np.stack(columns, axis=1)


def radius_of(jets: ak.Array) -> float | None:
    """Radius of jets from the name of their collection, which NanoEvents keep through masks; None if unknown."""
    if "anchor" in ak.fields(jets):  # of rs3l simulate, which calls jets of any radius FatJet
        return None
    return COLLECTION_RADII.get(str(ak.to_layout(jets).purelist_parameter("collection_name")))


def format_of_candidates(candidates: ak.Array) -> EventFormat:
    """PFNano for candidates with impact parameters, NanoAOD from version 15 on for others."""
    return get_format("pfnano" if {"d0", "dz"} <= set(ak.fields(candidates)) else "nanoaod15")


def _unnest(candidates: ak.Array, jets: ak.Array) -> tuple[ak.Array, ak.Array]:
    if candidates.ndim != 3:
        raise MissingBranchError(
            "candidates without links must be nested in the jets [event][jet][candidate]",
            got=f"{candidates.ndim} dimensions",
            hint="pass the table of links, for PFNano events.FatJetPFCands, as the third argument",
        )
    if len(candidates) != len(jets) or ak.any(ak.num(candidates, axis=1) != ak.num(jets["pt"], axis=1)):
        raise InvalidDataError(
            "nested candidates must have one list for each jet",
            got=f"{ak.sum(ak.num(candidates, axis=1))} lists for {ak.sum(ak.num(jets['pt'], axis=1))} jets",
            hint="cut and sort the candidates [event][jet][candidate] like the jets",
        )
    jet = ak.flatten(ak.broadcast_arrays(ak.local_index(candidates, axis=1), candidates["pt"])[0], axis=2)
    flat = ak.flatten(candidates, axis=2)
    return flat, ak.zip({"jetIdx": jet, "candIdx": ak.local_index(flat["pt"], axis=1)})
