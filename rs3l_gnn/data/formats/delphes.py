"""Delphes' particle-flow candidates as one table of candidates, tied to the jets."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import MissingBranchError, delta_r
from rs3l_gnn.conventions.jagged import local_index, parents_of, starts_of
from rs3l_gnn.data.event_format import COLLECTION_RADII, EventFormat, collection_of, require_fields

__all__ = ["CANDIDATES", "CONE", "DELPHES", "delphes_jet_collection"]

# Collections of large-radius jets first; a card with AK8 jets under the plain name has them in Jet.
_JET_COLLECTIONS = ("JetPUPPIAK8", "JetAK8", "FatJet", "ParticleFlowJet08", "Jet")
CANDIDATES: dict[str, tuple[str, ...]] = {
    "EFlowTrack": ("PT", "Eta", "Phi", "Charge", "PID", "D0", "DZ"),
    "EFlowPhoton": ("ET", "Eta", "Phi"),
    "EFlowNeutralHadron": ("ET", "Eta", "Phi"),
}
"""Collections of candidates, and the fields of each that are read."""
CONE = 0.8
"""Distance in (eta, phi) to the nearest jet within which a candidate belongs to it, where references are no help."""
_FURTHER = {"d0Err": "ErrorD0", "dzErr": "ErrorDZ"}
"""Fields of tracks by PFNano's names; 0 for the others."""
_PDG_IDS = {"EFlowPhoton": 22, "EFlowNeutralHadron": 130}
# Tracks of older files have no mass; everything but leptons is taken for a pion (GeV).
_LEPTON_MASSES, _PION_MASS = {11: 0.000511, 13: 0.10566}, 0.13957
# The upper byte of a reference counts ROOT's processes, the rest numbers the object.
_OBJECT_BITS = 0xFFFFFF
_ANGLES = ("eta", "phi")


def delphes_jet_collection(fields: Iterable[str]) -> str:
    """The collection of jets to use.

    Raises:
        MissingBranchError: there is none.
    """
    found = set(fields)
    for name in _JET_COLLECTIONS:
        if name in found:
            return name
    raise MissingBranchError(
        "the Delphes events hold no jets",
        got=", ".join(sorted(found)) or "no collections",
        allowed=", ".join(_JET_COLLECTIONS),
    )


def _jets(events: ak.Array) -> ak.Array:
    """Jets as records with pt, eta, phi, mass and msoftdrop [event][jet] (GeV).

    The soft-drop mass is that of ``SoftDroppedJet``, which is filled if the card asks for it; it is the plain mass of
    the other jets.

    Raises:
        MissingBranchError: the collection or a field is absent.
    """
    name = delphes_jet_collection(events.fields)
    jets = events[name]
    fields = {"pt": "PT", "eta": "Eta", "phi": "Phi", "mass": "Mass"}
    require_fields(f"{name} lacks", jets, fields.values())
    return ak.zip({**{short: jets[field] for short, field in fields.items()}, "msoftdrop": _soft_drop_mass(jets)})


def _soft_drop_mass(jets: ak.Array) -> ak.Array:
    groomed = _four_vector(jets["SoftDroppedJet"]) if "SoftDroppedJet" in jets.fields else None
    if groomed is None:
        return jets["Mass"]
    square = groomed["t"] ** 2 - groomed["x"] ** 2 - groomed["y"] ** 2 - groomed["z"] ** 2
    mass = ak.where(groomed["t"] > 0, np.sqrt(ak.where(square > 0, square, 0)), jets["Mass"])
    return ak.values_astype(mass, np.float32)


def _four_vector(stored: ak.Array) -> ak.Array | None:
    """ROOT's TLorentzVector with fields x, y, z, t, as coffea has it or as uproot does; None for anything else."""
    if set("xyzt") <= set(ak.fields(stored)):
        return stored
    if {"fP", "fE"} <= set(ak.fields(stored)):
        return ak.zip({**{name: stored["fP"][f"f{name.upper()}"] for name in "xyz"}, "t": stored["fE"]})
    return None


def _track_mass(tracks: ak.Array) -> ak.Array:
    if "Mass" in tracks.fields:
        return tracks["Mass"]
    kind = abs(tracks["PID"])
    mass = ak.zeros_like(tracks["PT"]) + np.float32(_PION_MASS)
    for number, lepton in _LEPTON_MASSES.items():
        mass = ak.where(kind == number, np.float32(lepton), mass)
    return mass


def _candidates(events: ak.Array) -> ak.Array:
    """Tracks, photons and neutral hadrons, in this order, as records in GeV and mm [event][candidate].

    Photons and neutral hadrons are massless calorimeter towers without charge and impact parameter.

    Raises:
        MissingBranchError: a collection or a field is absent.
    """
    parts = []
    for name, fields in CANDIDATES.items():
        require_fields("the Delphes events lack", events, [name])
        require_fields(f"{name} lacks", events[name], fields)
        table = events[name]
        columns = {"pt": table["ET" if "ET" in fields else "PT"], "eta": table["Eta"], "phi": table["Phi"]}
        zero = ak.zeros_like(columns["pt"])
        if name == "EFlowTrack":
            columns |= {"mass": _track_mass(table), "d0": table["D0"], "dz": table["DZ"]}
            charge, pdgid = table["Charge"], table["PID"]
        else:
            columns |= {"mass": zero, "d0": zero, "dz": zero}
            charge, pdgid = zero, zero + _PDG_IDS[name]
        integers = {"charge": ak.values_astype(charge, np.int32), "pdgId": ak.values_astype(pdgid, np.int32)}
        floats = {field: ak.values_astype(values, np.float32) for field, values in columns.items()}
        parts.append(ak.zip({**floats, **integers}))
    return ak.concatenate(parts, axis=1)


def _links(events: ak.Array, jets: ak.Array, candidates: ak.Array) -> ak.Array:
    """Which candidate belongs to which jet.

    A jet whose references (``Constituents``) all name candidates of its event has those. Every other jet has the
    candidates that are nearer to it than to any other jet, and nearer than :data:`CONE`.

    Args:
        events: NanoEvents of coffea's DelphesSchema.
        jets: of :func:`_jets`.
        candidates: of :func:`_candidates`.

    Returns:
        Records with jetIdx and candIdx [event][link].
    """
    n_jets, n_candidates = (np.asarray(ak.num(table["pt"], axis=1), dtype=np.int64) for table in (jets, candidates))
    jet, candidate = _in_cones(jets, candidates, n_jets, n_candidates)
    referred = _referred(events, n_jets, n_candidates)
    if referred is not None:
        by_reference, reference_jet, reference_candidate = referred
        outside = ~by_reference[jet]
        jet = np.concatenate([jet[outside], reference_jet])
        candidate = np.concatenate([candidate[outside], reference_candidate])
    order = np.lexsort((candidate, jet))
    jet, candidate = jet[order], candidate[order]
    event = parents_of(n_jets)[jet]
    counts = np.bincount(event, minlength=len(n_jets))
    local = {
        "jetIdx": jet - starts_of(n_jets)[event],
        "candIdx": candidate - starts_of(n_candidates)[event],
    }
    return ak.zip({name: ak.unflatten(values, counts) for name, values in local.items()})


def _in_cones(
    jets: ak.Array, candidates: ak.Array, n_jets: NDArray[np.int64], n_candidates: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each candidate with its nearest jet, places counted over all events."""
    pairs = n_jets * n_candidates
    event = parents_of(pairs)
    local = local_index(pairs)
    # Candidate by candidate, so that the jets of one stand together.
    candidate = local // n_jets[event] + starts_of(n_candidates)[event]
    jet = local % n_jets[event] + starts_of(n_jets)[event]
    eta, phi = ([np.asarray(ak.flatten(t[name]), dtype=np.float64) for t in (jets, candidates)] for name in _ANGLES)
    distance = np.asarray(delta_r(eta[0][jet], phi[0][jet], eta[1][candidate], phi[1][candidate]))
    order = np.lexsort((distance, candidate))
    first = np.ones(len(order), dtype=bool)
    first[1:] = candidate[order][1:] != candidate[order][:-1]
    nearest = order[first]
    nearest = nearest[distance[nearest] < CONE]
    return jet[nearest], candidate[nearest]


def _referred(
    events: ak.Array, n_jets: NDArray[np.int64], n_candidates: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]] | None:
    """Jets whose references are all found, and their links; None where the file has no references."""
    jets = events[delphes_jet_collection(events.fields)]
    named = all("fUniqueID" in events[name].fields for name in CANDIDATES)
    if not named or "Constituents" not in jets.fields:
        return None
    references = jets["Constituents"]
    if "refs" in ak.fields(references):
        references = references["refs"]
    if references.ndim != 3 or ak.fields(references):
        return None
    numbers: Any = ak.concatenate(
        [ak.values_astype(events[name]["fUniqueID"], np.int64) for name in CANDIDATES], axis=1
    )
    per_jet = np.asarray(ak.flatten(ak.num(references, axis=2)), dtype=np.int64)
    jet = parents_of(per_jet)
    event_of_jet = parents_of(n_jets)
    wanted = _keys(event_of_jet[jet], np.asarray(ak.flatten(references, axis=None)))
    present = _keys(parents_of(n_candidates), np.asarray(ak.flatten(numbers)))
    order = np.argsort(present, kind="stable")
    place = np.minimum(np.searchsorted(present[order], wanted), max(len(present) - 1, 0))
    found = present[order][place] == wanted if len(present) else np.zeros(len(wanted), dtype=bool)
    lost = np.bincount(jet[~found], minlength=len(per_jet))
    whole = (lost == 0) & (per_jet > 0)
    kept = whole[jet]
    return whole, jet[kept], order[place[kept]] if len(present) else jet[kept]


def _keys(event: NDArray[np.int64], number: NDArray[Any]) -> NDArray[np.int64]:
    return event * (_OBJECT_BITS + 1) + (number.astype(np.int64) & _OBJECT_BITS)


@dataclass(frozen=True)
class _Delphes(EventFormat):
    def jets(self, events: ak.Array) -> ak.Array:
        """Jets with msoftdrop, see :func:`_jets`."""
        return _jets(events)

    def candidates(self, events: ak.Array) -> ak.Array:
        """Three collections as one, see :func:`_candidates`."""
        return _candidates(events)

    def links(self, events: ak.Array, jets: ak.Array, candidates: ak.Array) -> ak.Array:
        """By reference or by distance, see :func:`_links`."""
        return _links(events, jets, candidates)

    def radius(self, names: Collection[str]) -> float | None:
        """As the name of the jets says; None for ``FatJet`` and ``Jet``, which the card decides."""
        name = delphes_jet_collection(names)
        return None if name in ("FatJet", "Jet") else COLLECTION_RADII[name]

    def branches(self, jets: Sequence[str], *, candidates: bool, puppi: bool = False) -> list[str]:
        """Those of the candidates; the jets are checked where their collection is known."""
        del jets, puppi
        return [f"{name}.{field}" for name, fields in CANDIDATES.items() for field in fields] if candidates else []

    def jet_branch(self, field: str, names: Collection[str]) -> str | None:
        """Of the collection that is used."""
        known = {"pt": "PT", "eta": "Eta", "phi": "Phi", "mass": "Mass", "msoftdrop": "SoftDroppedJet"}
        branch = f"{delphes_jet_collection(map(collection_of, names))}.{known.get(field, field)}"
        return branch if branch in names else None

    def number_branch(self, names: Collection[str]) -> str | None:
        """Of the collection Event."""
        return "Event.Number" if "Event.Number" in names else None

    def weight_branch(self, names: Collection[str]) -> str | None:
        """Of the collection Event."""
        return "Event.Weight" if "Event.Weight" in names else None

    def further_fields(self, names: Collection[str]) -> dict[str, str]:
        """Errors of tracks."""
        found = {field: f"EFlowTrack.{branch}" for field, branch in _FURTHER.items()}
        return {field: branch for field, branch in found.items() if branch in names}

    def with_fields(self, events: ak.Array, candidates: ak.Array, fields: Sequence[str]) -> ak.Array:
        """Tracks' values, 0 for photons and neutral hadrons, which come behind them."""
        tracks = events["EFlowTrack"]
        for field in (one for one in fields if _FURTHER.get(one) in tracks.fields):
            others = ak.zeros_like(candidates["pt"][ak.local_index(candidates["pt"]) >= ak.num(tracks["PT"])])
            values = ak.concatenate([ak.values_astype(tracks[_FURTHER[field]], np.float32), others], axis=1)
            candidates = ak.with_field(candidates, values, field)
        return candidates

    def more_branches(self, names: Collection[str]) -> list[str]:
        """Masses of tracks, references."""
        jets = delphes_jet_collection(map(collection_of, names))
        wanted = ("EFlowTrack.Mass", f"{jets}.Constituents", *(f"{name}.fUniqueID" for name in CANDIDATES))
        return [name for name in wanted if name in names]

    def size_branches(self) -> tuple[str, ...]:
        """Their angles."""
        return tuple(f"{name}.Phi" for name in CANDIDATES)

    def counters(self) -> tuple[str, ...]:
        """Lengths of the collections."""
        return tuple(f"{name}_size" for name in CANDIDATES)

    def numbers(self, events: ak.Array) -> NDArray[np.uint64] | None:
        """``Event.Number``."""
        numbers = _of_event(events, "Number")
        return None if numbers is None else numbers.astype(np.uint64)

    def weights(self, events: ak.Array) -> NDArray[np.float64] | None:
        """``Event.Weight``."""
        weights = _of_event(events, "Weight")
        return None if weights is None else weights.astype(np.float64)


DELPHES = _Delphes("delphes", title="Delphes", marks=tuple(CANDIDATES), tree="Delphes", separator=".")
"""Three collections of candidates, lengths in mm, no table of links."""


def _of_event(events: ak.Array, field: str) -> NDArray[Any] | None:
    """One number of each event, which Delphes stores as a list of one."""
    if "Event" not in events.fields or field not in ak.fields(events["Event"]):
        return None
    values = events["Event"][field]
    return np.asarray(ak.flatten(values, axis=1) if values.ndim > 1 else values)
