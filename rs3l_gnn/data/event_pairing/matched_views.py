"""A sample whose events and jets are matched, without particles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import JetLabel, jettype_names
from rs3l_gnn.conventions.jagged import count_runs
from rs3l_gnn.data.event_pairing.caps import within_caps
from rs3l_gnn.data.event_pairing.partners import FoundEvents, JetPartners, find_events, find_partners
from rs3l_gnn.data.event_pairing.read_plan import ReadPlan
from rs3l_gnn.data.event_pairing.report import EventSampleReport
from rs3l_gnn.data.event_pairing.sample_views import SampleViews
from rs3l_gnn.data.event_pairing.view_index import ViewIndex

__all__ = ["MatchedViews"]


@dataclass(frozen=True)
class MatchedViews:
    """A sample whose events and jets are matched.

    Attributes:
        sample: its data sets.
        plan: what was read.
        nominal: the nominal view.
        others: the other views, with their events and the partners of the nominal jets.
        kept: nominal jets that are written, rising [n].
        beyond_caps: jets with a partner that are not written.
    """

    sample: SampleViews
    plan: ReadPlan
    nominal: ViewIndex
    others: tuple[tuple[ViewIndex, FoundEvents, JetPartners], ...]
    kept: NDArray[np.int64]
    beyond_caps: int

    @classmethod
    def match(cls, sample: SampleViews, plan: ReadPlan, views: Iterator[ViewIndex]) -> MatchedViews:
        """Find events and partners in each view as it comes, nominal first.

        Raises:
            InvalidDataError: other key numbers, or more events than allowed disagree on their hard partons.
        """
        nominal = next(views)
        others = []
        for other in views:
            events = find_events(nominal, other, plan)
            others.append((other, events, find_partners(nominal, other, events, plan)))
        partnered = np.any([partners.jet >= 0 for _, _, partners in others], axis=0)
        numbers = nominal.events.number[nominal.jets.row]
        within = within_caps(plan.caps, sample.name, numbers, nominal.jets.jettype, np.flatnonzero(partnered))
        return cls(sample, plan, nominal, tuple(others), within, int(partnered.sum()) - len(within))

    @property
    def indices(self) -> tuple[ViewIndex, ...]:
        """The views, nominal first."""
        return self.nominal, *(index for index, _, _ in self.others)

    def wanted(self, view: int) -> NDArray[np.int64]:
        """Jets of a view that are written, rising; ``view`` counts in :attr:`indices`."""
        if view == 0:
            return self.kept
        partner = self.others[view - 1][2].jet[self.kept]
        return np.sort(partner[partner >= 0])

    def report(self) -> EventSampleReport:
        """How events and jets matched, in numbers."""
        rows = self.nominal.jets.row
        every = np.all([partners.jet >= 0 for _, _, partners in self.others], axis=0)
        in_all = np.all([events.present for _, events, _ in self.others], axis=0)
        indices = {"nominal": self.nominal, **{o.view.variation.name: o for o, _, _ in self.others}}
        named = {o.view.variation.name: (events, partners) for o, events, partners in self.others}
        return EventSampleReport(
            hard_events=self.nominal.n_events,
            nominal=count_runs(rows),
            matched=count_runs(rows[self.kept]),
            in_all=int(in_all.sum()),
            complete=count_runs(rows[every]),
            simulated={name: index.n_events for name, index in indices.items()},
            passed={name: count_runs(index.jets.row) for name, index in indices.items()},
            matched_with={name: count_runs(rows[partners.jet >= 0]) for name, (_, partners) in named.items()},
            jets=len(rows),
            pairs=len(self.kept),
            beyond_caps=self.beyond_caps,
            found={name: int(events.present.sum()) + events.disagreed for name, (events, _) in named.items()},
            partons={name: _compared(events) for name, (events, _) in named.items()},
            labels=_count_types(self.nominal.jets.jettype[self.kept], self.plan.labels.own),
            other_label={o.view.variation.name: self._other_label(o, partners) for o, _, partners in self.others},
            without_partner={name: partners.reasons for name, (_, partners) in named.items()},
        )

    def _other_label(self, index: ViewIndex, partners: JetPartners) -> int:
        found = self.kept[partners.jet[self.kept] >= 0]
        return int((self.nominal.jets.jettype[found] != index.jets.jettype[partners.jet[found]]).sum())


def _count_types(jettype: NDArray[np.int16], own: tuple[JetLabel, ...]) -> dict[str, int]:
    names = jettype_names(own)
    numbers, counts = np.unique(jettype, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return {names.get(int(numbers[i]), str(numbers[i])): int(counts[i]) for i in order}


def _compared(events: FoundEvents) -> dict[str, int]:
    compared = events.agreed + events.disagreed
    found = int(events.present.sum()) + events.disagreed
    return {"agree": events.agreed, "disagree": events.disagreed, "not compared": found - compared}
