"""Renormalisation scales that are moved up and down by the same factor: shower weights and re-showered views."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from rs3l_gnn.conventions.variation import Variation

__all__ = ["ScaleResponse", "reshowered_scales", "scale_responses"]

_WEIGHT = re.compile(r"([a-z]+):muRfac=([0-9.eE+-]+)")
_SHOWERS = {"TimeShower:renormMultFac": "fsr", "SpaceShower:renormMultFac": "isr"}
_CLOSE = 0.01


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


def scale_responses(names: Iterable[str]) -> tuple[ScaleResponse, ...]:
    """Pairs of shower weights out of ``names`` that vary a scale by a factor and its inverse, within a per cent.

    Pythia's ``muRfac`` multiplies the scale itself, not its square (arXiv:1605.08352).
    """
    scales: dict[tuple[str, float], str] = {}
    for name in names:
        found = _WEIGHT.findall(name)
        factors = {float(factor) for _, factor in found}
        if len(factors) == 1 and (factor := factors.pop()) > 0:
            scales["+".join(sorted(kind for kind, _ in found)), factor] = name
    return _pairs(scales)


def reshowered_scales(variations: Iterable[Variation]) -> tuple[ScaleResponse, ...]:
    """Pairs of variations that differ from nominal by one shower's scale, by a factor and its inverse.

    Pythia's ``renormMultFac`` multiplies the squared scale.
    """
    scales: dict[tuple[str, float], str] = {}
    for variation in variations:
        shower = _SHOWERS.get(variation.parameter or "")
        if shower is not None and variation.factor is not None and variation.factor > 0:
            scales[shower, math.sqrt(variation.factor)] = variation.name
    return _pairs(scales)


def _pairs(scales: dict[tuple[str, float], str]) -> tuple[ScaleResponse, ...]:
    pairs = []
    for (kind, factor), name in scales.items():
        if factor <= 1:
            continue
        for (other, inverse), down in scales.items():
            if other == kind and abs(factor * inverse - 1) < _CLOSE:
                pairs.append(ScaleResponse(f"{kind} x{factor:.3g}", name, down, 2 * math.log(factor / inverse)))
    return tuple(pairs)
