"""Numbers with their errors, and the base of all records; as documents for JSON they have flat keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, get_type_hints

__all__ = [
    "Difference",
    "Estimate",
    "Interval",
    "Inverse",
    "PairedDifference",
    "Ratio",
    "Record",
    "as_document",
]

Interval: TypeAlias = tuple[float | None, float | None]
"""68 % of the replicas; None where there is no bound."""


class Record:
    """Base of the results.

    What an annotation says of the place of a field in the document: ``named``, its parts get its name in front
    (``auc``, ``auc_error``, ...); ``inline``, they stand among those of the record; ``common``, so too, with that
    ending; ``optional``, it is left out where there is none.
    """

    def document(self) -> dict[str, Any]:
        """For JSON."""
        out: dict[str, Any] = {}
        for name, (layout,) in _layouts(type(self)).items():
            value = getattr(self, name)
            if layout == "named":
                parts = {"value": None, "error": None} if value is None else value.document()
                out |= {name if key == "value" else f"{name}_{key}": part for key, part in parts.items()}
            elif layout in {"inline", "common"}:
                ending = "_common" if layout == "common" else ""
                out |= {f"{key}{ending}": part for key, part in ({} if value is None else value.document()).items()}
            elif layout != "optional" or value is not None:
                out[name] = as_document(value)
        return out


def _layouts(record: type[Record]) -> dict[str, tuple[str]]:
    hints = get_type_hints(record, include_extras=True)
    return {name: getattr(hint, "__metadata__", ("plain",)) for name, hint in hints.items()}


def as_document(value: Any) -> Any:
    """Records, and mappings and sequences of them, for JSON."""
    if isinstance(value, Record):
        return value.document()
    if isinstance(value, Mapping):
        return {key: as_document(inner) for key, inner in value.items()}
    return [as_document(inner) for inner in value] if isinstance(value, (tuple, list)) else value


@dataclass(frozen=True)
class Estimate(Record):
    """One number of one recipe.

    Attributes:
        value: mean over the trainings.
        error: ``error_events`` and ``error_trainings`` in quadrature; None where the number is not defined in many
            replicas.
        error_events: from the replicas of the events.
        error_trainings: of the mean, from the choice of seeds; None for a single training.
        spread: standard deviation over the trainings; None for a single training.
        trainings: one value a training.
    """

    value: float
    error: float | None
    error_events: float | None
    error_trainings: float | None
    spread: float | None
    trainings: tuple[float, ...]

    @property
    def interval(self) -> Interval:
        """One error down and up."""
        return (None, None) if self.error is None else (self.value - self.error, self.value + self.error)


@dataclass(frozen=True)
class Inverse(Record):
    """One over a number; None where the number or a bound of it is zero.

    Attributes:
        value: 1 / mean.
        interval: with events and seeds.
        interval_events: with the events alone.
        error, error_events, error_trainings, spread: those of the number over its square.
        trainings: one value a training.
    """

    value: float | None
    interval: Interval
    interval_events: Interval
    error: float | None
    error_events: float | None
    error_trainings: float | None
    spread: float | None
    trainings: tuple[float | None, ...]


@dataclass(frozen=True)
class Difference(Record):
    """Second minus first.

    Attributes:
        difference: of the means.
        error: both errors in quadrature.
        error_events: from the replicas, which both share; None where many are not defined.
        error_trainings: from the spreads that are known, that of a single training is not; None if none is.
        significance: difference in standard deviations of a normal distribution of equal p-value; None without an
            error.
    """

    difference: float | None
    error: float | None
    error_events: float | None
    error_trainings: float | None
    significance: float | None


@dataclass(frozen=True)
class PairedDifference(Difference):
    """With the correlation that pairing makes use of; None everywhere if one of the two is not defined."""

    correlation: float | None


@dataclass(frozen=True)
class Ratio(Record):
    """Ratio of two means; None where it is not finite."""

    ratio: float | None
    interval: Interval
