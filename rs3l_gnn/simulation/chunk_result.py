"""Counts of a finished chunk, and the file that keeps them until the sample is complete."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from rs3l_gnn.conventions import write_json
from rs3l_gnn.simulation.merged_rate import MergedRate
from rs3l_gnn.simulation.weight_sums import WeightSums

__all__ = ["ChunkResult"]


@dataclass(frozen=True)
class ChunkResult:
    """Counts of a finished chunk; by variation where there is a dictionary.

    Attributes:
        failed: numbers of the hard events left out in all variations, since Pythia rejected one of their showers.
        reasons: why, for each of them.
        sumw: sum of the generator weights of the events that were not rejected.
        merged: what merging makes of the weights, by variation.
        vetoed: events that merging vetoed; they are left out of the variation's file.
        matched: events with an anchor jet; under ``all`` in every variation, under ``any`` in nominal and another
            (in at least one, where nominal is not simulated).
        seconds: time of showers, detector, jets, together.
        jets: stored jets.
        without_jet: events whose anchor has no jet in the first variation, by the reason.
        shower_weights: of the events written, by their meaning.
    """

    sample: str
    number: int
    n_events: int
    failed: list[int]
    reasons: list[str]
    sumw: float
    merged: dict[str, MergedRate]
    vetoed: dict[str, int]
    matched: dict[str, int]
    seconds: dict[str, float]
    jets: dict[str, int]
    without_jet: dict[str, int]
    shower_weights: dict[str, WeightSums]

    def write(self, path: Path) -> None:
        """Keep the counts; the file is the sign that the chunk is done.

        Raises:
            OutputError: it cannot be written.
        """
        write_json(path, asdict(self))

    @classmethod
    def read(cls, path: Path) -> ChunkResult:
        """What :meth:`write` wrote."""
        document = json.loads(path.read_text(encoding="utf-8"))
        merged = {name: MergedRate(**rate) for name, rate in document.pop("merged").items()}
        weights = {name: WeightSums(**sums) for name, sums in document.pop("shower_weights").items()}
        return cls(merged=merged, shower_weights=weights, **document)
