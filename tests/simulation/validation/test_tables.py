from __future__ import annotations

import csv
from pathlib import Path

from rs3l_gnn.simulation.validation.tables import write_csv, write_tex


def test_csv_keeps_all_digits(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", ("name", "value"), [("a,b", 0.1 + 0.2)])
    with (tmp_path / "a.csv").open(newline="") as stream:
        assert list(csv.reader(stream)) == [["name", "value"], ["a,b", "0.30000000000000004"]]


def test_tex_escapes_words_and_counts_columns(tmp_path: Path) -> None:
    write_tex(tmp_path / "a.tex", ("name", "x"), [("my_own & 50%", "1.0 ± 0.1"), ("H→bb, μ² × 4", "+2 σ")], numbers=1)
    lines = (tmp_path / "a.tex").read_text().splitlines()
    assert lines[0] == r"\begin{tabular}{lr}"
    assert lines[4] == r"my\_own \& 50\% & 1.0 $\pm$ 0.1 \\"
    assert lines[5] == r"H$\to$bb, $\mu$$^2$ $\times$ 4 & +2 $\sigma$ \\"
    assert "".join(lines).isascii()
    assert lines[-1] == r"\end{tabular}"
