"""Variations of the objects themselves: jet momenta, where scores are reused, and candidates, where they are not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import InvalidDataError, MissingBranchError, event_hash
from rs3l_gnn.inference import EventTables, event_numbers
from rs3l_gnn.processors.config import CandidateShift, MomentumShifts, SystematicsConfig, flag
from rs3l_gnn.processors.corrections import evaluator
from rs3l_gnn.processors.resolution import generated_pt, smearing
from rs3l_gnn.processors.selection import JetView
from rs3l_gnn.processors.weights import branch

__all__ = ["ShiftedCandidates", "momentum_views", "shift_candidates", "shift_records", "shifted_sets"]

_PHOTONS = (22, 2)
_MAX_OBJECTS = 1 << 12  # objects of one kind in an event, for a number that is unique to (event, object)


@dataclass(frozen=True)
class ShiftedCandidates:
    """Jets and candidates of a chunk after a change of the candidates.

    Attributes:
        view: the jets, with momenta that follow their candidates.
        jets: records with pt, eta, phi, mass [event][jet].
        candidates: records as in the file [event][candidate].
        links: records with jetIdx and candIdx [event][link].
    """

    view: JetView
    jets: ak.Array
    candidates: ak.Array
    links: ak.Array


def shift_records(config: SystematicsConfig, metadata: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Object variations that a nominal data set fills: name on the variation axis -> record for the output."""
    if not flag(metadata, "isMC", default=True):
        return {}
    records: dict[str, dict[str, Any]] = {}
    momenta = config.momenta
    if momenta is not None:
        for source, correction in momenta.scale.items():
            for side in ("Up", "Down"):
                records[source + side] = {
                    "kind": "momentum",
                    "axis_name": source + side,
                    "correction": correction,
                    "two_sided": True,
                }
        if momenta.resolution_factor is not None:
            for side in ("Up", "Down"):
                records["jer" + side] = {
                    "kind": "momentum",
                    "axis_name": "jer" + side,
                    "correction": momenta.resolution_factor,
                    "two_sided": True,
                }
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


def momentum_views(
    events: ak.Array, view: JetView, config: SystematicsConfig, metadata: Mapping[str, Any]
) -> list[JetView]:
    """The nominal view, smeared if a resolution is given, and one view for each shift of the jet momenta.

    The relative uncertainty u of a scale moves pT and mass to (1 +- u) times their values. The resolution is applied as
    :func:`rs3l_gnn.processors.resolution.smearing` says.

    Args:
        events: the chunk.
        view: its jets.
        config: systematics.
        metadata: of the data set.
    """
    momenta = config.momenta
    if momenta is None or not flag(metadata, "isMC", default=True):
        return [view]
    nominal, smeared = view, {}
    if momenta.resolution is not None and momenta.resolution_factor is not None:
        generated = generated_pt(events, view, momenta.gen_jets)
        normal = _normal_of_jets(events, view)
        rho = _energy_density(events, view, momenta.rho)
        resolution = _evaluate(momenta, momenta.resolution, view, Rho=rho)
        for side, systematic in (("", "nom"), ("Up", "up"), ("Down", "down")):
            factor = _evaluate(momenta, momenta.resolution_factor, view, systematic=systematic)
            smeared[side] = smearing(view.pt, resolution, factor, generated=generated, normal=normal)
        nominal = _scaled(view, smeared.pop(""), "nominal")
    views = [nominal]
    for source, correction in momenta.scale.items():
        uncertainty = _evaluate(momenta, correction, nominal)
        views += [_scaled(nominal, 1 + uncertainty, source + "Up"), _scaled(nominal, 1 - uncertainty, source + "Down")]
    return views + [_scaled(view, factor, "jer" + side) for side, factor in smeared.items()]


def shifted_sets(
    events: ak.Array, tables: EventTables, view: JetView, config: SystematicsConfig, metadata: Mapping[str, Any]
) -> Iterator[ShiftedCandidates]:
    """The chunk under each change of the candidates, one at a time to spare memory."""
    if not config.candidates or not flag(metadata, "isMC", default=True):
        return
    candidates = tables.candidates[list(tables.form.candidate_fields)]
    event = _numbers(events)
    for shift in config.candidates:
        for name, size in _sides(shift):
            yield shift_candidates(
                tables.jets,
                candidates,
                tables.links,
                view,
                shift,
                variation=name,
                size=size,
                event=event,
            )


def shift_candidates(
    jets: ak.Array,
    candidates: ak.Array,
    links: ak.Array,
    view: JetView,
    shift: CandidateShift,
    *,
    variation: str,
    size: float,
    event: NDArray[np.uint64],
) -> ShiftedCandidates:
    """Change candidates, and let the jets follow.

    A jet's new momentum is its old one plus the changes of its candidates. The view's pT and soft-drop mass are scaled
    like the momentum and mass of the file, so that a view that was smeared stays so.

    Args:
        jets: records with pt, eta, phi, mass [event][jet] (GeV).
        candidates: records with pt, eta, phi, mass, pdgId and more [event][candidate] (GeV).
        links: records with jetIdx and candIdx [event][link].
        view: the jets of the nominal histograms.
        shift: what happens.
        variation: name on the variation axis.
        size: signed relative shift of the energy, or the share of tracks lost.
        event: event numbers, which decide with ``shift.seed`` which tracks are lost [n_events].
    """
    counts = np.asarray(ak.num(candidates["pt"], axis=1))
    touched = _touched(candidates, shift)
    if shift.kind == "energy_scale":
        factor = np.where(touched, 1 + size, 1.0)
    else:
        key = np.repeat(event, counts) * np.uint64(_MAX_OBJECTS) + _local(counts).astype(np.uint64)
        factor = np.where(touched & (event_hash(f"{shift.name}-{shift.seed}", key) < size), 0.0, 1.0)
    link_event = np.repeat(np.arange(len(links)), np.asarray(ak.num(links["jetIdx"], axis=1)))
    jet, candidate = (np.asarray(ak.flatten(links[name], axis=1)).astype(np.int64) for name in ("jetIdx", "candIdx"))
    linked = (jet >= 0) & (candidate >= 0)
    if (linked & ((jet >= view.counts[link_event]) | (candidate >= counts[link_event]))).any():
        raise InvalidDataError("a link points to a jet or candidate that does not exist")
    all_candidates = np.where(linked, candidate + (np.cumsum(counts) - counts)[link_event], 0)
    all_jets = np.where(linked, jet + (np.cumsum(view.counts) - view.counts)[link_event], 0)
    change = _momenta(candidates) * (factor - 1)[:, None]
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
    lost = linked & (factor[all_candidates] == 0) if len(factor) else linked
    kept_links = ak.zip(
        {
            "jetIdx": ak.unflatten(np.where(lost, -1, jet), ak.num(links["jetIdx"], axis=1)),
            "candIdx": links["candIdx"],
        }
    )
    scale = ak.unflatten(np.where(factor == 0, 1.0, factor), counts)
    fields = {name: candidates[name] * (scale if name in ("pt", "mass") else 1) for name in candidates.fields}
    return ShiftedCandidates(
        replace(
            view, variation=variation, pt=view.pt * ratio["pt"], eta=new_jets["eta"], mass=view.mass * ratio["mass"]
        ),
        ak.zip({name: ak.unflatten(values, view.counts) for name, values in new_jets.items()}),
        ak.zip(fields),
        kept_links,
    )


def _sides(shift: CandidateShift) -> list[tuple[str, float]]:
    if shift.kind == "tracking_efficiency":  # tracks can be lost, not found: one side
        return [(shift.name + "Up", shift.size)]
    return [(shift.name + "Up", shift.size), (shift.name + "Down", -shift.size)]


def _touched(candidates: ak.Array, shift: CandidateShift) -> NDArray[np.bool_]:
    kind = np.abs(np.asarray(ak.flatten(candidates["pdgId"], axis=1)))
    charged = np.isin(kind, (11, 13, 211, 321, 2212))
    if shift.kind == "tracking_efficiency":
        return charged
    photon = np.isin(kind, _PHOTONS)
    return {
        "all": np.ones(len(kind), dtype=bool),
        "charged": charged,
        "photon": photon,
        "neutral": ~charged & ~photon,
    }[shift.particles]


def _scaled(view: JetView, factor: NDArray[np.float64], variation: str) -> JetView:
    return replace(view, variation=variation, pt=view.pt * factor, mass=view.mass * factor)


def _evaluate(momenta: MomentumShifts, name: str, view: JetView, **more: Any) -> NDArray[np.float64]:
    if len(view.pt) == 0:
        return np.ones(0)
    correction = evaluator(Path(momenta.file), name)
    known = {"JetPt": view.pt, "JetEta": view.eta, **more}
    missing = [entry.name for entry in correction.inputs if entry.name not in known]
    if missing:
        raise MissingBranchError(f"the correction {name} needs {', '.join(missing)}", allowed=list(known))
    try:
        values = correction.evaluate(*(known[entry.name] for entry in correction.inputs))
    except (IndexError, RuntimeError, ValueError) as error:
        raise InvalidDataError(f"the correction {name} cannot be evaluated: {error}") from error
    return np.asarray(values, dtype=np.float64)


def _energy_density(events: ak.Array, view: JetView, rho: str | float) -> NDArray[np.float64]:
    if isinstance(rho, str):
        return np.repeat(branch(events, rho), view.counts)
    return np.full(len(view.pt), float(rho))


def _normal_of_jets(events: ak.Array, view: JetView) -> NDArray[np.float64]:
    event = np.repeat(_numbers(events), view.counts)
    key = event * np.uint64(_MAX_OBJECTS) + _local(view.counts).astype(np.uint64)
    # Box and Muller, Ann. Math. Statist. 29 (1958) 610; 1 - u lies in (0, 1].
    radius = np.sqrt(-2 * np.log(1 - event_hash("jer-radius", key)))
    return np.asarray(radius * np.cos(2 * np.pi * event_hash("jer-angle", key)))


def _numbers(events: ak.Array) -> NDArray[np.uint64]:
    numbers = event_numbers(events)
    if numbers is None:
        raise MissingBranchError(
            "the events have no numbers, which random numbers of jets and candidates are drawn by",
            got=", ".join(sorted(events.fields)),
        )
    return numbers


def _local(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)


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
