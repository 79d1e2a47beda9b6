from __future__ import annotations

from dataclasses import replace

from rs3l_gnn.fits import Comparison, Spread, TaggerResult
from rs3l_gnn.fits.compare.results import PARTS
from rs3l_gnn.fits.compare.tables import markdown_tables

EDGES = {"sr": [0.0, 0.5, 1.0]}
SIGNAL = {"sr": [1.0, 0.5, 0.0]}
BACKGROUND = {"sr": [1.0, 0.0123, 0.0]}
DEVIATION = dict(zip(PARTS, (0.02, 0.001, 0.03, 0.0), strict=True))


def test_values_have_the_digits_of_their_errors() -> None:
    spread = Spread(dict(zip(PARTS, (0.52, 0.3, 0.42, 0.0), strict=True)), DEVIATION, n=100, failed=0)
    rs3l = TaggerResult(
        "h", 1.0, 0.5, 0.3, 0.4, 0.0, EDGES, SIGNAL, BACKGROUND, {"altHad": -0.1}, {"altHad": 0.03}, spread
    )
    n2 = replace(rs3l, mu_error_shower=0.9, bias={"altHad": 0.4}, bias_error={"altHad": 0.04})
    lines = markdown_tables(Comparison.of({"n2": n2, "rs3l": rs3l}, {})).splitlines()
    assert lines[0].startswith("| Tagger | error of mu, total | error of mu, statistical | error of mu, shower |")
    assert lines[0].endswith("| bias, altHad |")
    # Two digits of the error; without one, three of the value.
    assert lines[3] == "| rs3l | 0.500 ± 0.020 | 0.3000 ± 0.0010 | 0.400 ± 0.030 | 0 | -0.100 ± 0.030 |"
    assert "| rs3l | 50 % | 1.23 % |" in lines
    # Replicas of 0.42 +- 0.03 where the run has 0.4: twice 0.4^2 less their mean square.
    assert "| rs3l | 0.400 | 0.378 ± 0.033 |" in lines
    assert "| n2 - rs3l |" in lines[-3]
    assert "+0.500 ± 0.042" in lines[-3]
    assert lines[-1].endswith("upper bounds.")
    widths = {line.count("|") for line in lines[:4]}
    assert widths == {7}
    assert "Difference" not in markdown_tables(Comparison.of({"rs3l": rs3l}, {}))
