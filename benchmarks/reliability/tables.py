"""Tables of what was counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from rs3l_gnn.benchmarks.page import markdown

__all__ = ["table"]


def table(name: str, numbers: dict[str, Any]) -> str:
    """A table in Markdown of what the benchmark ``damaged``, ``faults`` or ``load`` found."""
    return markdown(_ROWS[name](numbers))


def _damaged(numbers: dict[str, Any]) -> list[list[Any]]:
    columns = ("tries", "read", "refused", "escaped")
    kinds = numbers["kinds"]
    sums = ["all", *(sum(kind[column] for kind in kinds.values()) for column in columns)]
    head = ["File", "Tries", "Read", "Refused", "Escaped"]
    return [head, *([f"`{name}`", *(kind[column] for column in columns)] for name, kind in kinds.items()), sums]


def _faults(numbers: dict[str, Any]) -> list[list[Any]]:
    """Survived of all tries, by fault and verb; a fault that cannot happen to a verb has no cell."""
    faults = list(dict.fromkeys(fault for found in numbers.values() for fault in found))
    head: list[Any] = ["Fault", *(f"`{verb}`" for verb in numbers), "Tries", "Lost"]
    lines = [head]
    for fault in faults:
        by_verb = [[found[fault]] if fault in found else [] for found in numbers.values()]
        cells = ["" if not counts else _survived(counts) for counts in by_verb]
        lines.append([fault, *cells, *_sums(one for counts in by_verb for one in counts)])
    every = [list(found.values()) for found in numbers.values()]
    return [*lines, ["all", *map(_survived, every), *_sums(one for found in every for one in found)]]


def _survived(counts: Iterable[dict[str, Any]]) -> str:
    tries, lost = _sums(counts)
    return f"{tries - lost}/{tries}"


def _sums(counts: Iterable[dict[str, Any]]) -> tuple[int, int]:
    rows = [(int(one["tries"]), int(one["lost"])) for one in counts]
    return sum(tries for tries, _ in rows), sum(lost for _, lost in rows)


def _load(numbers: dict[str, Any]) -> list[list[Any]]:
    lines: list[list[Any]] = [["Load", "Size", "Processor seconds", "Memory (MiB)"]]
    for name, found in numbers.items():
        size, cpu, peak = (
            " → ".join(form(value) for value in found[key])
            for key, form in (("sizes", "{:,}".format), ("cpu_seconds", "{:.1f}".format), ("peak_mb", "{:.0f}".format))
        )
        lines.append([name, size, cpu, peak])
    return lines


_ROWS: dict[str, Callable[[dict[str, Any]], list[list[Any]]]] = {"damaged": _damaged, "faults": _faults, "load": _load}
