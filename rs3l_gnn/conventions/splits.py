"""Splits by hard event: every view of an event, in every file, falls on the same side.

The split depends on the sample's name and the event number alone, so that a training and an analysis that never
meet agree on which events are whose.
"""

from __future__ import annotations

import zlib
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, model_validator

from rs3l_gnn.conventions.config import BaseConfig

__all__ = ["Split", "SplitFractions", "event_hash", "split_of"]


class Split(IntEnum):
    """Side of the split, as stored in arrays."""

    TRAIN = 0
    VALIDATION = 1
    TEST = 2


class SplitFractions(BaseConfig):
    """Shares of the hard events, together 1, or equal folds of which each is the test side once."""

    train: float = Field(default=0.6, ge=0, le=1, description="share of the hard events to train on")
    validation: float = Field(default=0.1, ge=0, le=1, description="share that watches the training")
    test: float = Field(default=0.3, ge=0, le=1, description="share that only the evaluation and the analysis see")

    folds: int | None = Field(
        default=None,
        ge=3,
        description="equal parts in place of the shares: one tests, the next validates, others train",
    )
    fold: int = Field(default=0, ge=0, description="number of the part that tests, from 0")

    @model_validator(mode="after")
    def _one_of_both(self) -> SplitFractions:
        if self.fold >= (self.folds or 1):
            raise ValueError(f"fold must be below the number of folds, got {self.fold} of {self.folds or 'none'}")
        shares = ("train", "validation", "test")
        if self.folds and any(getattr(self, name) != type(self).model_fields[name].default for name in shares):
            raise ValueError("folds and shares exclude each other")
        return self

    @model_validator(mode="after")
    def _sum_to_one(self) -> SplitFractions:
        total = self.train + self.validation + self.test
        if not abs(total - 1) < 1e-9:
            raise ValueError(f"the fractions must add up to 1, they give {total:g}")
        return self

    def of(self, split: Split) -> float:
        """Share of one side."""
        if self.folds is not None:
            return (1 - 2 / self.folds, 1 / self.folds, 1 / self.folds)[split]
        return (self.train, self.validation, self.test)[split]


def event_hash(sample: str, event: ArrayLike) -> NDArray[np.float64]:
    """Map each hard event to a number in [0, 1), evenly and reproducibly.

    Args:
        sample: name of the sample the events belong to (for example ``qcd``).
        event: event numbers [n].
    """
    # Finaliser of splitmix64 (Steele, Lea, Flood, OOPSLA 2014): every bit of the input moves every bit of the output.
    word = np.array(event, dtype=np.uint64) + np.uint64(zlib.crc32(sample.encode()) << 32)
    word = word + np.uint64(0x9E3779B97F4A7C15)
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    word = word ^ (word >> np.uint64(31))
    return (word >> np.uint64(11)).astype(np.float64) / float(1 << 53)


def split_of(sample: str, event: ArrayLike, fractions: SplitFractions) -> NDArray[np.int8]:
    """Side of each hard event, as the numbers of :class:`Split` [n]."""
    if fractions.folds is not None:
        # How many parts behind the one that tests.
        behind = np.floor(event_hash(sample, event) * fractions.folds).astype(np.int64) - fractions.fold
        behind %= fractions.folds
        return np.select([behind == 0, behind == 1], [Split.TEST, Split.VALIDATION], Split.TRAIN).astype(np.int8)
    edges = np.array([fractions.train, fractions.train + fractions.validation])
    return np.searchsorted(edges, event_hash(sample, event), side="right").astype(np.int8)
