"""Toys whose response is known: a score is an exponential number plus slope times ln of the squared scale.

Beyond a cut c pass exp(slope L - c) of the jets, hence d ln(rate) / dL = slope at every cut.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import norm

from rs3l_gnn.conventions import get_variation
from rs3l_gnn.evaluation.meter import Meter

SCALES = ("fsrDefUp", "fsrDefDown")
Toy = Callable[..., Meter]


def shared_normals(
    shape: tuple[int, ...], shares: Mapping[int, float], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Normal numbers that share a part of their variance along some axes."""
    out = np.sqrt(1 - sum(shares.values())) * rng.normal(size=shape)
    for axis, share in shares.items():
        out += np.sqrt(share) * rng.normal(size=[1 if place == axis else n for place, n in enumerate(shape)])
    return np.asarray(out)


def exponential(normals: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(-np.log(norm.sf(normals)))


@pytest.fixture(scope="session")
def toy(make_meter: Callable[..., Meter]) -> Toy:
    """Maker of meters: slopes of each training of each tagger, number of signal and background events."""

    def make(
        slopes: Mapping[str, tuple[float, ...]],
        rng: np.random.Generator,
        *,
        n_signal: int = 600,
        n_background: int = 600,
        variations: tuple[str, ...] = SCALES,
        views_share: float = 0.1,
        taggers_share: float = 0.6,
        weights: NDArray[np.float64] | None = None,
        **document: Any,
    ) -> Meter:
        n, views = n_signal + n_background, 1 + len(variations)
        names = {tagger: tuple(f"{tagger}{i}" for i in range(len(values))) for tagger, values in slopes.items()}
        size = (n, views, sum(map(len, names.values())))
        scores = exponential(shared_normals(size, {1: views_share, 2: taggers_share}, rng))
        logarithms = np.log([1.0, *(get_variation(name).factor or 1.0 for name in variations)])
        flat = [slope for values in slopes.values() for slope in values]
        scores += logarithms[None, :, None] * np.array(flat)
        trainings = [name for group in names.values() for name in group]
        return make_meter(
            {
                "views": ["unused.h5"],
                "signal": {"name": "higgs", "jettypes": ["H_BB"]},
                "background": {"name": "qcd", "jettypes": ["Q"]},
                "taggers": names,
                "efficiencies": [0.5, 0.8],
                "bootstrap": 100,
                **document,
            },
            {name: scores[:, :, place].ravel() for place, name in enumerate(trainings)},
            n_signal=n_signal,
            n_background=n_background,
            variations=variations,
            weights=weights,
        )

    return make
