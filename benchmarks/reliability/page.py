"""Tables of what was counted, and their place in a page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from rs3l_gnn.conventions import InputFileError, atomic_file

__all__ = ["joined", "put_table", "table"]


def joined(parts: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Numbers of runs of parts as those of one run; what two of them counted is taken from the later one."""
    whole: dict[str, Any] = {}
    for part in parts:
        for key, value in part.items():
            both = isinstance(value, dict) and isinstance(whole.get(key), dict)
            whole[key] = joined([whole[key], value]) if both else value
    return whole


def table(name: str, numbers: dict[str, Any]) -> str:
    """A table in Markdown of what the benchmark ``damaged``, ``faults`` or ``load`` found."""
    head, *rows = _ROWS[name](numbers)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def put_table(page: Path, name: str, numbers: dict[str, Any]) -> None:
    """Replace what stands in the page between ``<!-- NAME -->`` and ``<!-- end of NAME -->``.

    Raises:
        InputFileError: the page has no such place.
    """
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(f"<!-- {name} -->\n")
    _, end, after = rest.partition(f"<!-- end of {name} -->")
    if not end:
        raise InputFileError(f"{page} has no place for a table", hint=f"<!-- {name} --> and <!-- end of {name} -->")
    with atomic_file(page, force=True) as partial:
        partial.write_text(f"{before}{begin}\n{table(name, numbers)}\n\n{end}{after}", encoding="utf-8")


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
