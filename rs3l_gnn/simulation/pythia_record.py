"""Pythia's record of a hard process as lines of an LHE event."""

from __future__ import annotations

from typing import Any

__all__ = ["process_rows"]

_FIRST = 3  # entries 0 to 2 of Pythia's process record are the system and the two beams


def process_rows(record: Any) -> list[tuple[Any, ...]]:
    """Lines of :data:`~rs3l_gnn.simulation.hard_events.PARTICLE_TYPE`.

    Args:
        record: ``pythia.process`` of an event that went no farther.
    """
    rows = []
    for index in range(_FIRST, record.size()):
        entry = record[index]
        status = entry.status()
        incoming = status == -21
        # Mothers count from 1 in the file and from 3 in the record; the incoming partons' beams are not listed.
        mothers = (0, 0) if incoming else tuple(max(m - _FIRST + 1, 0) for m in (entry.mother1(), entry.mother2()))
        rows.append(
            (
                entry.id(),
                -1 if incoming else 2 if status < 0 else 1,
                *mothers,
                entry.col(),
                entry.acol(),
                entry.px(),
                entry.py(),
                entry.pz(),
                entry.e(),
                entry.m(),
                entry.tau(),
                entry.pol(),  # 9: unknown
            )
        )
    return rows
