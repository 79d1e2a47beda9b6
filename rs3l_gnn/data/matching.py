"""Which hard events of a sample are matched, and their views, nominal first.

Events are matched by number; the fingerprint of the hard partons has to agree.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, reduce

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import FEATURE_NAMES, NOMINAL, InputFileError, InvalidDataError, JetLabel, Variation
from rs3l_gnn.data.pair_report import SampleReport
from rs3l_gnn.data.simulated import AnchorJets, SimulatedFile
from rs3l_gnn.data.views import Views, group_views

__all__ = ["MatchedSample"]


@dataclass(frozen=True)
class MatchedSample:
    """Files of one sample, and which of its events are matched.

    Attributes:
        name: of the sample.
        files: by variation.
        matched: events with a nominal and at least one other view, rising.
    """

    name: str
    files: dict[str, list[SimulatedFile]]
    matched: NDArray[np.int64]

    @property
    def nominal(self) -> list[SimulatedFile]:
        """Files of the nominal variation."""
        return self.files[NOMINAL.name]

    @classmethod
    def collect(cls, name: str, files: Iterable[SimulatedFile]) -> MatchedSample:
        """Match the events of one sample.

        Args:
            name: of the sample.
            files: of any samples.

        Raises:
            InputFileError: the sample has no nominal file.
            InvalidDataError: two files disagree on the hard partons of an event, or hold the same event twice.
        """
        mine: dict[str, list[SimulatedFile]] = {}
        for file in files:
            if file.sample == name:
                mine.setdefault(file.variation.name, []).append(file)
        if NOMINAL.name not in mine:
            raise InputFileError(f"sample {name!r} has no nominal file", got=", ".join(mine))
        _require_same_partons(mine)
        nominal = _passed(mine[NOMINAL.name])
        others = [_passed(group) for variation, group in mine.items() if variation != NOMINAL.name]
        other = np.sort(np.concatenate(others), kind="stable") if others else np.zeros(0, np.int64)
        other = other[np.diff(other, prepend=-1) > 0]
        return cls(name, mine, _both(nominal, other))

    def report(self) -> SampleReport:
        """Count what matched."""
        passed = {name: _passed(group) for name, group in self.files.items()}
        simulated = {
            name: sum(int(file.metadata["n_hard_events"]) for file in group) for name, group in self.files.items()
        }
        nominal = passed[NOMINAL.name]
        matched_with = {name: len(_both(nominal, events)) for name, events in passed.items() if name != NOMINAL.name}
        return SampleReport(
            hard_events=simulated[NOMINAL.name],
            nominal=len(nominal),
            matched=len(self.matched),
            in_all=len(_common(_events(group) for group in self.files.values())),
            complete=len(_common(passed.values())) if matched_with else 0,
            simulated=simulated,
            passed={name: len(events) for name, events in passed.items()},
            matched_with=matched_with,
        )

    def members(self, nominal: SimulatedFile) -> tuple[NDArray[np.int64], list[SimulatedFile]]:
        """Matched events of one nominal file, rising, and the files of all variations that may hold them."""
        if len(nominal.event) == 0:
            return nominal.event, []
        # Ranges before the comparison, so that the work for all files together grows with their events alone.
        low, high = np.searchsorted(self.matched, [nominal.event[0], nominal.event[-1] + 1])
        events = _both(nominal.event, self.matched[low:high])
        if len(events) == 0:
            return events, []
        here = (self._ranges[:, 0] <= events[-1]) & (self._ranges[:, 1] >= events[0])
        return events, [self._all[place] for place in np.flatnonzero(here)]

    @cached_property
    def _all(self) -> list[SimulatedFile]:
        return [file for group in self.files.values() for file in group if len(file.event)]

    @cached_property
    def _ranges(self) -> NDArray[np.int64]:
        """First and last event of each file in ``_all`` [n_files, 2]."""
        return np.array([(file.event[0], file.event[-1]) for file in self._all]).reshape(-1, 2)

    def views(
        self,
        nominal: SimulatedFile,
        index: int,
        samples: tuple[str, ...],
        variations: tuple[Variation, ...],
        *,
        shower_weight_names: tuple[str, ...],
        layout: str,
        maximum: int,
        labels: tuple[JetLabel, ...] = (),
        features: tuple[str, ...] = FEATURE_NAMES,
    ) -> Views | None:
        """All views of the matched events of one nominal file, None if it has no such event.

        Args:
            nominal: one of the files in :attr:`nominal`.
            index: place of this sample in ``samples``.
            samples: names of all samples.
            variations: of all samples.
            shower_weight_names: of all samples.
            layout: candidate format of the files.
            maximum: hardest candidates kept for each jet.
            labels: those of the user's own that the jets of all samples may have.
            features: names of the columns of the particles.
        """
        events, files = self.members(nominal)
        if len(events) == 0:
            return None
        parts: list[AnchorJets] = []
        vartypes: list[NDArray[np.int16]] = []
        weights: list[NDArray[np.float32]] = []
        for file in files:
            part = file.read(events, layout=layout, maximum=maximum, features=features)
            parts.append(part)
            vartypes.append(np.full(len(part.offsets) - 1, file.variation.vartype, np.int16))
            table = np.full((len(part.offsets) - 1, len(shower_weight_names)), np.nan, np.float32)
            table[:, [shower_weight_names.index(name) for name in file.shower_weight_names]] = part.shower_weights
            weights.append(table)
        columns = {name: np.concatenate([part.columns[name] for part in parts]) for name in parts[0].columns}
        columns["vartype"] = np.concatenate(vartypes)
        columns["sample"] = np.full(len(columns["event"]), index, np.int16)
        return group_views(
            [(part.features, part.offsets) for part in parts],
            np.searchsorted(events, columns["event"]),
            columns,
            samples=samples,
            variations=variations,
            shower_weight_names=shower_weight_names,
            shower_weights=np.concatenate(weights) if shower_weight_names else None,
            labels=labels,
            feature_names=features,
        )


def _events(files: list[SimulatedFile]) -> NDArray[np.int64]:
    """Event numbers of one variation, rising."""
    return np.sort(np.concatenate([file.event for file in files]), kind="stable")


def _passed(files: list[SimulatedFile]) -> NDArray[np.int64]:
    """Event numbers, rising, whose anchor jet passed in one variation."""
    return np.sort(np.concatenate([file.event[file.has_anchor] for file in files]), kind="stable")


def _common(groups: Iterable[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Event numbers that all groups have, rising; each group rises."""
    return reduce(_both, groups)


def _both(one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    """Common numbers of two rising arrays; a stable sort merges them in linear time."""
    merged = np.sort(np.concatenate([one, other]), kind="stable")
    common: NDArray[np.int64] = merged[:-1][merged[1:] == merged[:-1]]
    return common


def _require_same_partons(files: dict[str, list[SimulatedFile]]) -> None:
    """Every event number stands for one hard event in all files, and comes once in each variation."""
    known_event: NDArray[np.int64] | None = None
    known_hash = np.zeros(0, np.uint64)
    # Nominal first, so that the message names the file that disagrees with it.
    for name in sorted(files, key=lambda variation: variation != NOMINAL.name):
        group = files[name]
        event = np.concatenate([file.event for file in group])
        hard_hash = np.concatenate([file.hard_hash for file in group])
        order = np.argsort(event, kind="stable")
        event, hard_hash = event[order], hard_hash[order]
        twice = np.flatnonzero(np.diff(event) == 0)
        if len(twice):
            raise InvalidDataError(
                f"event {event[twice[0]]} of sample {group[0].sample!r} comes twice in variation {name!r}",
                hint="the directories overlap, or hold two runs",
            )
        if known_event is None:
            known_event, known_hash = event, hard_hash
            continue
        _, left, right = np.intersect1d(known_event, event, assume_unique=True, return_indices=True)
        wrong = np.flatnonzero(known_hash[left] != hard_hash[right])
        if len(wrong):
            raise InvalidDataError(
                f"event {event[right[wrong[0]]]} of sample {group[0].sample!r} has other hard partons in variation "
                f"{name!r} than in nominal ({len(wrong)} such events)",
                hint="simulate all variations from one LHE file",
            )
