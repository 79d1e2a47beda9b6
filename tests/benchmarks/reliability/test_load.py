from __future__ import annotations

import pytest

from rs3l_gnn.benchmarks.reliability.load import LOADS, measure_loads


def test_small_loads_give_their_numbers() -> None:
    found = measure_loads(("names in a fileset", "variations of a histogram"), fraction=0.05)
    assert found["names in a fileset"]["sizes"] == [500, 5000]
    for load in found.values():
        assert all(seconds > 0 for seconds in load["seconds"])
        assert load["over_linear"] == pytest.approx(load["cpu_seconds"][1] / load["cpu_seconds"][0] / 10)


@pytest.mark.slow
@pytest.mark.parametrize("name", LOADS)
def test_memory_is_bounded_and_time_linear(name: str) -> None:
    """Ten times the size takes ten times the time at most (twice that for caches), and hardly more memory."""
    found = measure_loads((name,))[name]
    assert found["over_linear"] < 2
    grown = found["peak_mb"][1] - found["peak_mb"][0]
    assert grown < 400, f"{grown:.0f} MB more"
