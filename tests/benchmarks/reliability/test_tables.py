from __future__ import annotations

from rs3l_gnn.benchmarks.reliability.tables import table

FAULTS = {
    "pair": {"SIGKILL": {"tries": 3, "lost": 0}, "two runs": {"tries": 3, "lost": 1}},
    "fit": {"SIGKILL": {"tries": 2, "lost": 0}},
}


def test_tables_hold_the_numbers_and_their_sums() -> None:
    assert table("faults", FAULTS).splitlines() == [
        "| Fault | `pair` | `fit` | Tries | Lost |",
        "| --- | --- | --- | --- | --- |",
        "| SIGKILL | 3/3 | 2/2 | 5 | 0 |",
        "| two runs | 2/3 |  | 3 | 1 |",
        "| all | 5/6 | 2/2 | 8 | 1 |",
    ]
    kinds = {"a.json": {"tries": 5, "read": 2, "refused": 3, "escaped": 0}}
    kinds["b.lhe"] = {"tries": 4, "read": 0, "refused": 3, "escaped": 1}
    assert table("damaged", {"kinds": kinds, "lines": []}).splitlines()[2:] == [
        "| `a.json` | 5 | 2 | 3 | 0 |",
        "| `b.lhe` | 4 | 0 | 3 | 1 |",
        "| all | 9 | 2 | 6 | 1 |",
    ]
    load = {"names": {"sizes": [10, 1000], "cpu_seconds": [0.12, 2.0], "peak_mb": [50.2, 61.0]}}
    assert table("load", load).splitlines()[2] == "| names | 10 → 1,000 | 0.1 → 2.0 | 50 → 61 |"
