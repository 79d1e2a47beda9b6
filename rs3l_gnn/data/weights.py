"""Generator weights of views on a common scale, for trainings and evaluations alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rs3l_gnn.conventions import BaseConfig, ConfigError, InvalidDataError
from rs3l_gnn.data.views import Views

__all__ = ["TrainingWeightConfig", "WeightConfig", "effective_number", "generator_weights"]


class WeightConfig(BaseConfig):
    """How much each jet counts."""

    generator: bool = Field(True, description="by the generator weight of its event; false counts every jet once")
    samples: dict[str, float] | None = Field(
        None,
        description="factor of each sample, such as its cross-section over the sum of its generator weights, where "
        "samples of different cross-sections make one class; if null, a jet of every sample counts one on average",
    )

    def of(self, views: Views) -> NDArray[np.float64]:
        """Weight of each view [n_jets]; errors as for :func:`generator_weights`."""
        return generator_weights(views, self.samples, use=self.generator)


class TrainingWeightConfig(WeightConfig):
    """How much each jet counts in a training, which needs weights that are not negative."""

    negative: Literal["refuse", "zero", "absolute"] = Field(
        "refuse", description="events of negative weight: an error, left without a say, or counted by their size"
    )

    def of(self, views: Views) -> NDArray[np.float64]:
        """Weight of each view, none negative [n_jets].

        Raises:
            InvalidDataError: as for :func:`generator_weights`, or negative weights that are to be refused.
        """
        weights = super().of(views)
        below = weights < 0
        if not below.any():
            return weights
        if self.negative == "refuse":
            raise InvalidDataError(
                f"{int(below.sum())} of {views.n_jets} views have negative generator weights, of which a loss has no "
                "minimum",
                hint="set weights.negative to zero or absolute; both train on another mixture than the generator's, "
                "while an evaluation takes the weights as they are",
            )
        return np.abs(weights) if self.negative == "absolute" else np.maximum(weights, 0.0)


def generator_weights(
    views: Views, factors: Mapping[str, float] | None = None, *, use: bool = True
) -> NDArray[np.float64]:
    """Generator weight of every view, such that a nominal jet has weight 1 on average [n_jets].

    Without ``factors`` the mean is taken in every sample by itself: generators give weights in any unit, and views do
    not know cross-sections. Samples that make one class then enter by their numbers of jets, within a sample the
    weights decide. With ``factors`` the weights are multiplied by them, and the mean is taken over all.

    Args:
        views: the views; their particles are not used.
        factors: factor of each sample by name.
        use: False takes every generator weight as 1.

    Raises:
        ConfigError: a sample without a factor, or a factor that is not positive and finite.
        InvalidDataError: weights that are not finite, or whose sum is not positive.
    """
    raw = views.weight.astype(np.float64) if use else np.ones(views.n_jets)
    if not np.isfinite(raw).all():
        jet = int(np.argmin(np.isfinite(raw)))
        raise InvalidDataError(
            f"the generator weight of event {views.event[jet]} of sample {views.samples[views.sample[jet]]!r} is not "
            f"finite ({int((~np.isfinite(raw)).sum())} such views)",
            got=raw[jet],
        )
    nominal = views.is_nominal()
    if factors is not None:
        raw *= _factors(views, factors)[views.sample]
        return _of_mean_one(raw, nominal, "these views")
    out = np.ones(views.n_jets)
    for number, name in enumerate(views.samples):
        mine = np.flatnonzero(views.sample == number)
        if len(mine):
            out[mine] = _of_mean_one(raw[mine], nominal[mine], f"sample {name!r}")
    return out


def effective_number(weights: NDArray[np.floating]) -> float:
    """(sum w)^2 / sum w^2: so many jets of equal weight have the same relative error; 0 for none."""
    squares = float(np.sum(np.square(weights, dtype=np.float64)))
    return float(np.sum(weights, dtype=np.float64)) ** 2 / squares if squares > 0 else 0.0


def _factors(views: Views, factors: Mapping[str, float]) -> NDArray[np.float64]:
    if set(factors) != set(views.samples):
        raise ConfigError(
            "weights.samples must give a factor to every sample of the views and to no other",
            got=", ".join(sorted(factors)),
            allowed=views.samples,
        )
    values = np.array([factors[name] for name in views.samples], dtype=np.float64)
    if not (np.isfinite(values) & (values > 0)).all():
        raise ConfigError("weights.samples must be positive and finite", got=dict(factors))
    return values


def _of_mean_one(raw: NDArray[np.float64], nominal: NDArray[np.bool_], what: str) -> NDArray[np.float64]:
    if (raw == raw[0]).all() and raw[0] > 0:
        return np.ones(len(raw))  # to the last bit: equal weights are no weights
    # A published file in ROOT may hold varied views alone.
    mean = float((raw[nominal] if nominal.any() else raw).mean())
    if not mean > 0:
        raise InvalidDataError(f"the generator weights of {what} have no positive sum", got=f"a mean of {mean:g}")
    return raw / mean
