"""What a format of event files has to say of itself, so that training and analysis can read it."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import IMPACT_FEATURES, Candidates, JetDomain, MissingBranchError
from rs3l_gnn.data.list_fields import entry_field, flat_field, renamed

__all__ = [
    "COLLECTION_RADII",
    "KINEMATICS",
    "PUPPI_WEIGHT",
    "EventFormat",
    "TableFormat",
    "collection_of",
    "find_branch",
    "require_fields",
    "stored_energy",
]

KINEMATICS = ("pt", "eta", "phi", "mass")
PUPPI_WEIGHT = "puppiWeight"
"""Field of the candidates in PFNano."""
COLLECTION_RADII = {"FatJet": 0.8, "Jet": 0.4, "JetPUPPIAK8": 0.8, "JetAK8": 0.8, "ParticleFlowJet08": 0.8}
"""Collections whose name means one radius: CMS' AK8 and AK4 jets, and what Delphes' cards call by its radius."""
_LENGTHS = ("d0Err", "dzErr")
# PDG numbers of a lepton and its charge have opposite signs, those of a charged pion the same sign.
_CHARGE_OF_ID = {11: -1, -11: 1, 13: -1, -13: 1, 211: 1, -211: -1}


@dataclass(frozen=True)
class EventFormat(ABC):
    """How one kind of file stores jets and their candidates.

    A subclass says where jets, candidates and links are; the rest has defaults for files named like NanoAOD. Events are
    records as coffea or :func:`rs3l_gnn.data.read_events` make them; nothing is read that is not asked for.

    Attributes:
        name: chosen by.
        title: for people.
        marks: collections and branches that files of this format have, and no others have all of.
        tree: usual name of the tree.
        separator: between collection and field in the names of branches; empty for branches that stand alone.
        candidate_fields: what each candidate has: pt, eta, phi, mass (GeV), pdgId, and if the file has them charge, d0
            and dz.
        mm_per_unit: factor from stored impact parameters to mm.
        impact_sentinel: value of d0 and dz, both at once, of a candidate without track details.
        has_candidates: False for files that hold jets alone.
        holds_features: True for files that hold the paper's features in place of candidates.
    """

    name: str
    _: KW_ONLY
    title: str
    marks: tuple[str, ...] = ()
    tree: str = "Events"
    separator: Literal["_", ".", ""] = "_"
    candidate_fields: tuple[str, ...] = (*KINEMATICS, "pdgId", "charge", "d0", "dz")
    mm_per_unit: float = 1.0
    impact_sentinel: float | None = None
    has_candidates: bool = True
    holds_features: bool = False

    @property
    def missing_features(self) -> tuple[str, ...]:
        """Features that this format cannot give; they are 0 for every candidate."""
        return () if {"d0", "dz"} <= set(self.candidate_fields) else IMPACT_FEATURES

    def is_mine(self, names: Collection[str]) -> bool:
        """True for the names of collections and branches of such a file."""
        return bool(self.marks) and set(self.marks) <= set(names)

    @abstractmethod
    def jets(self, events: ak.Array) -> ak.Array:
        """Records with at least pt, eta, phi, mass [event][jet] (GeV)."""

    @abstractmethod
    def candidates(self, events: ak.Array) -> ak.Array:
        """Records with :attr:`candidate_fields` [event][candidate].

        Raises:
            MissingBranchError: the file holds jets alone, or lacks something.
            InvalidDataError: it holds features in place of candidates.
        """

    @abstractmethod
    def links(self, events: ak.Array, jets: ak.Array, candidates: ak.Array) -> ak.Array:
        """Records with jetIdx and candIdx [event][link], from :meth:`jets` and :meth:`candidates`."""

    def as_links(self, table: ak.Array) -> ak.Array:
        """Links as the file holds them, under our names."""
        if "candIdx" not in ak.fields(table):
            raise MissingBranchError("the links lack candIdx", got=", ".join(ak.fields(table)) or "no fields")
        return table

    def features(self, events: ak.Array) -> tuple[NDArray[np.float32], NDArray[np.int64]] | None:
        """Features [n_particles, 15] and candidates of each jet [n_jets] where a file stores them; else None."""
        del events
        return None

    def radius(self, names: Collection[str]) -> float | None:
        """Radius of the jets where collections and branches tell it."""
        del names
        return None

    def domain(self, radius: float | None) -> JetDomain:
        """What is known of jets of this format and radius."""
        return JetDomain(radius=radius, formats=(self.name,), missing_features=self.missing_features)

    @abstractmethod
    def branches(self, jets: Sequence[str], *, candidates: bool, puppi: bool = False) -> list[str]:
        """Branches that are read, by their last name.

        Args:
            jets: fields of the jets, by our names.
            candidates: True if candidates and links are read too.
            puppi: True if their PUPPI weights are.
        """

    def jet_branch(self, field: str, names: Collection[str]) -> str | None:
        """Branch of one field of the jets, by our name of the field; None where a file with ``names`` lacks it."""
        del field, names
        return None

    def number_branch(self, names: Collection[str]) -> str | None:
        """That one of ``names`` that holds the numbers of events."""
        return "event" if "event" in names else None

    def weight_branch(self, names: Collection[str]) -> str | None:
        """That one of ``names`` that holds the weights of events."""
        return "genWeight" if "genWeight" in names else None

    def further_fields(self, names: Collection[str]) -> Mapping[str, str]:
        """What a file with the branches ``names`` holds of its candidates beyond :attr:`candidate_fields`.

        Returns:
            Field, by PFNano's name of it where PFNano has it (d0Err, puppiWeight, ...), to branch.
        """
        del names
        return {}

    def with_fields(self, events: ak.Array, candidates: ak.Array, fields: Sequence[str]) -> ak.Array:
        """Candidates with those of the further ``fields`` that :meth:`candidates` leaves out and the events hold."""
        del events, fields
        return candidates

    def more_branches(self, names: Collection[str]) -> list[str]:
        """Those of ``names`` beside :meth:`branches` that candidates and links are made from."""
        del names
        return []

    def size_branches(self) -> tuple[str, ...]:
        """Branches with one 32-bit number for each candidate, which say how many there are."""
        return ()

    def numbers(self, events: ak.Array) -> NDArray[np.uint64] | None:
        """Numbers of the events [n_events]; None where the file has none."""
        return entry_field(events, "event").astype(np.uint64) if "event" in events.fields else None

    def weights(self, events: ak.Array) -> NDArray[np.float64] | None:
        """Weight of the generator for each event [n_events]; None where the file has none."""
        return entry_field(events, "genWeight").astype(np.float64) if "genWeight" in events.fields else None

    def metadata(self, opened: Any) -> dict[str, Any]:
        """What an open file says of itself: ``jets: {radius}``, ``psweight_names``; empty for most formats."""
        del opened
        return {}

    def counters(self) -> tuple[str, ...]:
        """Branches with the number of jets and candidates of each event, for descriptions."""
        return ()

    def charge(self, records: ak.Array) -> NDArray[np.integer]:
        """Charge of each candidate [n_candidates]: stored, or from the PDG number."""
        if "charge" in self.candidate_fields:
            return flat_field(records, "charge")
        pdgid = flat_field(records, "pdgId")
        charge = np.zeros(len(pdgid), dtype=np.int64)
        for number, sign in _CHARGE_OF_ID.items():
            charge[pdgid == number] = sign
        return charge

    def particles(self, records: ak.Array, index: NDArray[np.int64], fields: Sequence[str] = ()) -> Candidates:
        """Some candidates in our units.

        Args:
            records: with :attr:`candidate_fields` and ``fields`` [event][candidate].
            index: places among the candidates of all events [n].
            fields: further ones that are wanted.
        """
        pt, eta, phi, mass = (flat_field(records, name)[index].astype(np.float64) for name in KINEMATICS)
        if self.missing_features:
            d0 = dz = np.zeros(len(pt))
        else:
            d0, dz = (flat_field(records, name)[index].astype(np.float64) for name in ("d0", "dz"))
            if self.impact_sentinel is not None:
                # Both at once: either alone is a legal length.
                untracked = (d0 == self.impact_sentinel) & (dz == self.impact_sentinel)
                d0, dz = np.where(untracked, 0.0, d0), np.where(untracked, 0.0, dz)
        return Candidates(
            pt=pt,
            eta=eta,
            phi=phi,
            energy=stored_energy(pt, eta, mass),
            charge=self.charge(records)[index],
            pdgid=flat_field(records, "pdgId")[index],
            d0=d0 * self.mm_per_unit,
            dz=dz * self.mm_per_unit,
            more={
                name: flat_field(records, name)[index] * (self.mm_per_unit if name in _LENGTHS else 1)
                for name in fields
            },
        )


@dataclass(frozen=True)
class TableFormat(EventFormat):
    """Collections named as in NanoAOD, and a table that ties candidates to jets.

    Attributes:
        jet_table: prefix of the jet branches.
        candidate_table: prefix of the candidate branches.
        link_table: prefix of the links; the jet index is ``jetIdx`` everywhere.
        link_candidate: name of the candidate index in it.
    """

    jet_table: str = "FatJet"
    candidate_table: str = ""
    link_table: str = ""
    link_candidate: str = ""

    def jets(self, events: ak.Array) -> ak.Array:
        """The collection of jets."""
        return events[self.jet_table]

    def candidates(self, events: ak.Array) -> ak.Array:
        """The collection of candidates."""
        if not self.has_candidates:
            raise MissingBranchError(
                "the events hold jets without candidates", got=", ".join(sorted(events.fields)) or "no collections"
            )
        return events[self.candidate_table]

    def links(self, events: ak.Array, jets: ak.Array, candidates: ak.Array) -> ak.Array:
        """The table of links."""
        del jets, candidates
        return self.as_links(events[self.link_table])

    def as_links(self, table: ak.Array) -> ak.Array:
        """Links under our names; errors as :meth:`EventFormat.as_links`."""
        if "candIdx" in ak.fields(table):
            return table
        if self.link_candidate not in ak.fields(table):
            raise MissingBranchError(
                f"the links lack {self.link_candidate} or candIdx", got=", ".join(ak.fields(table)) or "no fields"
            )
        return renamed(table, {"jetIdx": "jetIdx", "candIdx": self.link_candidate})

    def radius(self, names: Collection[str]) -> float | None:
        """As the name of the jets says."""
        del names
        return COLLECTION_RADII.get(self.jet_table)

    def branches(self, jets: Sequence[str], *, candidates: bool, puppi: bool = False) -> list[str]:
        """With the three numbers of an event."""
        needed = ["run", "luminosityBlock", "event", *(f"{self.jet_table}_{field}" for field in jets)]
        if candidates:
            weights = (PUPPI_WEIGHT,) if puppi else ()
            needed += [f"{self.candidate_table}_{field}" for field in (*self.candidate_fields, *weights)]
            needed += [f"{self.link_table}_{field}" for field in ("jetIdx", self.link_candidate)]
        return needed

    def jet_branch(self, field: str, names: Collection[str]) -> str | None:
        """Named after the table."""
        branch = f"{self.jet_table}_{field}"
        return branch if branch in names else None

    def further_fields(self, names: Collection[str]) -> dict[str, str]:
        """All branches of the table."""
        prefix = f"{self.candidate_table}_"
        found = {name.removeprefix(prefix): name for name in names if name.startswith(prefix)}
        return {field: name for field, name in found.items() if field not in self.candidate_fields}

    def size_branches(self) -> tuple[str, ...]:
        """Their momenta."""
        return (f"{self.candidate_table}_pt",)

    def counters(self) -> tuple[str, ...]:
        """NanoAOD's counters."""
        return (f"n{self.jet_table}", f"n{self.candidate_table}")


def stored_energy(pt: NDArray[np.float64], eta: NDArray[np.float64], mass: NDArray[np.float64]) -> NDArray[np.float64]:
    """Energy in GeV; stored masses are rounded and come out slightly negative for massless candidates."""
    return np.asarray(np.hypot(pt * np.cosh(eta), np.maximum(mass, 0.0)))


def collection_of(branch: str) -> str:
    """Collection that a branch belongs to by its name."""
    return re.split(r"[_.]", branch.rpartition("/")[2])[0]


def find_branch(events: ak.Array, name: str) -> ak.Array:
    """A branch by its name in the file, whether or not a schema has put it into a collection.

    Raises:
        MissingBranchError: it is absent.
    """
    if name in events.fields:
        return events[name]
    for separator in ("_", "."):
        collection, _, field = name.partition(separator)
        if collection in events.fields and field in ak.fields(events[collection]):
            return events[collection][field]
    raise MissingBranchError(f"the events lack the branch {name}", got=", ".join(sorted(events.fields)))


def require_fields(what: str, records: ak.Array, needed: Iterable[str]) -> None:
    """Refuse records that lack a field.

    Args:
        what: begins the message, such as ``the jets lack``.
        records: any records.
        needed: names of fields.

    Raises:
        MissingBranchError: names what is absent and what is there.
    """
    found = ak.fields(records)
    missing = [name for name in needed if name not in found]
    if missing:
        raise MissingBranchError(f"{what} {', '.join(missing)}", got=", ".join(found) or "no fields")
