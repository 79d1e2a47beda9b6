"""What an evaluation finds, as frozen records; as documents for JSON they have flat keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from rs3l_gnn.evaluation.estimates import (
    Difference,
    Estimate,
    Interval,
    Inverse,
    PairedDifference,
    Ratio,
    Record,
    as_document,
)
from rs3l_gnn.evaluation.responses.results import ResponseResults

__all__ = [
    "Aim",
    "AimedLine",
    "ClassWeights",
    "Crossing",
    "CurveResult",
    "Difference",
    "DistanceChange",
    "DistanceChanges",
    "Distances",
    "Estimate",
    "Gain",
    "Interval",
    "Inverse",
    "LatentSpace",
    "Metrics",
    "PairedDifference",
    "Point",
    "PowerLawPrediction",
    "RateChange",
    "Ratio",
    "Record",
    "Rejection",
    "ResponseResults",
    "RocCurve",
    "Row",
    "RowChange",
    "Sculpting",
    "ShowerWeightChange",
    "ShowerWeightComparison",
    "ShowerWeightResults",
    "TableResult",
    "Tagging",
    "TaggingGain",
    "VariedDistances",
    "ViewCounts",
    "as_document",
]


@dataclass(frozen=True)
class Rejection(Record):
    """1/FPR, the rate itself, and the effective number of background jets that pass (None if nobody asked)."""

    inverse: Annotated[Inverse, "inline"]
    background_efficiency: Annotated[Estimate, "named"]
    background_jets: Annotated[float | None, "optional"] = None


@dataclass(frozen=True)
class Gain(Ratio):
    """Ratio of 1/FPR, the significance of the difference of FPR, and the difference of the areas if asked for."""

    significance: float | None
    auc: Annotated[Difference | None, "optional"] = None


@dataclass(frozen=True)
class Tagging(Record):
    """Area and rejections by signal efficiency in per cent."""

    n_trainings: int
    auc: Annotated[Estimate, "named"]
    rejection: Mapping[str, Rejection]


@dataclass(frozen=True)
class RocCurve(Record):
    """The mean curve, spread of the trainings and 68 % interval over events and seeds [n_efficiencies] each."""

    signal_efficiency: tuple[float, ...]
    background_efficiency: tuple[float, ...]
    spread: tuple[float | None, ...]
    interval_low: tuple[float, ...]
    interval_high: tuple[float, ...]


@dataclass(frozen=True)
class TaggingGain(Record):
    """A pair of taggers: difference of the areas, and gains by signal efficiency."""

    auc: Difference
    rejection: Mapping[str, Gain]


@dataclass(frozen=True)
class Distances(Record):
    """Wasserstein distances in units of the score and on the scale that all taggers share."""

    wasserstein: Annotated[Estimate, "named"]
    wasserstein_common: Annotated[Estimate, "named"]

    def on(self, *, common: bool) -> Estimate:
        """The distance on one of the scales."""
        return self.wasserstein_common if common else self.wasserstein


@dataclass(frozen=True)
class VariedDistances(Distances):
    """Distance of a variation; mean and 95 % quantile of what statistics alone makes; events with both views."""

    wasserstein_null: float
    wasserstein_null_95: float
    wasserstein_common_null: float
    wasserstein_common_null_95: float
    events: int

    def null(self, *, common: bool) -> tuple[float, float]:
        """What statistics alone makes on one of the scales: mean and 95 % quantile."""
        if common:
            return self.wasserstein_common_null, self.wasserstein_common_null_95
        return self.wasserstein_null, self.wasserstein_null_95


@dataclass(frozen=True)
class DistanceChange(Record):
    """Second distance minus the first, and their ratio."""

    difference: Annotated[Difference, "inline"]
    ratio: Annotated[Ratio, "inline"]


@dataclass(frozen=True)
class DistanceChanges(Record):
    """The same on both scales; None where no variation was scored."""

    plain: Annotated[DistanceChange | None, "inline"]
    common: Annotated[DistanceChange | None, "common"]

    def on(self, *, common: bool) -> DistanceChange | None:
        """The change on one of the scales."""
        return self.common if common else self.plain


@dataclass(frozen=True)
class RateChange(Record):
    """Relative change of a pass rate; None if no nominal view passes."""

    change: Annotated[Estimate | None, "named"]


@dataclass(frozen=True)
class Sculpting(Record):
    """Divergence of the masses of passing and failing background jets; mean and 95 % of what statistics alone makes."""

    divergence: Annotated[Estimate | None, "named"]
    divergence_null: float | None
    divergence_null_95: float | None


@dataclass(frozen=True)
class ShowerWeightChange(Record):
    """What a shower weight is like in a class, and the changes of its pass rate by signal efficiency."""

    events: int
    effective_events: float
    mean: float
    largest: float
    rates: Mapping[str, RateChange]


@dataclass(frozen=True)
class ShowerWeightComparison(Record):
    """Second tagger minus the first, by weight and signal efficiency."""

    changes: Mapping[str, Mapping[str, PairedDifference]]


@dataclass(frozen=True)
class ShowerWeightResults(Record):
    """By tagger (or pair of taggers) and class; empty without shower weights."""

    shower_weights: Mapping[str, Mapping[str, Mapping[str, ShowerWeightChange]]] = field(default_factory=dict)
    shower_weight_comparisons: Mapping[str, Mapping[str, ShowerWeightComparison]] = field(default_factory=dict)


@dataclass(frozen=True)
class Point(Record):
    """A point of a curve, or a reference, which has no x."""

    n_trainings: int
    sources: tuple[str, ...]
    rejection: Rejection
    auc: Annotated[Estimate, "named"]
    x: Annotated[float | None, "optional"] = None
    wasserstein: Annotated[Mapping[str, Distances] | None, "optional"] = None
    gain: Annotated[Gain | None, "optional"] = None


@dataclass(frozen=True)
class PowerLawPrediction(Record):
    """Parameters of a power law and what it says at x."""

    amplitude: float
    exponent: float
    exponent_error: float
    chi2: float
    degrees_of_freedom: int
    x: float
    value: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class Crossing(Record):
    """Where a power law reaches an aim, with its 68 % interval; None where it never does."""

    x: float | None
    interval: Interval


@dataclass(frozen=True)
class AimedLine(Ratio):
    """What a line reaches at the place of an aim; if it misses, where a power law would get there."""

    reached: bool
    extrapolation: Annotated[Crossing | None, "optional"] = None


@dataclass(frozen=True)
class Aim(Record):
    """A wanted ratio of 1/FPR at some x, by line."""

    x: float
    aim: float
    lines: Mapping[str, AimedLine]


@dataclass(frozen=True)
class CurveResult(Record):
    """Points by line, power laws by quantity and line, aims."""

    x_label: str
    efficiency: float
    signal: str
    background: str
    reference: str | None
    lines: Mapping[str, tuple[Point, ...]]
    references: Mapping[str, Point]
    extrapolations: Mapping[str, Mapping[str, PowerLawPrediction]]
    aims: tuple[Aim, ...]


@dataclass(frozen=True)
class Row(Record):
    """A row of a table; rejections by signal efficiency, distances by class where variations were scored."""

    n_trainings: int
    sources: tuple[str, ...]
    auc: Annotated[Estimate, "named"]
    rejection: Mapping[str, Rejection]
    wasserstein: Annotated[Mapping[str, Distances] | None, "optional"] = None


@dataclass(frozen=True)
class RowChange(Record):
    """A row compared with the reference row."""

    auc: Difference
    rejection: Mapping[str, Gain]
    wasserstein: Annotated[Mapping[str, DistanceChanges] | None, "optional"] = None


@dataclass(frozen=True)
class TableResult(Record):
    """Rows by label, and the differences of all others to the reference row."""

    signal: str
    background: str
    reference: str
    rows: Mapping[str, Row]
    differences: Mapping[str, RowChange]


@dataclass(frozen=True)
class ClassWeights(Record):
    """How far weights reduce a class, and what share of its jets has a negative one."""

    effective_events: float
    negative_share: float


@dataclass(frozen=True)
class ViewCounts(Record):
    """Events that are in several files, and those that share sample and number with another."""

    joined: int
    repeated: int
    same_number: int


@dataclass(frozen=True)
class LatentSpace(Record):
    """Shares of the variance by component, jets by type, mean cosine similarity of each pair of types."""

    variance_shares: tuple[float, ...]
    jet_types: Mapping[str, int]
    cosine_similarity: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Metrics(Record):
    """Every number of an evaluation; the fields are the keys of ``metrics.json``.

    Attributes:
        events, weights: by class.
        remarks: on views of another kind than was trained on.
        views: files joined.
        tagging, roc: by tagger.
        gains: by pair of taggers ("b / a").
        robustness: by tagger, class and variation.
        comparisons: of the distances, by pair of taggers ("b - a"), class and variation.
        rate_changes: by tagger, class, variation and signal efficiency, at the thresholds of the nominal signal.
        rate_change_comparisons: by pair of taggers, class, variation and signal efficiency.
        showers: see :mod:`~rs3l_gnn.evaluation.shower_weights`.
        responses: see :mod:`~rs3l_gnn.evaluation.responses.measure`.
        sculpting: by tagger and signal efficiency, see :mod:`~rs3l_gnn.evaluation.sculpting`.
        curves, tables: by name.
        probes: area of a linear probe by encoder and class.
        latent: by encoder.
    """

    events: Mapping[str, int]
    weights: Mapping[str, ClassWeights]
    remarks: tuple[str, ...]
    views: ViewCounts
    tagging: Mapping[str, Tagging]
    roc: Mapping[str, RocCurve]
    gains: Mapping[str, TaggingGain]
    robustness: Mapping[str, Mapping[str, Mapping[str, VariedDistances]]]
    comparisons: Mapping[str, Mapping[str, Mapping[str, DistanceChanges]]]
    rate_changes: Mapping[str, Mapping[str, Mapping[str, Mapping[str, RateChange]]]]
    rate_change_comparisons: Mapping[str, Mapping[str, Mapping[str, Mapping[str, PairedDifference]]]]
    showers: Annotated[ShowerWeightResults, "inline"]
    responses: Annotated[ResponseResults, "inline"]
    sculpting: Mapping[str, Mapping[str, Sculpting]]
    curves: Mapping[str, CurveResult]
    tables: Mapping[str, TableResult]
    probes: Mapping[str, Mapping[str, float | None]]
    latent: Mapping[str, LatentSpace]
