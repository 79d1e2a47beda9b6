"""Synthetic taggers of known scores, measured once."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.typing import NDArray

from rs3l_gnn.conventions.plotting import house_style
from rs3l_gnn.evaluation.meter import Meter
from rs3l_gnn.evaluation.metrics import measure
from rs3l_gnn.evaluation.results import Metrics

N = 400


def panels(figure: Figure) -> list[Any]:
    """Panels of a figure, whose contents matplotlib types as anything that can be drawn."""
    return list(figure.axes)


@pytest.fixture(autouse=True)
def style() -> Iterator[None]:
    """Figures of the tests look like those of a report."""
    with house_style():
        yield


def made(mu: float, shift: float, seed: int = 0) -> NDArray[np.float64]:
    """Scores between 0 and 1 of nominal and one varied view of 2 N events, signal first."""
    events = np.random.default_rng(seed).normal(0, 1, 2 * N)
    nominal = events + mu * (np.arange(2 * N) < N)
    return np.asarray(1 / (1 + np.exp(-np.stack([nominal, nominal + shift], axis=1).ravel())))


SCORES = {"a0": made(1.0, 0.3), "a1": made(1.1, 0.3, 1), "b": made(2.0, 0.1)}


@pytest.fixture(scope="session")
def synthetic(make_meter: Callable[..., Meter]) -> Meter:
    """Two taggers, one of them trained twice, with a curve and a table."""
    document = {
        "bootstrap": 30,
        "taggers": {"a": ["a0", "a1"], "b": "b"},
        "efficiencies": [0.5, 0.8],
        "distance_aim": 0.5,
        "curves": {
            "labels": {
                "x_label": "labels",
                "lines": {"rs3l": {10: "a0", 100: "b"}, "supervised": {10: "a1", 100: "a0"}},
                "references": {"N2": "n2"},
                "reference": "supervised",
                "aims": {100: 1.5},
                "extrapolate_to": 1000,
                "variations": True,
            }
        },
        "tables": {"t": {"rows": {"old": ["a0", "a1"], "new": "b"}, "reference": "old"}},
    }
    return make_meter(document, SCORES, n_signal=N, n_background=N, variations=("fsrRenHi",))


@pytest.fixture(scope="session")
def measured(synthetic: Meter) -> Metrics:
    """Their numbers."""
    return measure(synthetic)
