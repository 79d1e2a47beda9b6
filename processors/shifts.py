"""Variations of the candidates of jets, after which the networks run again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import InvalidDataError, event_hash
from rs3l_gnn.conventions.features import PHOTON_IDS
from rs3l_gnn.conventions.jagged import parents_of, starts_of
from rs3l_gnn.data import EventFormat, EventTables, raw_jets
from rs3l_gnn.data.links import JET_INDEX
from rs3l_gnn.processors.momenta import momentum_records
from rs3l_gnn.processors.random_numbers import numbers_to_draw_by, object_keys
from rs3l_gnn.processors.running.metadata import is_simulation
from rs3l_gnn.processors.selection import JetView
from rs3l_gnn.processors.systematics_config import CandidateShift, SystematicsConfig

__all__ = ["ShiftedCandidates", "shift_candidates", "shift_records", "shifted_sets"]


@dataclass(frozen=True)
class ShiftedCandidates:
    """Jets and candidates of a chunk after a change of the candidates.

    Attributes:
        view: the jets, with momenta that follow their candidates.
        jets: records with pt, eta, phi, mass before corrections [event][jet].
        candidates: records as in the file [event][candidate].
        links: records with jetIdx and candIdx [event][link].
    """

    view: JetView
    jets: ak.Array
    candidates: ak.Array
    links: ak.Array


def shift_records(config: SystematicsConfig, metadata: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Object variations that a nominal data set fills: name on the variation axis -> record for the output."""
    if not is_simulation(metadata):
        return {}
    records = momentum_records(config.momenta)
    for shift in config.candidates:
        for name, size in _sides(shift):
            records[name] = {
                "kind": "candidates",
                "axis_name": name,
                "parameter": f"{shift.kind} of {shift.particles} candidates",
                "factor": size,
                "two_sided": shift.kind == "energy_scale",
            }
    return records


def shifted_sets(
    events: ak.Array, tables: EventTables, view: JetView, config: SystematicsConfig, metadata: Mapping[str, Any]
) -> Iterator[ShiftedCandidates]:
    """The chunk under each change of the candidates, one at a time to spare memory."""
    if not config.candidates or not is_simulation(metadata):
        return
    for shift in config.candidates:
        drawn = shift.kind == "tracking_efficiency"
        event = numbers_to_draw_by(events) if drawn else np.zeros(len(events), dtype=np.uint64)
        for name, size in _sides(shift):
            yield shift_candidates(tables, view, shift, variation=name, size=size, event=event)


def shift_candidates(
    tables: EventTables,
    view: JetView,
    shift: CandidateShift,
    *,
    variation: str,
    size: float,
    event: NDArray[np.uint64],
) -> ShiftedCandidates:
    """Change candidates, and let the jets follow.

    A jet's new momentum is its old one before corrections plus the changes of its candidates. The view's pT and
    soft-drop mass are scaled like the uncorrected momentum and mass, so that a view that was smeared stays so.

    Args:
        tables: jets, candidates and links of the chunk.
        view: the jets of the nominal histograms.
        shift: what happens.
        variation: name on the variation axis.
        size: signed relative shift of the energy, or the share of tracks lost.
        event: event numbers, which decide with ``shift.seed`` which tracks are lost [n_events].
    """
    fields = [*tables.form.candidate_fields, *tables.fields]
    candidates, links = tables.candidates[fields], tables.links
    counts = np.asarray(ak.num(candidates["pt"], axis=1))
    touched = _touched(candidates, tables.form, shift)
    if shift.kind == "energy_scale":
        factor = np.where(touched, 1 + size, 1.0)
    else:
        key = object_keys(event, counts, np.asarray(ak.flatten(ak.local_index(candidates["pt"], axis=1))))
        factor = np.where(touched & (event_hash(f"{shift.name}-{shift.seed}", key) < size), 0.0, 1.0)
    link_event = parents_of(np.asarray(ak.num(links["jetIdx"], axis=1)))
    jet, candidate = (np.asarray(ak.flatten(links[name], axis=1)).astype(np.int64) for name in ("jetIdx", "candIdx"))
    linked = (jet >= 0) & (candidate >= 0)
    if (linked & ((jet >= view.counts[link_event]) | (candidate >= counts[link_event]))).any():
        raise InvalidDataError("a link points to a jet or candidate that does not exist")
    all_candidates = np.where(linked, candidate + starts_of(counts)[link_event], 0)
    all_jets = np.where(linked, jet + starts_of(view.counts)[link_event], 0)
    change = _momenta(candidates) * (factor - 1)[:, None]
    # Corrections are factors on what the candidates add up to, and so is the ratio below.
    jets = raw_jets(tables.jets)
    momenta = _momenta(jets)
    for axis in range(4):
        momenta[:, axis] += np.bincount(
            all_jets[linked], weights=change[all_candidates[linked], axis], minlength=len(momenta)
        )
    new_jets = _jets_of(momenta)
    ratio = {}
    for name in ("pt", "mass"):
        old = np.asarray(ak.flatten(jets[name], axis=1), dtype=np.float64)
        ratio[name] = np.divide(new_jets[name], old, out=np.ones_like(old), where=old > 0)
    stored = np.asarray(ak.flatten(tables.jets["pt"], axis=1), dtype=np.float64)
    corrected = np.divide(view.pt, stored, out=np.ones_like(stored), where=stored > 0)
    lost = linked & (factor[all_candidates] == 0) if len(factor) else linked
    kept_links = ak.zip(
        {
            "jetIdx": ak.unflatten(np.where(lost, -1, jet), ak.num(links["jetIdx"], axis=1)),
            "candIdx": links["candIdx"],
        }
    )
    moved = ak.zip({name: ak.unflatten(values, view.counts) for name, values in new_jets.items()})
    scale = ak.unflatten(np.where(factor == 0, 1.0, factor), counts)
    changed = {name: candidates[name] * (scale if name in ("pt", "mass") else 1) for name in candidates.fields}
    return ShiftedCandidates(
        replace(
            view,
            variation=variation,
            pt=view.pt * ratio["pt"],
            eta=new_jets["eta"],
            mass=view.mass * ratio["mass"],
            phi=new_jets["phi"],
            mass_scale=corrected * ratio["mass"],
        ),
        # The links count in these jets, wherever the shift has moved them.
        ak.with_field(moved, ak.local_index(moved["pt"], axis=1), JET_INDEX),
        ak.zip(changed),
        kept_links,
    )


def _sides(shift: CandidateShift) -> list[tuple[str, float]]:
    if shift.kind == "tracking_efficiency":  # tracks can be lost, not found: one side
        return [(shift.name + "Up", shift.size)]
    return [(shift.name + "Up", shift.size), (shift.name + "Down", -shift.size)]


def _touched(candidates: ak.Array, form: EventFormat, shift: CandidateShift) -> NDArray[np.bool_]:
    charged = np.asarray(form.charge(candidates) != 0)
    if shift.kind == "tracking_efficiency":
        return charged
    kind = np.abs(np.asarray(ak.flatten(candidates["pdgId"], axis=1)))
    photon = np.isin(kind, PHOTON_IDS) & ~charged
    touched: dict[str, NDArray[np.bool_]] = {
        "all": np.ones(len(kind), dtype=bool),
        "charged": charged,
        "photon": photon,
        "neutral": ~charged & ~photon,
    }
    return touched[shift.particles]


def _momenta(records: ak.Array) -> NDArray[np.float64]:
    """Energy and momentum [n, 4] in GeV."""
    pt, eta, phi, mass = (
        np.asarray(ak.flatten(records[name], axis=1), dtype=np.float64) for name in ("pt", "eta", "phi", "mass")
    )
    pz = pt * np.sinh(eta)
    energy = np.sqrt(pt**2 + pz**2 + np.maximum(mass, 0) ** 2)
    return np.stack([energy, pt * np.cos(phi), pt * np.sin(phi), pz], axis=1)


def _jets_of(momenta: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    energy, px, py, pz = momenta.T
    pt = np.hypot(px, py)
    return {
        "pt": pt,
        "eta": np.arcsinh(np.divide(pz, pt, out=np.zeros_like(pz), where=pt > 0)),
        "phi": np.arctan2(py, px),
        "mass": np.sqrt(np.maximum(energy**2 - px**2 - py**2 - pz**2, 0)),
    }
