"""Error bars from intervals."""

from rs3l_gnn.evaluation.figures.performance import interval_bars


def test_bars_reach_the_ends_and_open_ends_are_told() -> None:
    rows = [{"value": 5.0, "interval": [4.0, 7.0]}, {"value": 5.0, "interval": [3.0, None]}]
    bars, is_open = interval_bars(rows)
    assert bars.tolist() == [[1, 2], [2, 0]]
    assert is_open == [False, True]
    assert interval_bars([])[0].shape == (2, 0)
