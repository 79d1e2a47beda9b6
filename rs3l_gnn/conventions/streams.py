"""Random streams: one number for each event, variation and stage, however the work is cut into chunks."""

from __future__ import annotations

import zlib
from enum import IntEnum

import numpy as np

__all__ = ["Stage", "event_rng", "pythia_seed"]


class Stage(IntEnum):
    """Stage of the simulation chain; the numbers enter the seeds and never change."""

    HARD = 0
    SHOWER = 1
    HADRONISATION = 2
    DETECTOR = 3
    PILEUP = 4
    DECAY = 5
    COLOUR = 6


def _entropy(run_seed: int, sample: str, event: int, vartype: int, stage: Stage) -> list[int]:
    # vartype starts at -1 (nominal); entropy must not be negative.
    return [run_seed, zlib.crc32(sample.encode()), event, vartype + 1, int(stage)]


def event_rng(run_seed: int, sample: str, event: int, vartype: int, stage: Stage) -> np.random.Generator:
    """Generator of one event, variation (its fixed number) and stage of a sample."""
    return np.random.default_rng(_entropy(run_seed, sample, event, vartype, stage))


def pythia_seed(run_seed: int, sample: str, event: int, vartype: int, stage: Stage) -> int:
    """Seed for ``pythia.rndm.init``, in [1, 900 000 000) (0 would mean "use the clock")."""
    word = np.random.SeedSequence(_entropy(run_seed, sample, event, vartype, stage)).generate_state(1, np.uint64)
    return int(word[0] % 899_999_999) + 1
