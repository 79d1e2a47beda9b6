"""Tables of measured numbers, and their place in a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rs3l_gnn.conventions import InputFileError, atomic_file

__all__ = ["joined", "markdown", "put_table"]


def joined(parts: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Numbers of runs of parts as those of one run; what two of them have is taken from the later one."""
    whole: dict[str, Any] = {}
    for part in parts:
        for key, value in part.items():
            both = isinstance(value, dict) and isinstance(whole.get(key), dict)
            whole[key] = joined([whole[key], value]) if both else value
    return whole


def markdown(rows: Iterable[Sequence[object]]) -> str:
    """A table in Markdown, whose first row is its head."""
    head, *others = rows
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in (head, ["---"] * len(head), *others))


def put_table(page: Path, name: str, table: str) -> None:
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
        partial.write_text(f"{before}{begin}\n{table}\n\n{end}{after}", encoding="utf-8")
