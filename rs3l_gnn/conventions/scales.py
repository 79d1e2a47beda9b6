"""Renormalisation scales that are moved up and down by the same factor: shower weights and re-showered views."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from rs3l_gnn.conventions.variation import Variation

__all__ = ["NANOAOD_WEIGHTS", "ScaleResponse", "reshowered_scales", "scale_of", "scale_responses", "weight_name"]

NANOAOD_WEIGHTS = ("isr:muRfac=2.0", "fsr:muRfac=2.0", "isr:muRfac=0.5", "fsr:muRfac=0.5")
"""Entries of NanoAOD's ``PSWeight`` as its documentation has them: ISR=2 FSR=1; ISR=1 FSR=2; ISR=0.5 FSR=1; ISR=1
FSR=0.5, factors on the scale."""

_WEIGHT = re.compile(r"([a-z]+):muRfac=([0-9.eE+-]+)")
_NAMED = re.compile(r"([a-z]+(?:\+[a-z]+)*) x([0-9.]+)")
_SHOWERS = {"TimeShower:renormMultFac": "fsr", "SpaceShower:renormMultFac": "isr"}
_CLOSE = 0.01

Scale = tuple[str, float]
"""Showers whose renormalisation scale is multiplied, such as ``fsr``, and the factor on the scale (not squared)."""


@dataclass(frozen=True)
class ScaleResponse:
    """Two weights, or two variations, that move one renormalisation scale up and down by the same factor.

    Attributes:
        name: such as ``fsr x2``, with the factor on the scale itself.
        up, down: names of the weights or variations.
        logarithm: ln of the ratio of the two squared scales.
    """

    name: str
    up: str
    down: str
    logarithm: float


def weight_name(text: str) -> str | None:
    """The one name of a shower weight that users write in one of two ways; None if it says no factor on a scale.

    >>> weight_name("fsr x2"), weight_name("isr:muRfac=.5"), weight_name("fsr+isr x0.5"), weight_name("fsrUp")
    ('fsr:muRfac=2.0', 'isr:muRfac=0.5', 'fsr:muRfac=0.5 isr:muRfac=0.5', None)
    """
    named = _NAMED.fullmatch(text.strip())
    found = [(kind, named[2]) for kind in named[1].split("+")] if named else _WEIGHT.findall(text)
    if not named and _WEIGHT.sub("", text).strip(" ,"):
        return None
    try:
        factors = sorted((kind, float(factor)) for kind, factor in found)
    except ValueError:
        return None
    varied = [(kind, factor) for kind, factor in factors if factor != 1]
    if not varied or not all(factor > 0 for _, factor in varied):
        return None
    return " ".join(f"{kind}:muRfac={factor}" for kind, factor in varied)


def scale_responses(names: Iterable[str]) -> tuple[ScaleResponse, ...]:
    """Pairs of shower weights out of ``names`` that vary a scale by a factor and its inverse, within a per cent.

    Pythia's ``muRfac`` multiplies the scale itself, not its square (arXiv:1605.08352).
    """
    scales = {}
    for name in names:
        found = [(kind, float(factor)) for kind, factor in _WEIGHT.findall(name)]
        if (scale := _common(found)) is not None:
            scales[scale] = name
    return _pairs(scales)


def reshowered_scales(variations: Iterable[Variation]) -> tuple[ScaleResponse, ...]:
    """Pairs of variations that multiply one scale by a factor and its inverse and change nothing else."""
    return _pairs({scale: one.name for one in variations if (scale := scale_of(one)) is not None})


def scale_of(variation: Variation) -> Scale | None:
    """Scale that a variation multiplies, from the settings that its views record; None if it changes anything else.

    Pythia's ``renormMultFac`` multiplies the squared scale.

    >>> from rs3l_gnn.conventions import VARIATIONS
    >>> scale_of(VARIATIONS["fsrDefUp"]), scale_of(VARIATIONS["isrDefDown"]), scale_of(VARIATIONS["vincia"])
    (('fsr', 2.0), ('isr', 0.5), None)
    """
    settings = variation.settings
    if not settings and variation.parameter is not None and variation.factor is not None:
        settings = (f"{variation.parameter}={variation.factor:g}",)  # a record may hold no more
    if variation.detector:
        return None
    squares = dict(_factor_of(setting) for setting in settings)
    return _common([(kind, math.sqrt(max(square, 0.0))) for kind, square in squares.items()])


def _factor_of(setting: str) -> Scale:
    """Shower and factor on the squared scale; no name for any other setting."""
    name, _, text = setting.partition("=")
    try:
        return _SHOWERS.get(name.removesuffix(" FORCE").strip(), ""), float(text)
    except ValueError:
        return "", 0.0


def _common(scales: list[Scale]) -> Scale | None:
    """All showers and the factor that they have in common; None without any, or for other factors or settings."""
    factors = {factor for _, factor in scales}
    if len(factors) != 1 or min(factors) <= 0 or not all(kind for kind, _ in scales):
        return None
    return "+".join(sorted(kind for kind, _ in scales)), factors.pop()


def _pairs(scales: dict[Scale, str]) -> tuple[ScaleResponse, ...]:
    pairs = []
    for (kind, factor), name in scales.items():
        if factor <= 1:
            continue
        for (other, inverse), down in scales.items():
            if other == kind and abs(factor * inverse - 1) < _CLOSE:
                pairs.append(ScaleResponse(f"{kind} x{factor:.3g}", name, down, 2 * math.log(factor / inverse)))
    return tuple(pairs)
