"""Functions of expressions on their own: bits, and what is no number."""

from __future__ import annotations

import numpy as np

from rs3l_gnn.conventions.expression_functions import FUNCTIONS, Column


def test_bits_of_whole_numbers() -> None:
    flags = np.array([0.0, 1.0, 2.0, 6.0, 2.5, np.nan, np.inf, -1.0, 2.0**40])
    for place in (0, 1, 40):
        found = FUNCTIONS["bit"].elementwise(flags, np.float64(place))
        loops = [bool(int(x) >> place & 1) if np.isfinite(x) and x == int(x) else False for x in flags]
        assert found.tolist() == loops
    assert not FUNCTIONS["bit"].elementwise(flags, np.float64(-1)).any()


def test_reductions_of_nothing() -> None:
    nothing = Column(np.zeros(0), "Muon", np.array([0, 0]))
    conditions = Column(np.zeros(0, dtype=bool), "Muon", np.array([0, 0]))

    def reduced(name: str, column: Column) -> list[float]:
        function = FUNCTIONS[name].reduces
        assert function is not None
        found: list[float] = np.asarray(function(column).values).tolist()
        return found

    assert reduced("sum", nothing) == [0.0, 0.0]
    assert reduced("count", conditions) == [0.0, 0.0]
    assert reduced("any", conditions) == [False, False]
    assert reduced("all", conditions) == [True, True]
    assert np.isnan(reduced("max", nothing)).all()


def test_every_function_says_how_it_is_written() -> None:
    assert all(function.usage.startswith(f"{name}(") for name, function in FUNCTIONS.items())
