"""What the chunks of a run counted, for its report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from rs3l_gnn.processors.running.checkpoints import RESUMED

__all__ = ["failures", "seconds_in_chunks", "seen_events", "totals"]


def totals(result: Mapping[str, Any], seconds: float) -> dict[str, float]:
    """Chunks, events, jets and bytes of a whole analysis, and the rates of this run.

    Args:
        result: of all chunks: ``out`` and ``metrics``.
        seconds: that this run worked on chunks; those that were there before are not counted in the rates.
    """

    def total(key: str) -> int:
        return sum(int(part.get(key, 0)) for part in result["out"].values())

    metrics = result["metrics"]
    resumed = Counter(metrics.get(RESUMED, {}))
    return {
        "events": total("events"),
        "events_per_second": (total("events") - resumed["events"]) / seconds,
        "jets_in_files": total("jets"),
        "jets": total("scored_jets"),
        "jets_per_second": (total("scored_jets") - resumed["jets"]) / seconds,
        "jets_below_training_range": total("jets_below_training_range"),
        "bytes_read": int(metrics.get("bytes_read", 0)),
        "chunks_from_checkpoints": resumed["chunks"],
    }


def seconds_in_chunks(out: Mapping[str, Any]) -> dict[str, float]:
    """Seconds of each step, of all chunks whichever run did them."""
    total: dict[str, float] = {}
    for part in out.values():
        for step, seconds in part.get("seconds", {}).items():
            total[step] = total.get(step, 0.0) + seconds
    return total


def seen_events(out: Mapping[str, Any]) -> dict[str, int]:
    """Events that each network was trained on, where that is allowed."""
    found = Counter[str]()
    for part in out.values():
        found.update(part.get("seen_in_training", {}))
    return dict(found)


def failures(out: Mapping[str, Any]) -> list[dict[str, str]]:
    """Chunks that failed, and why."""
    found = sorted(failure for part in out.values() for failure in part.get("failures", ()))
    return [{"chunk": where, "error": message} for _, where, _, message in found]
