from __future__ import annotations

from pathlib import Path

import pytest

from rs3l_gnn.benchmarks.page import joined, markdown, put_table
from rs3l_gnn.conventions import InputFileError

TABLE = markdown([["Verb", "Tries"], ["`pair`", 3]])


def test_the_first_row_is_the_head() -> None:
    assert TABLE == "| Verb | Tries |\n| --- | --- |\n| `pair` | 3 |"


def test_a_table_has_its_place_in_a_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A page\n\n<!-- faults -->\n\nold\n\n<!-- end of faults -->\n\nMore.\n", encoding="utf-8")
    for _ in range(2):  # the second time changes nothing
        put_table(page, "faults", TABLE)
        head, _, tail = page.read_text(encoding="utf-8").partition(TABLE)
        assert head == "# A page\n\n<!-- faults -->\n\n"
        assert tail == "\n\n<!-- end of faults -->\n\nMore.\n"
    with pytest.raises(InputFileError, match="has no place for a table"):
        put_table(page, "load", TABLE)


def test_parts_are_joined() -> None:
    first = {"pair": {"SIGKILL": {"tries": 3, "lost": 0}, "two runs": {"tries": 3, "lost": 1}}, "fit": {"SIGKILL": 2}}
    again = {"pair": {"two runs": {"tries": 5, "lost": 0}}, "study": {"SIGKILL": {"tries": 1, "lost": 0}}}
    whole = joined([first, again])
    assert whole["pair"] == {"SIGKILL": {"tries": 3, "lost": 0}, "two runs": {"tries": 5, "lost": 0}}
    assert set(whole) == {"pair", "fit", "study"}
    assert first["pair"] is not whole["pair"]
    assert first["pair"] == {"SIGKILL": {"tries": 3, "lost": 0}, "two runs": {"tries": 3, "lost": 1}}
