"""Tables of a simulation, as CSV for programs and as LaTeX for notes."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from rs3l_gnn.conventions import atomic_file

__all__ = ["write_csv", "write_tex"]

_SPECIAL = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"} | {
    letter: f"\\{letter}" for letter in "&%$#_{}"
}

_SYMBOLS = {
    "±": r"$\pm$",
    "\N{MINUS SIGN}": "$-$",
    "×": r"$\times$",
    "²": "$^2$",
    "μ": r"$\mu$",
    "σ": r"$\sigma$",
    "→": r"$\to$",
}


def write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[str | float | int]]) -> None:
    """One line for each row, after the header; numbers with all their digits."""
    with atomic_file(path) as partial, partial.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows(rows)


def write_tex(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: int) -> None:
    """A ``tabular`` without packages, its last ``numbers`` columns on the right; texts are escaped, ± is in math."""
    columns = "l" * (len(header) - numbers) + "r" * numbers
    lines = [rf"\begin{{tabular}}{{{columns}}}", r"\hline", _line(header), r"\hline"]
    lines += [*map(_line, rows), r"\hline", r"\end{tabular}"]
    with atomic_file(path) as partial:
        partial.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _line(cells: Sequence[str]) -> str:
    return " & ".join(map(_escaped, cells)) + r" \\"


def _escaped(text: str) -> str:
    words = "".join(_SPECIAL.get(letter, letter) for letter in text)
    for letter, command in _SYMBOLS.items():
        words = words.replace(letter, command)
    return words
