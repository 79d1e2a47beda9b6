"""Which responses the views and their shower weights can tell, and the scales that belong to each."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence

from rs3l_gnn.conventions import NOMINAL, UnknownVariationError, Variation
from rs3l_gnn.evaluation.responses.results import Estimator

__all__ = ["find_estimators", "is_other_generator", "scale_of", "scale_of_weight"]

_PARAMETERS = {"TimeShower:renormMultFac": "fsr", "SpaceShower:renormMultFac": "isr"}
_WEIGHT = re.compile(r"([a-z]+):muRfac=([0-9.eE+-]+)")
_SHOWER_MODEL = "PartonShowers:model"
_CLOSE = 0.01

Scale = tuple[str, float]
"""Showers whose renormalisation scale is multiplied, such as ``fsr``, and the factor on the scale (not squared)."""


def scale_of(variation: Variation) -> Scale | None:
    """Scale that a variation multiplies, from the settings that its views record; None if it changes anything else.

    Pythia's ``renormMultFac`` multiplies the squared scale.

    >>> from rs3l_gnn.conventions import VARIATIONS
    >>> scale_of(VARIATIONS["fsrDefUp"]), scale_of(VARIATIONS["isrDefDown"]), scale_of(VARIATIONS["vincia"])
    (('fsr', 2.0), ('isr', 0.5), None)
    """
    if variation.detector:
        return None
    factors = dict(_factor_of(setting) for setting in _settings_of(variation))
    return _common([(kind, math.sqrt(value)) for kind, value in factors.items() if kind and value > 0], len(factors))


def scale_of_weight(name: str) -> Scale | None:
    """Scale that a shower weight varies, from its name; ``muRfac`` multiplies the scale itself (arXiv:1605.08352).

    >>> scale_of_weight("isr:muRfac=0.5"), scale_of_weight("isr:PDF:plus")
    (('isr', 0.5), None)
    """
    found = _WEIGHT.findall(name)
    return _common([(kind, float(factor)) for kind, factor in found if float(factor) > 0], len(found))


def is_other_generator(variation: Variation) -> bool:
    """Whether a variation says of itself that its events come from another generator or another shower model."""
    model = any(setting.partition("=")[0].strip() == _SHOWER_MODEL for setting in variation.settings)
    return variation.stage == "generator" or model


def find_estimators(
    variations: Sequence[Variation],
    weights: Sequence[str] = (),
    *,
    generators: Sequence[str] | None = None,
) -> tuple[Estimator, ...]:
    """Every response that can be measured.

    Two variations that multiply a scale by a factor and, within a per cent, its inverse make a central difference; a
    factor without its inverse is compared with nominal. Weights are taken in pairs alone.

    Args:
        variations: those that occur.
        weights: names of the shower weights.
        generators: variations that stand for another generator; None takes those that say so.

    Raises:
        UnknownVariationError: a generator that does not occur.
    """
    others = [variation for variation in variations if variation.name != NOMINAL.name]
    known = [variation.name for variation in others]
    for name in generators or ():
        if name not in known:
            raise UnknownVariationError(f"responses.generators names {name!r}, which does not occur", allowed=known)
    wanted = generators if generators is not None else [one.name for one in others if is_other_generator(one)]
    scales = {scale: one.name for one in others if one.name not in wanted and (scale := scale_of(one)) is not None}
    of_weights = {scale: name for name in weights if (scale := scale_of_weight(name)) is not None}
    return (
        *_central(scales, "shower"),
        *_alone(scales),
        *_central(of_weights, "weights"),
        *(Estimator(name, "generator", name, NOMINAL.name, 1.0) for name in known if name in wanted),
    )


def _settings_of(variation: Variation) -> tuple[str, ...]:
    if variation.settings or variation.parameter is None or variation.factor is None:
        return variation.settings
    return (f"{variation.parameter}={variation.factor:g}",)  # records of published files may hold no more


def _factor_of(setting: str) -> tuple[str, float]:
    name, _, text = setting.partition("=")
    try:
        return _PARAMETERS.get(name.removesuffix(" FORCE").strip(), ""), float(text)
    except ValueError:
        return "", 0.0


def _common(factors: Sequence[Scale], expected: int) -> Scale | None:
    """Names and the factor that all of them have; None if they differ, or if one of the expected ones is missing."""
    values = {factor for _, factor in factors}
    if len(factors) != expected or len(values) != 1:
        return None
    return "+".join(sorted(kind for kind, _ in factors)), values.pop()


def _inverse(scales: Mapping[Scale, str], scale: Scale) -> Scale | None:
    kind, factor = scale
    return next((other for other in scales if other[0] == kind and abs(other[1] * factor - 1) < _CLOSE), None)


def _central(scales: Mapping[Scale, str], kind: str) -> Iterator[Estimator]:
    for scale, up in scales.items():
        below = _inverse(scales, scale) if scale[1] > 1 else None
        if below is not None:
            name = f"{scale[0]} x{scale[1]:.3g}"
            logarithm = 2 * math.log(scale[1] / below[1])
            if kind == "weights":
                yield Estimator(f"{name} by weights", "weights", up, scales[below], logarithm)
            else:
                yield Estimator(name, "shower", up, scales[below], logarithm)


def _alone(scales: Mapping[Scale, str]) -> Iterator[Estimator]:
    for scale, name in scales.items():
        if scale[1] != 1 and _inverse(scales, scale) is None:
            yield Estimator(f"{scale[0]} x{scale[1]:.3g} alone", "shower", name, NOMINAL.name, 2 * math.log(scale[1]))
