"""What is read of the files of a sample, without particles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rs3l_gnn.conventions import MissingBranchError, config_digest
from rs3l_gnn.conventions.expressions import Expression, parse_expression
from rs3l_gnn.data.event_format import KINEMATICS
from rs3l_gnn.data.event_pairing.chunk_jets import branch_of
from rs3l_gnn.data.event_pairing.config import EventPairConfig
from rs3l_gnn.data.event_pairing.event_files import EventFile
from rs3l_gnn.data.event_pairing.generated import generated_branches
from rs3l_gnn.data.event_pairing.jet_table import JET_NUMBERS
from rs3l_gnn.data.event_pairing.labels import JetLabels
from rs3l_gnn.data.event_pairing.partons import parton_branches
from rs3l_gnn.data.event_pairing.shower_weights import WeightBranches
from rs3l_gnn.data.shower_order import PS_WEIGHT

__all__ = ["ReadPlan"]

_NANO_KEY = ("run", "luminosityBlock", "event")


@dataclass(frozen=True)
class ReadPlan:
    """What is read of all views of a sample.

    Attributes:
        config: settings.
        partons: source of the hard partons, None to compare none.
        anchors: True if generator particles give the anchors.
        flags: True if the files say which jet is the anchor's.
        labels: of the jets.
        generator_jets: branches with eta and phi of the generator jets, None if they are not used.
        caps: number of a label -> most jets of it.
        shower_weights: of nominal events, by what they vary.
    """

    config: EventPairConfig
    partons: str | None
    anchors: bool
    flags: bool
    labels: JetLabels
    generator_jets: tuple[str, ...] | None
    caps: Mapping[int, int]
    shower_weights: tuple[str, ...] = ()

    def key_branches(self, file: EventFile) -> tuple[str, ...]:
        """Branches of the key of a file's events: as configured, NanoAOD's three, or the format's number."""
        if self.config.event_key is not None:
            return self.config.event_key
        if set(_NANO_KEY) <= set(file.names):
            return _NANO_KEY
        number = file.form.number_branch(file.names)
        return () if number is None else (number,)

    def branches(self, file: EventFile, *, nominal: bool) -> list[str]:
        """Branches of a file.

        Raises:
            MissingBranchError: some are absent.
        """
        keys = self.key_branches(file)
        if not keys:
            raise MissingBranchError(
                f"{file.path} has no numbers of events that views could be matched by",
                hint="name branches that tell its events apart as event_key",
            )
        file.require(keys, what="the key of an event")
        needed = file.form.branches(KINEMATICS, candidates=False)
        file.require(needed, what="the jets")
        fields = (*KINEMATICS, *JET_NUMBERS, "anchor") if self.flags else (*KINEMATICS, *JET_NUMBERS)
        if self.config.weight is not None:
            file.require([self.config.weight], what="the weights of events")
        weight = self.config.weight or file.form.weight_branch(file.names)
        numbers = (file.form.number_branch(file.names), weight)
        found = [*keys, *needed, *(name for name in numbers if name is not None), *file.jet_branches(fields)]
        if self.partons is not None:
            found += parton_branches(self.partons, file.names) or []
        if self.anchors and nominal:
            found += generated_branches(file.names) or []
        if nominal:
            weights = self.weight_branches(file)
            file.require(list(weights), what="the shower weights")
            found += weights
        names = dict.fromkeys(name for expression in self.scores.values() for name in expression.names)
        found += [branch_of(file, name, what="the scores") for name in names]
        if self.condition is not None:
            found += [branch_of(file, name, what="the selection") for name in self.condition.names]
        return list(dict.fromkeys([*found, *(self.generator_jets or ()), *self.labels.branches(file)]))

    def weight_branches(self, file: EventFile) -> WeightBranches:
        """Branches of shower weights in a nominal file: as configured, or PSWeight where the file says its order."""
        if self.config.shower_weights != "auto":
            return self.config.weight_branches
        return {PS_WEIGHT: file.weight_order} if any(file.weight_order) else {}

    @property
    def condition(self) -> Expression | None:
        """What holds for the jets that count, beside the cuts."""
        where = self.config.selection.where
        return None if where is None else parse_expression(where)

    @property
    def scores(self) -> dict[str, Expression]:
        """Taggers whose scores the files hold."""
        return {name: parse_expression(text) for name, text in self.config.scores.items()}

    def identity(self) -> dict[str, Any]:
        """Everything that decides what is read, for the names of finished chunks."""
        rest: dict[str, Any] = {"filesets": (), "datasets": None, "caps": {}}
        return {
            "config": config_digest(self.config.model_copy(update=rest)),
            "partons": self.partons,
            "anchors": self.anchors,
            "flags": self.flags,
            "labels": repr(self.labels),
            "generator_jets": self.generator_jets,
            "shower_weights": self.shower_weights,
        }
