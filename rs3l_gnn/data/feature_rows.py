"""Candidates of jets in event files, brought to the one set of features, for simulated files, CMS files and others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import (
    FEATURE_NAMES,
    MAX_CANDIDATES,
    InvalidDataError,
    JetAxes,
    candidate_features,
    hardest_candidates,
)
from rs3l_gnn.data.event_format import KINEMATICS, EventFormat, require_fields, stored_energy
from rs3l_gnn.data.feature_fields import further_fields
from rs3l_gnn.data.format_registry import get_format
from rs3l_gnn.data.links import DIRECTIONS, JET_INDEX, linked_candidates, require_own_candidates
from rs3l_gnn.data.list_fields import counts_of, flat, flat_field

__all__ = ["jet_features", "raw_jets"]


def jet_features(
    jets: ak.Array,
    candidates: ak.Array,
    links: ak.Array,
    layout: str | Mapping[str, Any] | EventFormat = "pfnano",
    *,
    selected: ak.Array | None = None,
    maximum: int = MAX_CANDIDATES,
    features: Sequence[str] = FEATURE_NAMES,
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Compute the features of the hardest candidates of each jet.

    Args:
        jets: records with pt, eta, phi, mass [event][jet] (GeV): the whole collection that ``links`` counts in, or any
            of its jets in any order with a field jetIdx, their places in it. With ``rawFactor``, or ``pt_raw`` and
            ``mass_raw``, the features refer to the jet before corrections, see :func:`raw_jets`.
        candidates: records with the format's ``candidate_fields`` [event][candidate] (GeV, the format's length unit).
        links: records with jetIdx and candIdx [event][link]; a negative index is no link.
        layout: the format, its name in :data:`FORMATS`, or a map of branches.
        selected: True for the jets that are wanted [event][jet]; all if None.
        maximum: candidates kept for each jet.
        features: by name; the 15 of the paper if not given. Impact parameters that the format lacks are 0.

    Returns:
        Features [n_particles, n_features] by falling pT within each jet, and offsets [n_jets + 1]; the (selected) jets
        follow one another in the order of the events.

    Raises:
        ConfigError: an unknown layout or feature.
        MissingBranchError: a needed field is absent.
        InvalidDataError: a link points outside its event, a value is not usable, or the candidates lie elsewhere than
            their jet, because jets without jetIdx were cut or sorted.
    """
    form = get_format(layout)
    require_fields("the jets lack", jets, KINEMATICS)
    fields = further_fields(features)
    require_fields("the candidates lack", candidates, (*form.candidate_fields, *fields))
    require_fields("the links lack", links, ("jetIdx", "candIdx"))
    n_jets, n_candidates = counts_of(jets), counts_of(candidates)
    if not len(n_jets) == len(n_candidates) == len(links):
        raise InvalidDataError(
            "jets, candidates and links must have the same events",
            got=f"{len(n_jets)}, {len(n_candidates)} and {len(links)} events",
        )
    keep = np.ones(int(n_jets.sum()), dtype=bool) if selected is None else flat(selected).astype(bool)
    if len(keep) != n_jets.sum():
        raise InvalidDataError("selected must have one entry a jet", got=f"{len(keep)} for {n_jets.sum()} jets")
    candidate, offsets = linked_candidates(jets, links, n_candidates, keep)
    # Hardest first; ties keep the order of the links.
    hardest, offsets = hardest_candidates(flat_field(candidates, "pt")[candidate], offsets, maximum)
    axes = _jet_axes(raw_jets(jets), keep)
    particles = form.particles(candidates, candidate[hardest], *([fields] if fields else []))
    columns = candidate_features(particles, axes, offsets, features)
    if JET_INDEX not in ak.fields(jets):
        if set(DIRECTIONS) <= set(features):
            directions = columns[:, [tuple(features).index(name) for name in DIRECTIONS]]
        else:
            directions = candidate_features(particles, axes, offsets, DIRECTIONS)
        require_own_candidates(directions, offsets)
    return columns, offsets


def raw_jets(jets: ak.Array) -> ak.Array:
    """Momenta as clustered from the candidates, which is what features refer to; CMS stores jets after corrections.

    Taken from ``pt_raw`` and ``mass_raw`` (coffea's names, for jets that were corrected anew), else from NanoAOD's
    ``rawFactor`` as pT (1 - rawFactor) and m (1 - rawFactor); jets without either are taken as they are.

    Args:
        jets: records with pt, eta, phi, mass [event][jet] (GeV).

    Returns:
        Records with pt, eta, phi, mass, and :data:`~rs3l_gnn.data.links.JET_INDEX` where the jets have it; as they are
        without corrections.
    """
    found = ak.fields(jets)
    if "rawFactor" not in found and not {"pt_raw", "mass_raw"} <= set(found):
        return jets
    factor = 1 - ak.values_astype(jets["rawFactor"], np.float64) if "rawFactor" in found else None
    fields = {name: jets[name] for name in (*KINEMATICS, JET_INDEX) if name in found}
    for name in ("pt", "mass"):
        if {"pt_raw", "mass_raw"} <= set(found):
            fields[name] = jets[f"{name}_raw"]
        elif factor is not None:
            fields[name] = ak.values_astype(jets[name], np.float64) * factor
    return ak.zip(fields)


def _jet_axes(jets: ak.Array, keep: NDArray[np.bool_]) -> JetAxes:
    pt, eta, phi, mass = (flat_field(jets, name)[keep].astype(np.float64) for name in KINEMATICS)
    return JetAxes(pt=pt, eta=eta, phi=phi, energy=stored_energy(pt, eta, mass))
