from __future__ import annotations

import os
from collections import Counter

import pytest

from rs3l_gnn.simulation.native_output import caught_output, pythia_complaints


class _Pythia:
    """Prints the table of messages that Pythia 8.3 prints."""

    def stat(self) -> None:
        os.write(1, b" |       3   Error in Pythia::next: partonLevel failed; try again                     |\n")
        os.write(1, b" |      12   Warning in Pythia::check: not quite matched masses                       |\n")
        os.write(1, b" |       1   Abort from Pythia::next: reached end of Les Houches Events File           |\n")
        os.write(1, b" |       0   no errors or warnings to report                                          |\n")


def test_what_a_library_writes_is_kept(capfd: pytest.CaptureFixture[str]) -> None:
    with caught_output() as lines:
        os.write(1, "first\nsecond Ångström\n".encode())
    os.write(1, b"after\n")
    assert lines == ["first", "second Ångström"]
    assert capfd.readouterr().out == "after\n"


def test_the_output_comes_back_after_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="broken"), caught_output() as lines:
        os.write(1, b"before\n")
        raise ValueError("broken")
    os.write(1, b"after\n")
    assert lines == ["before"]
    assert capfd.readouterr().out == "after\n"


def test_complaints_are_errors_and_aborts() -> None:
    assert pythia_complaints(_Pythia()) == Counter(
        {
            "Error in Pythia::next: partonLevel failed; try again": 3,
            "Abort from Pythia::next: reached end of Les Houches Events File": 1,
        }
    )
