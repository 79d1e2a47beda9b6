"""Which responses the views and their shower weights can tell, and the scales that belong to each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from rs3l_gnn.conventions import NOMINAL, ConfigError, UnknownVariationError, Variation
from rs3l_gnn.conventions.scales import reshowered_scales, scale_of, scale_responses
from rs3l_gnn.evaluation.responses.results import Estimator

__all__ = ["find_estimators", "is_other_generator"]

_SHOWER_MODEL = "PartonShowers:model"


def is_other_generator(variation: Variation) -> bool:
    """Whether a variation says of itself that its events come from another generator or another shower model."""
    model = any(setting.partition("=")[0].strip() == _SHOWER_MODEL for setting in variation.settings)
    return variation.stage == "generator" or model


def find_estimators(
    variations: Sequence[Variation],
    weights: Sequence[str] = (),
    *,
    generators: Sequence[str] | None = None,
    unpaired: Sequence[str] = (),
) -> tuple[Estimator, ...]:
    """Every response that can be measured.

    Two variations that multiply a scale by a factor and, within a per cent, its inverse make a central difference; a
    factor without its inverse is compared with nominal. Weights are taken in pairs alone.

    Args:
        variations: those that occur.
        weights: names of the shower weights.
        generators: variations that stand for another generator; None takes those that say so.
        unpaired: other generators with hard events of their own.

    Raises:
        ConfigError: one of these has the name of a variation.
        UnknownVariationError: a generator that does not occur.
    """
    others = [variation for variation in variations if variation.name != NOMINAL.name]
    known = [variation.name for variation in others]
    for name in generators or ():
        if name not in known:
            raise UnknownVariationError(f"responses.generators names {name!r}, which does not occur", allowed=known)
    taken = [name for name in unpaired if name in known]
    if taken:
        raise ConfigError(
            f"responses.unpaired names {taken[0]!r}, which is a variation of the views", hint="give it another name"
        )
    wanted = generators if generators is not None else [one.name for one in others if is_other_generator(one)]
    scales = [one for one in others if one.name not in wanted and scale_of(one) is not None]
    pairs, of_weights = reshowered_scales(scales), scale_responses(weights)
    paired = {scale_of(one) for one in scales if any(one.name in {pair.up, pair.down} for pair in pairs)}
    alone = [one for one in scales if scale_of(one) not in paired]
    return (
        *(Estimator(pair.name, "shower", pair.up, pair.down, pair.logarithm) for pair in pairs),
        *_against_nominal(alone),
        *(Estimator(f"{pair.name} by weights", "weights", pair.up, pair.down, pair.logarithm) for pair in of_weights),
        *(Estimator(name, "generator", name, NOMINAL.name, 1.0) for name in known if name in wanted),
        *(Estimator(name, "generator", name, NOMINAL.name, 1.0, paired=False) for name in unpaired),
    )


def _against_nominal(variations: Sequence[Variation]) -> Iterator[Estimator]:
    for variation in variations:
        scale = scale_of(variation)
        if scale is not None and scale[1] != 1:
            name = f"{scale[0]} x{scale[1]:.3g} alone"
            yield Estimator(name, "shower", variation.name, NOMINAL.name, 2 * math.log(scale[1]))
