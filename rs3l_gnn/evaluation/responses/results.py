"""Responses as frozen records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal, TypeAlias

from rs3l_gnn.conventions.wording import readable_variation
from rs3l_gnn.evaluation.estimates import Estimate, PairedDifference, Ratio, Record

__all__ = [
    "Estimator",
    "Kind",
    "PairStatistics",
    "Profile",
    "ProfileBin",
    "ProfileComparison",
    "Profiles",
    "Response",
    "ResponseComparison",
    "ResponseResults",
]

Kind = Literal["shower", "weights", "generator"]


@dataclass(frozen=True)
class Estimator(Record):
    """(ln rate(up) - ln rate(down)) / logarithm.

    Attributes:
        name: such as ``fsr x2`` (the factor stands at the scale, not at its square), ``fsr x2 by weights`` or
            ``vincia``.
        kind: ``shower``, other views of the same hard events; ``weights``, the same jets weighted anew; ``generator``,
            another generator against nominal.
        up, down: variations or shower weights of the two sides.
        logarithm: ln of the ratio of the two squared scales; 1 for a generator.
        paired: False where the two sides are other hard events.
    """

    name: str
    kind: Kind
    up: str
    down: str
    logarithm: float
    paired: bool = True

    @property
    def words(self) -> str:
        """As readers see it.

        >>> Estimator("fsr x2", "shower", "fsrDefUp", "fsrDefDown", 2.77).words
        'FSR μ × 2'
        """
        if self.kind == "generator":
            return readable_variation(self.name)
        kind, factor, *rest = self.name.split(" ")
        return " ".join([kind.upper(), "μ ×", factor.removeprefix("x"), *rest])


@dataclass(frozen=True)
class PairStatistics(Record):
    """What the error of a response comes from, mean over the trainings; what a plan scales to other numbers of jets.

    Attributes:
        events: events of the class that both sides have; of the larger side where they are other events.
        rate_up, rate_down: pass rates.
        effective_up, effective_down: so many jets of equal weight would know ln(rate) as well; None for a rate of one.
        correlation: of what the jets of one event do to the two rates.
    """

    events: int
    rate_up: float
    rate_down: float
    effective_up: float | None
    effective_down: float | None
    correlation: float


@dataclass(frozen=True)
class Response(Record):
    """d ln(pass rate) / d ln(squared scale), or ln of the ratio of two generators' pass rates; None where undefined."""

    response: Annotated[Estimate | None, "named"]
    pairs: Annotated[PairStatistics | None, "optional"] = None


@dataclass(frozen=True)
class ResponseComparison(Record):
    """Second tagger's response minus the first's, paired over the events, and their ratio.

    Attributes:
        change: the difference.
        ratio: second over first, with Fieller's 68 % interval; no interval where the first is not known to differ
            from zero.
        below_aim: significance of the statement that the second's size is below the aimed share of the first's; None
            without an aim.
    """

    change: Annotated[PairedDifference, "inline"]
    ratio: Annotated[Ratio, "inline"]
    below_aim: float | None


@dataclass(frozen=True)
class ProfileBin(Record):
    """A bin of an observable.

    Attributes:
        low, high: edges; the outermost bins hold what lies beyond, too.
        share: of the jets, mean of both sides.
        rate: at which they pass, mean of both sides and of the trainings.
        moving: part of the response from jets that move into or out of the bin.
        passing: part from jets in it that pass otherwise.
    """

    low: float
    high: float
    share: float
    rate: float
    moving: Annotated[Estimate | None, "named"]
    passing: Annotated[Estimate | None, "named"]


@dataclass(frozen=True)
class Profile(Record):
    """A response in bins of an observable, whose two parts over all bins sum to the response.

    Attributes:
        bins: the parts in each.
        moving: over all bins: what the observable's own shift carries, at fixed rates in its bins.
        passing: over all bins: what it does not.
    """

    bins: tuple[ProfileBin, ...]
    moving: Annotated[Estimate | None, "named"]
    passing: Annotated[Estimate | None, "named"]


@dataclass(frozen=True)
class ProfileComparison(Record):
    """Second tagger's parts minus the first's, paired over the events."""

    moving: PairedDifference
    passing: PairedDifference


Profiles: TypeAlias = Mapping[str, Mapping[str, Mapping[str, Mapping[str, Profile]]]]
"""By tagger, class, estimator and observable."""


@dataclass(frozen=True)
class ResponseResults(Record):
    """By tagger (or pair of taggers), class, estimator and signal efficiency; empty where nothing can be measured."""

    response_estimators: Mapping[str, Estimator] = field(default_factory=dict)
    responses: Mapping[str, Mapping[str, Mapping[str, Mapping[str, Response]]]] = field(default_factory=dict)
    response_comparisons: Mapping[str, Mapping[str, Mapping[str, Mapping[str, ResponseComparison]]]] = field(
        default_factory=dict
    )
    response_profiles: Profiles = field(default_factory=dict)
    response_profile_comparisons: Mapping[str, Mapping[str, Mapping[str, Mapping[str, ProfileComparison]]]] = field(
        default_factory=dict
    )
