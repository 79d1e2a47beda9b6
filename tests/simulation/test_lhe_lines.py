from __future__ import annotations

from pathlib import Path

import pytest

from rs3l_gnn.conventions import InputFileError
from rs3l_gnn.simulation.lhe_lines import Kept, Lines, attributes_of, number


def _lines(*lines: str) -> Lines:
    return Lines(Path("a.lhe"), lines)


def test_comments_go_wherever_they_begin_and_end() -> None:
    found = list(_lines("1 <!-- 2\n", "3\n", "4 --> 5 <!-- 6 --> 7\n", "<!-- 8 -->\n"))
    assert [line.split() for line in found] == [["1"], [], ["5", "7"], []]


def test_lines_that_belong_together_have_a_largest_size() -> None:
    kept = Kept(_lines(), "event 3", 2**20)
    for _ in range(2**20 // (64 + 10)):
        kept.append("ten bytes\n")
    assert len(kept.texts) == 14169
    with pytest.raises(InputFileError, match="event 3 is larger than 1 MB"):
        kept.append("ten bytes\n")


def test_what_follows_the_end_of_a_file_is_a_line_of_its_own() -> None:
    lines = _lines("a\n", "b</LesHouchesEvents><LesHouchesEvents>\n", "c\n")
    assert list(lines.raw()) == ["a\n", "b</LesHouchesEvents>", "<LesHouchesEvents>\n", "c\n"]
    assert str(lines.wrong("odd", got=4, hint="mend it")) == "a.lhe, line 3: odd; got 4; mend it"
    assert "line 2" in str(lines.wrong("odd", line=2))


def test_attributes_in_both_kinds_of_quotes() -> None:
    assert attributes_of("""<weight id='mu_r=2' name="a &lt; b" n = "3">""") == {
        "id": "mu_r=2",
        "name": "a < b",
        "n": "3",
    }


@pytest.mark.parametrize(
    ("text", "value"), [("1.5D+02", 150.0), ("3.05-105", 3.05e-105), ("-2.", -2.0), (".5d0", 0.5), ("1E3", 1000.0)]
)
def test_numbers_in_fortran_spelling(text: str, value: float) -> None:
    assert number(text) == value


@pytest.mark.parametrize("text", ["", "x", "1.2.3", "1D"])
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(ValueError, match="could not convert"):
        number(text)
