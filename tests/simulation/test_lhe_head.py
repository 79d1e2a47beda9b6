from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rs3l_gnn.conventions import InputFileError
from rs3l_gnn.simulation import read_lhe


def test_comments_and_blank_lines_in_init(lhe_of: Callable[..., Path]) -> None:
    text = lhe_of([1], processes=["1.25D+01 0.5 1 7", "3.05-105 0 1 8"], header="<note> <!-- <init> --> </note>\n")
    changed = text.read_text().replace("<init>\n", "<init>\n# beams\n\n<!-- two\nlines -->\n")
    changed = changed.replace("\n3.05-105", "\n\n  # the second\n3.05-105")
    events = read_lhe(lhe_of(text=changed))
    assert [(process.identity, process.xsec) for process in events.processes] == [(7, 12.5), (8, 3.05e-105)]
    assert (events.beams.id_a, events.beams.energy_b) == (2212, 6500.0)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("6500 6500", "nan 6500", "line 5: a beam without energy; got nan and 6500 GeV"),
        ("6500 6500", "6500 inf", "line 5: a beam without energy"),
        ("6500 6500", "6500 0", "line 5: a beam without energy"),
        ("1 1 3 1\n", "1 1 3 0\n", "line 5: the <init> block has no process; got NPRUP = 0"),
        ("1 1 3 1\n", "1 1 3 -1\n", "line 5: the <init> block has no process"),
        ("1 1 3 1\n", "1 1 3 2\n", "the <init> block is broken"),
        ("10 0.1 1 1", "10 0.1 1", "line 6: the <init> block is broken"),
        ("10 0.1 1 1", "10 x 1 1", "line 6: the <init> block is broken"),
        ("</init>\n", "", "line 7: the <init> block has no end"),
        ("</init>\n", "</init>\n<init>\n1 2\n</init>\n", "line 8: a second <init> block, after 0 events"),
        ("</event>\n", "</event>\n<init>\n", r"a second <init> block, after 1 events"),
        ("<init>\n2212", "2212", "line 7: the file has events before its <init> block, or no such block"),
    ],
)
def test_a_broken_init_is_named(old: str, new: str, message: str, lhe_of: Callable[..., Path]) -> None:
    text = lhe_of([1, 1]).read_text()
    assert old in text
    with pytest.raises(InputFileError, match=message):
        read_lhe(lhe_of(text=text.replace(old, new, 1)))


def test_a_file_that_ends_in_its_header(lhe_of: Callable[..., Path]) -> None:
    text = lhe_of([1]).read_text()
    with pytest.raises(InputFileError, match="the file ends before its <init> block"):
        read_lhe(lhe_of(text=text[: text.index("<init>")]))
