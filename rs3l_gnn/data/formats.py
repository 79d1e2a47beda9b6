"""Candidates of jets in event files, brought to the one set of features.

One :class:`CandidateFormat` for each kind of file says how its impact parameters and charges are stored; everything
after that is the same code for simulated files, CMS files, training and analysis.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import (
    IMPACT_FEATURES,
    MAX_CANDIDATES,
    Candidates,
    ConfigError,
    InvalidDataError,
    JetAxes,
    MissingBranchError,
    candidate_features,
    hardest_candidates,
)
from rs3l_gnn.data.links import JET_INDEX, linked_candidates, require_own_candidates

__all__ = ["FORMATS", "CandidateFormat", "get_format", "jet_features", "raw_jets"]

_KINEMATICS = ("pt", "eta", "phi", "mass")
# PDG numbers of a lepton and its charge have opposite signs, those of a charged pion the same sign.
_CHARGE_OF_ID = {11: -1, -11: 1, 13: -1, -13: 1, 211: 1, -211: -1}


@dataclass(frozen=True)
class CandidateFormat:
    """How one kind of file stores jets and their candidates.

    Attributes:
        name: the ``layout`` of :func:`jet_features`.
        jets: prefix of the jet branches.
        candidates: prefix of the candidate branches.
        links: prefix of the table that ties candidates to jets.
        link_candidate: name of the candidate index in that table; the jet index is ``jetIdx`` everywhere.
        mm_per_unit: factor from stored impact parameters to mm, None if the file has none.
        impact_sentinel: value of d0 and dz, both at once, of a candidate without track details.
        has_charge: False if the charge has to come from the PDG number.
    """

    name: str
    jets: str
    candidates: str
    links: str
    link_candidate: str
    mm_per_unit: float | None
    impact_sentinel: float | None
    has_charge: bool

    @property
    def candidate_fields(self) -> tuple[str, ...]:
        """Fields that each candidate needs."""
        charge = ("charge",) if self.has_charge else ()
        impact = ("d0", "dz") if self.mm_per_unit is not None else ()
        return (*_KINEMATICS, "pdgId", *charge, *impact)

    @property
    def missing_features(self) -> tuple[str, ...]:
        """Features that this format cannot give; they are 0 for every candidate."""
        return () if self.mm_per_unit is not None else IMPACT_FEATURES


FORMATS: dict[str, CandidateFormat] = {
    layout.name: layout
    for layout in (
        # PFNano of CMS Run 2, and the files of ``rs3l simulate``: cm, -1 without track details.
        CandidateFormat("pfnano", "FatJet", "PFCands", "FatJetPFCands", "pFCandsIdx", 10.0, -1.0, has_charge=True),
        # Central NanoAOD from version 15 on.
        CandidateFormat("nanoaod15", "FatJet", "PFCand", "FatJetPFCand", "pfCandIdx", None, None, has_charge=False),
        # Names of PFNano with lengths in mm and no sentinel, as fast simulations write them.
        CandidateFormat("pfnano_mm", "FatJet", "PFCands", "FatJetPFCands", "pFCandsIdx", 1.0, None, has_charge=True),
        # Delphes: three collections of candidates, mm, no table of links; brought to tables by ``inference.delphes``.
        CandidateFormat("delphes", "FatJet", "EFlow", "Constituents", "candIdx", 1.0, None, has_charge=True),
        # The flat ROOT layout of the public data set: one entry a jet, features stored transformed.
        CandidateFormat("published", "jet", "pfcand", "pfcand", "candIdx", 1.0, None, has_charge=True),
    )
}


def get_format(name: str) -> CandidateFormat:
    """Look a format up by name.

    Raises:
        ConfigError: there is no such format.
    """
    try:
        return FORMATS[name]
    except KeyError:
        raise ConfigError(f"unknown layout {name!r}", allowed=list(FORMATS)) from None


def jet_features(
    jets: ak.Array,
    candidates: ak.Array,
    links: ak.Array,
    layout: str = "pfnano",
    *,
    selected: ak.Array | None = None,
    maximum: int = MAX_CANDIDATES,
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Compute the features of the hardest candidates of each jet.

    Args:
        jets: records with pt, eta, phi, mass [event][jet] (GeV): the whole collection that ``links`` counts in, or any
            of its jets in any order with a field jetIdx, their places in it. With ``rawFactor``, or ``pt_raw`` and
            ``mass_raw``, the features refer to the jet before corrections, see :func:`raw_jets`.
        candidates: records with the format's ``candidate_fields`` [event][candidate] (GeV, the format's length unit).
        links: records with jetIdx and candIdx [event][link]; a negative index is no link.
        layout: name in :data:`FORMATS`.
        selected: True for the jets that are wanted [event][jet]; all if None.
        maximum: candidates kept for each jet.

    Returns:
        Features [n_particles, 15] by falling pT within each jet, and offsets [n_jets + 1]; the (selected) jets
        follow one another in the order of the events.

    Raises:
        ConfigError: an unknown layout.
        MissingBranchError: a needed field is absent.
        InvalidDataError: a link points outside its event, a value is not usable, or the candidates lie elsewhere than
            their jet, because jets without jetIdx were cut or sorted.
    """
    form = get_format(layout)
    _require_fields("jets", jets, _KINEMATICS)
    _require_fields("candidates", candidates, form.candidate_fields)
    _require_fields("links", links, ("jetIdx", "candIdx"))
    n_jets, n_candidates = _counts(jets["pt"]), _counts(candidates["pt"])
    if not len(n_jets) == len(n_candidates) == len(links):
        raise InvalidDataError(
            "jets, candidates and links must have the same events",
            got=f"{len(n_jets)}, {len(n_candidates)} and {len(links)} events",
        )
    keep = np.ones(int(n_jets.sum()), dtype=bool) if selected is None else _flat(selected).astype(bool)
    if len(keep) != n_jets.sum():
        raise InvalidDataError("selected must have one entry a jet", got=f"{len(keep)} for {n_jets.sum()} jets")
    candidate, offsets = linked_candidates(jets, links, n_candidates, keep)
    # Hardest first; ties keep the order of the links.
    hardest, offsets = hardest_candidates(_flat(candidates["pt"])[candidate], offsets, maximum)
    axes = _jet_axes(raw_jets(jets), keep)
    features = candidate_features(_candidates(candidates, form, candidate[hardest]), axes, offsets)
    if JET_INDEX not in ak.fields(jets):
        require_own_candidates(features, offsets)
    return features, offsets


def raw_jets(jets: ak.Array) -> ak.Array:
    """Momenta as clustered from the candidates, which is what features refer to; CMS stores jets after corrections.

    Taken from ``pt_raw`` and ``mass_raw`` (coffea's names, for jets that were corrected anew), else from NanoAOD's
    ``rawFactor`` as pT (1 - rawFactor) and m (1 - rawFactor); jets without either are taken as they are.

    Args:
        jets: records with pt, eta, phi, mass [event][jet] (GeV).

    Returns:
        Records with pt, eta, phi, mass, and :data:`~rs3l_gnn.data.links.JET_INDEX` where the jets have it.
    """
    found = ak.fields(jets)
    factor = 1 - ak.values_astype(jets["rawFactor"], np.float64) if "rawFactor" in found else None
    fields = {name: jets[name] for name in (*_KINEMATICS, JET_INDEX) if name in found}
    for name in ("pt", "mass"):
        if {"pt_raw", "mass_raw"} <= set(found):
            fields[name] = jets[f"{name}_raw"]
        elif factor is not None:
            fields[name] = ak.values_astype(jets[name], np.float64) * factor
    return ak.zip(fields)


def _require_fields(what: str, records: ak.Array, needed: tuple[str, ...]) -> None:
    found = ak.fields(records)
    missing = [name for name in needed if name not in found]
    if missing:
        raise MissingBranchError(f"the {what} lack {', '.join(missing)}", got=", ".join(found) or "no fields")


def _counts(values: ak.Array) -> NDArray[np.int64]:
    return np.asarray(ak.num(values, axis=1), dtype=np.int64)


def _flat(values: ak.Array) -> NDArray[Any]:
    return np.asarray(ak.flatten(values, axis=1))


def _energy(pt: NDArray[np.float64], eta: NDArray[np.float64], mass: NDArray[np.float64]) -> NDArray[np.float64]:
    # Stored masses are rounded and come out slightly negative for massless candidates.
    return np.asarray(np.hypot(pt * np.cosh(eta), np.maximum(mass, 0.0)))


def _jet_axes(jets: ak.Array, keep: NDArray[np.bool_]) -> JetAxes:
    pt, eta, phi, mass = (_flat(jets[name])[keep].astype(np.float64) for name in _KINEMATICS)
    return JetAxes(pt=pt, eta=eta, phi=phi, energy=_energy(pt, eta, mass))


def _candidates(records: ak.Array, form: CandidateFormat, index: NDArray[np.int64]) -> Candidates:
    pt, eta, phi, mass = (_flat(records[name])[index].astype(np.float64) for name in _KINEMATICS)
    pdgid = _flat(records.pdgId)[index]
    if form.has_charge:
        charge = _flat(records.charge)[index]
    else:
        charge = np.zeros(len(pdgid), dtype=np.int64)
        for number, sign in _CHARGE_OF_ID.items():
            charge[pdgid == number] = sign
    if form.mm_per_unit is None:
        d0 = dz = np.zeros(len(pt))
    else:
        d0, dz = (_flat(records[name])[index].astype(np.float64) for name in ("d0", "dz"))
        if form.impact_sentinel is not None:
            # Both at once: either alone is a legal length.
            untracked = (d0 == form.impact_sentinel) & (dz == form.impact_sentinel)
            d0, dz = np.where(untracked, 0.0, d0), np.where(untracked, 0.0, dz)
        d0, dz = d0 * form.mm_per_unit, dz * form.mm_per_unit
    return Candidates(pt=pt, eta=eta, phi=phi, energy=_energy(pt, eta, mass), charge=charge, pdgid=pdgid, d0=d0, dz=dz)
