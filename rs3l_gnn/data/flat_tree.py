"""Trees of one's own with one entry for each jet, described by a map of branches."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import MissingBranchError, mass_of, pseudorapidity
from rs3l_gnn.data.event_format import KINEMATICS, EventFormat, find_branch

__all__ = ["CANDIDATE_FIELDS", "CARTESIAN", "ID_FLAGS", "POLAR", "FlatTree", "FlatTreeMap"]

POLAR, CARTESIAN = ("pt", "eta", "phi"), ("px", "py", "pz")
_MOMENTUM = (*POLAR, *CARTESIAN, "mass", "energy")
ID_FLAGS = {"is_photon": 22, "is_muon": 13, "is_electron": 11, "is_charged_hadron": 211, "is_neutral_hadron": 130}
_READ = ("charge", "pdgId", "d0", "dz", "puppiWeight")
CANDIDATE_FIELDS = {*_MOMENTUM, *_READ, *ID_FLAGS}


@dataclass(frozen=True)
class FlatTreeMap:
    """Which branch holds what; :class:`rs3l_gnn.data.FlatTreeConfig` says and checks what each entry means."""

    name: str
    jets: Mapping[str, str]
    candidates: Mapping[str, str]
    mm_per_unit: float = 1.0
    impact_sentinel: float | None = None
    radius: float | None = None
    event: str | None = None
    weight: str | None = None

    def format(self, **more: Any) -> FlatTree:
        """The format that reads such trees; ``more`` attributes of it."""
        optional = [name for name in ("charge", "d0", "dz") if name in self.candidates]
        return FlatTree(
            self.name,
            title=more.pop("title", "flat tree"),
            separator="",
            candidate_fields=(*KINEMATICS, "pdgId", *optional),
            mm_per_unit=self.mm_per_unit,
            impact_sentinel=self.impact_sentinel,
            map=self,
            **more,
        )


@dataclass(frozen=True)
class FlatTree(EventFormat):
    """One jet an event, as ``map`` says."""

    map: FlatTreeMap = field(kw_only=True)

    def jets(self, events: ak.Array) -> ak.Array:
        """One jet an event, with every field of the map."""
        columns = {name: np.asarray(find_branch(events, branch)) for name, branch in self.map.jets.items()}
        columns |= _momenta(columns)
        columns.setdefault("msoftdrop", columns["mass"])
        one = np.ones(len(columns["pt"]), dtype=np.int64)
        return ak.zip({name: ak.unflatten(values, one) for name, values in columns.items()})

    def candidates(self, events: ak.Array) -> ak.Array:
        """Candidates of each jet."""
        lists = {name: find_branch(events, branch) for name, branch in self._read_of_candidates().items()}
        counts = ak.num(next(iter(lists.values())), axis=1)
        flat = {name: np.asarray(ak.flatten(values, axis=1)) for name, values in lists.items()}
        columns = _momenta(flat) | {name: flat[name] for name in ("charge", "d0", "dz", "puppiWeight") if name in flat}
        columns["pdgId"] = flat["pdgId"] if "pdgId" in flat else _ids(flat)
        return ak.zip({name: ak.unflatten(values, counts) for name, values in columns.items()})

    def _read_of_candidates(self) -> dict[str, str]:
        return {name: branch for name, branch in self.map.candidates.items() if name in CANDIDATE_FIELDS}

    def further_fields(self, names: Collection[str]) -> dict[str, str]:
        """What the map has beside momenta, identity and impact parameters."""
        known = {"puppiWeight", *(name for name in self.map.candidates if name not in CANDIDATE_FIELDS)}
        return {name: self.map.candidates[name] for name in known if self.map.candidates.get(name) in names}

    def with_fields(self, events: ak.Array, candidates: ak.Array, fields: Sequence[str]) -> ak.Array:
        """As the map says."""
        for name in fields:
            if name in self.map.candidates and name not in ak.fields(candidates):
                with suppress(MissingBranchError):
                    candidates = ak.with_field(candidates, find_branch(events, self.map.candidates[name]), name)
        return candidates

    def links(self, events: ak.Array, jets: ak.Array, candidates: ak.Array) -> ak.Array:
        """All candidates belong to the one jet."""
        del events, jets
        place = ak.local_index(candidates["pt"], axis=1)
        return ak.zip({"jetIdx": ak.zeros_like(place), "candIdx": place})

    def radius(self, names: Collection[str]) -> float | None:
        """As the map says."""
        del names
        return self.map.radius

    def branches(self, jets: Sequence[str], *, candidates: bool, puppi: bool = False) -> list[str]:
        """All of the map."""
        del jets, puppi
        events = [name for name in (self.map.event, self.map.weight) if name is not None]
        lists = self._read_of_candidates().values() if candidates else ()
        return [*self.map.jets.values(), *lists, *events]

    def jet_branch(self, field: str, names: Collection[str]) -> str | None:
        """As the map says."""
        branch = self.map.jets.get(field)
        return branch if branch in names else None

    def number_branch(self, names: Collection[str]) -> str | None:
        """As the map says."""
        return self.map.event if self.map.event in names else None

    def weight_branch(self, names: Collection[str]) -> str | None:
        """As the map says."""
        return self.map.weight if self.map.weight in names else None

    def size_branches(self) -> tuple[str, ...]:
        """The first of the candidates' branches."""
        return (next(iter(self.map.candidates.values())),)

    def numbers(self, events: ak.Array) -> NDArray[np.uint64] | None:
        """As the map says."""
        return None if self.map.event is None else np.asarray(find_branch(events, self.map.event)).astype(np.uint64)

    def weights(self, events: ak.Array) -> NDArray[np.float64] | None:
        """As the map says."""
        return None if self.map.weight is None else np.asarray(find_branch(events, self.map.weight), dtype=np.float64)


def _momenta(fields: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Pt, eta, phi and mass from what the map has, float64 [n]."""
    columns = {name: fields[name].astype(np.float64) for name in _MOMENTUM if name in fields}
    if "pt" in columns:
        pt, eta, phi = (columns[name] for name in POLAR)
    else:
        px, py, pz = (columns[name] for name in CARTESIAN)
        pt, phi = np.hypot(px, py), np.arctan2(py, px)
        eta = pseudorapidity(px, py, pz)
    if "mass" in columns:
        mass = columns["mass"]
    elif "energy" in columns:
        mass = mass_of(columns["energy"], pt * np.cosh(eta))
    else:
        mass = np.zeros_like(pt)
    return {"pt": pt, "eta": eta, "phi": phi, "mass": mass}


def _ids(flat: Mapping[str, NDArray[Any]]) -> NDArray[np.int64]:
    """PDG numbers of the five kinds of candidates, with the sign of the charge; 0 where no flag is set."""
    sign = np.sign(flat["charge"]).astype(np.int64)
    ids = np.zeros(len(sign), dtype=np.int64)
    for name, number in ID_FLAGS.items():
        # PDG numbers of a lepton and its charge have opposite signs.
        turned = -sign if number in (11, 13) else sign
        ids[flat[name].astype(bool)] = number
        ids = np.where((ids == number) & (turned < 0), -number, ids)
    return ids
