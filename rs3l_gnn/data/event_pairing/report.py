"""How events and jets of event files matched, in numbers."""

from __future__ import annotations

from dataclasses import dataclass, field

from rs3l_gnn.data.pair_report import SampleReport

__all__ = ["EventSampleReport"]


@dataclass(frozen=True)
class EventSampleReport(SampleReport):
    """How the views of one sample matched; an event may have several jets, each with its own partners.

    The numbers of :class:`~rs3l_gnn.data.SampleReport` count events; ``passed`` those with a selected jet, ``nominal``
    those with a nominal one, ``matched`` those with a jet that has a partner; ``labels`` counts these jets.

    Attributes:
        jets: nominal jets that pass the selection.
        pairs: of these, the jets with at least one partner, that are written.
        beyond_caps: jets with a partner that are not written, since their label has enough.
        found: for each variation, its events that are nominal events too.
        partons: for each variation, found events whose hard partons ``agree``, ``disagree``, or are ``not compared``.
        without_partner: for each variation, nominal jets without a partner there, by reason.
        other_label: for each variation, pairs whose two jets have different labels.
    """

    jets: int = 0
    pairs: int = 0
    beyond_caps: int = 0
    found: dict[str, int] = field(default_factory=dict)
    partons: dict[str, dict[str, int]] = field(default_factory=dict)
    without_partner: dict[str, dict[str, int]] = field(default_factory=dict)
    other_label: dict[str, int] = field(default_factory=dict)
