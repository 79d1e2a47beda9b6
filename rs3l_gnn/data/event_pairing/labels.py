"""Types of jets as the configuration says: from the file, a branch, expressions, the generator, or the data set."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import ConfigError, JetLabel, JetType, MissingBranchError, jettype_names
from rs3l_gnn.conventions.expressions import Expression
from rs3l_gnn.data.event_format import find_branch
from rs3l_gnn.data.event_pairing.chunk_jets import ChunkJets, branch_of
from rs3l_gnn.data.event_pairing.event_files import EventFile
from rs3l_gnn.data.event_pairing.generated import generated_branches
from rs3l_gnn.data.event_pairing.history import decay_types, flavour_types, parton_types

__all__ = [
    "BranchLabels",
    "ExpressionLabels",
    "HistoryLabels",
    "JetLabels",
    "OneLabel",
    "StoredLabels",
]

_GHOSTS = ("nBHadrons", "nCHadrons")


@dataclass(frozen=True)
class JetLabels(ABC):
    """A way to label jets.

    Attributes:
        own: labels of the user's own that it may give.
    """

    _: KW_ONLY
    own: tuple[JetLabel, ...] = ()

    @abstractmethod
    def branches(self, file: EventFile) -> list[str]:
        """Branches that are read for it.

        Raises:
            MissingBranchError: the file lacks one.
        """

    @abstractmethod
    def types(self, jets: ChunkJets) -> NDArray[np.int16]:
        """Number of the label of each jet [n_jets]."""


@dataclass(frozen=True)
class StoredLabels(JetLabels):
    """What the field ``jettype`` of the jets says, as in files of ``rs3l simulate``."""

    def branches(self, file: EventFile) -> list[str]:
        """The field."""
        return _required_field(file, "jettype")

    def types(self, jets: ChunkJets) -> NDArray[np.int16]:
        """As stored."""
        stored = jets.field("jettype")
        if stored is None:
            raise MissingBranchError(f"{jets.file.path}: the jets have no jettype")
        return stored.astype(np.int16)


@dataclass(frozen=True)
class OneLabel(JetLabels):
    """The same for all jets."""

    jettype: int

    def branches(self, file: EventFile) -> list[str]:
        """None."""
        del file
        return []

    def types(self, jets: ChunkJets) -> NDArray[np.int16]:
        """The one."""
        return np.full(len(jets.chosen), self.jettype, np.int16)


@dataclass(frozen=True)
class BranchLabels(JetLabels):
    """Values of a branch with a number for each jet or event; others than those in ``values`` are UNMATCHED."""

    branch: str
    values: Mapping[int, int]

    def branches(self, file: EventFile) -> list[str]:
        """The branch."""
        return [branch_of(file, self.branch, what="the labels")]

    def types(self, jets: ChunkJets) -> NDArray[np.int16]:
        """By the map."""
        found = jets.of_jets(jets.column(self.branch), f"labels.branch {self.branch}")
        rules = [found == value for value in self.values]
        return np.select(rules, list(self.values.values()), JetType.UNMATCHED).astype(np.int16)


@dataclass(frozen=True)
class ExpressionLabels(JetLabels):
    """The first of some conditions that holds for a jet; UNMATCHED where none does."""

    conditions: Mapping[int, Expression]

    def branches(self, file: EventFile) -> list[str]:
        """Those that are named."""
        names = dict.fromkeys(name for expression in self.conditions.values() for name in expression.names)
        return [branch_of(file, name, what="the labels") for name in names]

    def types(self, jets: ChunkJets) -> NDArray[np.int16]:
        """By the conditions.

        Raises:
            ConfigError: one gives numbers, or a value for each object of another collection.
        """
        rules = []
        names = jettype_names(self.own)
        for kind, expression in self.conditions.items():
            where = f"labels.expressions.{names[kind]}"
            values = jets.of_jets(expression.evaluate(jets.column), where)
            if values.dtype != np.bool_:
                raise ConfigError(f"{where} gives numbers where a condition is needed", got=repr(expression.source))
            rules.append(values)
        return np.select(rules, list(self.conditions), JetType.UNMATCHED).astype(np.int16)


@dataclass(frozen=True)
class HistoryLabels(JetLabels):
    """What the generator says, see docs/data.md; ``radius`` is that within which a decay lies in a jet."""

    radius: float

    def branches(self, file: EventFile) -> list[str]:
        """Generator particles, and ghost hadrons and flavours where there are some."""
        particles = generated_branches(file.names)
        if particles is None:
            raise MissingBranchError(
                f"{file.path} has no generator particles (GenPart, Particle) to label jets by",
                hint="set labels.source to branch, expressions, dataset or none",
            )
        optional = ("GenJetAK8_nBHadrons", "GenJetAK8_nCHadrons", "GenJetAK8_partonFlavour")
        fields = file.jet_branches((*_GHOSTS, "hadronFlavour", "genJetAK8Idx"))
        return [*particles, *fields, *(name for name in optional if name in file.names)]

    def types(self, jets: ChunkJets) -> NDArray[np.int16]:
        """A whole decay, else ghost hadrons, else partons."""
        types = decay_types(jets.generated, jets.places, self.radius).astype(np.int16)
        left = np.flatnonzero(types == JetType.UNMATCHED)
        if len(left):
            types[left] = self._plain_types(jets, left)
        return types

    def _plain_types(self, jets: ChunkJets, left: NDArray[np.int64]) -> NDArray[np.int16]:
        """Of some jets that hold no whole decay [n_left]."""
        light = parton_types(jets.generated, jets.places.select(left), self.radius)
        flavour = _of_generator_jet(jets, "partonFlavour", absent=0)
        if flavour is not None:
            flavour = flavour[left]
            is_quark = (flavour != 0) & (np.abs(flavour) < 6)
            by_flavour = np.select([flavour == 21, is_quark], [JetType.GG, JetType.Q], JetType.UNMATCHED)
            light = np.where(light == JetType.UNMATCHED, by_flavour, light).astype(np.int16)
        ghosts = _ghost_hadrons(jets)
        return light if ghosts is None else flavour_types(light, *(numbers[left] for numbers in ghosts))


def _ghost_hadrons(jets: ChunkJets) -> tuple[NDArray[np.integer], NDArray[np.integer]] | None:
    """Numbers of b and c hadrons: of the jets, of their generator jets, or one by ``hadronFlavour``; None for none."""
    n_b, n_c = (jets.field(name) for name in _GHOSTS)
    if n_b is not None and n_c is not None:
        return n_b, n_c
    n_b, n_c = (_of_generator_jet(jets, name, absent=-1) for name in _GHOSTS)
    flavour = jets.field("hadronFlavour")
    if n_b is not None and n_c is not None:
        # Jets without a generator jet have no numbers of theirs.
        lost = n_b < 0
        known = np.zeros_like(n_b) if flavour is None else flavour
        return np.where(lost, known == 5, n_b), np.where(lost, known == 4, n_c)
    return None if flavour is None else ((flavour == 5).astype(np.int64), (flavour == 4).astype(np.int64))


def _of_generator_jet(jets: ChunkJets, name: str, *, absent: int) -> NDArray[np.int64] | None:
    """A field of the generator jet of each jet, ``absent`` where it has none; None for a file without [n_jets]."""
    index = jets.field("genJetAK8Idx")
    if index is None or f"GenJetAK8_{name}" not in jets.file.names:
        return None
    values = find_branch(jets.events, f"GenJetAK8_{name}")
    counts = np.asarray(ak.num(values, axis=1), dtype=np.int64)
    index = index.astype(np.int64)
    event = jets.places.event
    inside = (index >= 0) & (index < counts[event])
    out = np.full(len(index), absent, dtype=np.int64)
    first = np.cumsum(counts) - counts
    out[inside] = _flat(values)[(first[event] + index)[inside]]
    return out


def _required_field(file: EventFile, name: str) -> list[str]:
    found = file.jet_branches([name])
    if not found:
        raise MissingBranchError(f"{file.path} lacks the field {name} of the jets, needed for the labels")
    return found


def _flat(values: ak.Array) -> NDArray[Any]:
    return np.asarray(ak.flatten(values, axis=1))
