"""Momenta and masses of jets: nominal corrections of every simulated data set, and their variations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import InvalidDataError, MissingBranchError
from rs3l_gnn.conventions.jagged import local_index, parents_of
from rs3l_gnn.data import EventTables
from rs3l_gnn.processors.corrections import evaluator
from rs3l_gnn.processors.random_numbers import normal_numbers, numbers_to_draw_by, object_keys
from rs3l_gnn.processors.resolution import generated_pt, smearing
from rs3l_gnn.processors.running.metadata import is_simulation
from rs3l_gnn.processors.selection import JetView
from rs3l_gnn.processors.systematics_config import MassCorrection, MomentumShifts, Sides, SystematicsConfig
from rs3l_gnn.processors.weights import branch

__all__ = ["momentum_records", "momentum_views"]

_SYSTEMATIC = {"": "nom", "Up": "up", "Down": "down"}  # CMS' words for the sides of a resolution factor


def momentum_records(momenta: MomentumShifts | None) -> dict[str, dict[str, Any]]:
    """Variations of momenta and masses that a nominal data set fills: name on the axis -> record for the output."""
    records: dict[str, dict[str, Any]] = {}
    if momenta is None:
        return records

    def add(source: str, sides: tuple[str, ...], **more: Any) -> None:
        for side in sides:
            name = source + side
            records[name] = {"kind": "momentum", "axis_name": name, "two_sided": len(sides) == 2, **more}

    for source, correction in momenta.scale.items():
        add(source, ("Up", "Down"), correction=correction)
    if momenta.resolution_factor is not None:
        add("jer", ("Up", "Down"), correction=momenta.resolution_factor)
    if momenta.mass is not None:
        add("jms", momenta.mass.scale.sides, parameter="scale of the soft-drop mass")
        add("jmr", momenta.mass.resolution_factor.sides, parameter="resolution of the soft-drop mass")
    return records


def momentum_views(
    events: ak.Array, view: JetView, config: SystematicsConfig, metadata: Mapping[str, Any], *, variations: bool
) -> list[JetView]:
    """The corrected jets, and one view for each variation of their momenta and masses.

    Corrections: the resolution of pT, as :func:`rs3l_gnn.processors.resolution.smearing` says, and scale and resolution
    of the soft-drop mass. The same jet of the same event gets the same random numbers in every data set, so that a
    re-simulated one is corrected like its nominal.

    Variations: the relative uncertainty u of a scale moves the pT to (1 +- u) times its value. The soft-drop mass has
    variations of its own (jms, jmr) and does not move with those of pT.

    Args:
        events: the chunk.
        view: its jets as they stand in the file.
        config: systematics.
        metadata: of the data set; data are left as they are.
        variations: False for a data set that is a variation itself, which is corrected and not varied.
    """
    momenta = config.momenta
    if momenta is None or not is_simulation(metadata):
        return [view]
    pt = _smeared_pt(events, view, momenta, variations=variations)
    mass = {} if momenta.mass is None else _corrected_mass(events, view, momenta.mass, variations=variations)
    nominal = replace(view, variation="nominal", pt=pt.pop("", view.pt), mass=mass.pop("", view.mass))
    views = [nominal]
    for source, correction in momenta.scale.items() if variations else ():
        uncertainty = _evaluate(momenta, correction, nominal)
        views += [
            replace(nominal, variation=source + side, pt=nominal.pt * (1 + sign * uncertainty))
            for side, sign in (("Up", 1), ("Down", -1))
        ]
    views += [replace(nominal, variation="jer" + side, pt=shifted) for side, shifted in pt.items()]
    return views + [replace(nominal, variation=name, mass=shifted) for name, shifted in mass.items()]


def _smeared_pt(
    events: ak.Array, view: JetView, momenta: MomentumShifts, *, variations: bool
) -> dict[str, NDArray[np.float64]]:
    """Side (``""`` for nominal) -> pT in GeV [n_jets]; empty without a resolution."""
    if momenta.resolution is None or momenta.resolution_factor is None:
        return {}
    generated = generated_pt(events, view, momenta.gen_jets)
    normal = _normal_of_jets("jer", events, view)
    resolution = _evaluate(momenta, momenta.resolution, view, Rho=_energy_density(events, view, momenta.rho))
    out = {}
    for side in ("", "Up", "Down") if variations else ("",):
        factor = _evaluate(momenta, momenta.resolution_factor, view, systematic=_SYSTEMATIC[side])
        out[side] = view.pt * smearing(view.pt, resolution, factor, generated=generated, normal=normal)
    return out


def _corrected_mass(
    events: ak.Array, view: JetView, config: MassCorrection, *, variations: bool
) -> dict[str, NDArray[np.float64]]:
    """Name on the variation axis (``""`` for nominal) -> soft-drop mass in GeV [n_jets]."""
    resolution = config.resolution
    normal = np.zeros(len(view.mass)) if resolution is None else _normal_of_jets("jmr", events, view)

    def corrected(scale: float, factor: float) -> NDArray[np.float64]:
        width = np.full(len(view.mass), resolution or 0.0)
        unmatched = np.full(len(view.mass), np.nan)  # files have no generated soft-drop mass
        ratio = np.full(len(view.mass), factor)
        return view.mass * scale * smearing(view.mass, width, ratio, generated=unmatched, normal=normal)

    def side_of(sides: Sides, side: str) -> float:
        return {"Up": sides.up, "Down": sides.down}[side] or sides.nominal

    scale, factor = config.scale, config.resolution_factor
    out = {"": corrected(scale.nominal, factor.nominal)}
    if variations:
        out |= {"jms" + side: corrected(side_of(scale, side), factor.nominal) for side in scale.sides}
        out |= {"jmr" + side: corrected(scale.nominal, side_of(factor, side)) for side in factor.sides}
    return out


def _evaluate(momenta: MomentumShifts, name: str, view: JetView, **more: Any) -> NDArray[np.float64]:
    if len(view.pt) == 0:
        return np.ones(0)
    correction = evaluator(Path(momenta.file or ""), name)
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


def _normal_of_jets(stream: str, events: ak.Array, view: JetView) -> NDArray[np.float64]:
    """A normal number for each jet, by stream, event number and jet [n_jets]."""
    keys = object_keys(numbers_to_draw_by(events), view.counts, _numbers_in_event(events, view.counts))
    return normal_numbers(stream, keys)


def _numbers_in_event(events: ak.Array, counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number of each jet in its event, which means the same jet in every view of a hard event [n_jets].

    It is the jet's place by pT, but two showers of one event may swap two jets of nearly the same pT. Where the file
    says which jet is matched to the hard event, that one has number 0 and the others follow.
    """
    place = local_index(counts)
    jets = EventTables(events, candidates=False).jets
    if "anchor" not in jets.fields:
        return place
    anchor = np.asarray(ak.flatten(jets["anchor"], axis=1), dtype=bool)
    place_of_anchor = np.full(len(counts), -1, dtype=np.int64)  # no jet lies before it in an event without one
    event = parents_of(counts)
    place_of_anchor[event[anchor]] = place[anchor]
    return np.where(anchor, 0, place + (place < place_of_anchor[event]))
