"""Damaged files of every kind that a verb reads are read or refused, nothing else; the harness sees what escapes."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from rs3l_gnn.benchmarks.reliability import fuzz as engine
from rs3l_gnn.benchmarks.reliability.fuzz import damaged, fuzz, shares
from rs3l_gnn.benchmarks.reliability.kinds import KINDS
from rs3l_gnn.conventions import InputFileError

QUICK, SLOW = 2_000, 100_000
_PART = 20_000


def test_damaged_files_are_read_or_refused() -> None:
    result = fuzz(shares(QUICK))
    assert result.tries >= QUICK
    assert list(result.lines()) == []
    # Damage that is always found, or never, asks little of a reader.
    assert all(result.refused[name] > 0 for name in KINDS if name not in ("result.chunk", "output.coffea"))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(QUICK, SLOW, _PART))
def test_very_many_damaged_files(first: int) -> None:
    """Other ones than the quick test's, in parts that can be run alone."""
    counts = shares(min(_PART, SLOW - first))
    result = fuzz(counts, first=first)
    assert list(result.lines()) == []


def test_the_same_number_is_the_same_damage() -> None:
    content = b"<LesHouchesEvents>\n 1 2 3\n</LesHouchesEvents>\n" * 5
    copies = {damaged("events.lhe", number, content) for number in (7, 7, 7)}
    assert len(copies) == 1
    assert len({damaged("events.lhe", number, content) for number in range(20)}) > 15


def _misbehave(path: Path) -> None:
    """What is wrong with a file is its first byte, modulo 8; the good file begins with an l."""
    kind = path.read_bytes()[0] % 8
    if kind == ord("l") % 8:
        return
    if kind == 0:
        raise ZeroDivisionError("seven by nothing")
    if kind == 1:
        time.sleep(600)
    if kind == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == 3:
        np.ones(500 * 2**20, dtype=np.uint8)
    raise InputFileError("of no use")


def test_what_escapes_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child process starts from the modules anew; here it is forked, with a reader that fails in every way."""
    kind = KINDS["history.csv"]
    misbehaving = type(kind)(kind.seed, _misbehave, (lambda rng, _: rng.bytes(1),), None)
    monkeypatch.setitem(KINDS, "history.csv", misbehaving)
    monkeypatch.setattr(engine, "_good", lambda *_: {"history.csv": b"l"})
    monkeypatch.setattr(engine, "_START_METHOD", "fork")
    numbers = {damaged("history.csv", number, b"")[0] % 8: number for number in range(60)}
    wanted = {
        0: "ZeroDivisionError: seven by nothing",
        1: "hangs",
        2: "ends the process with -9",
        3: "MB of memory",
    }
    for what, sentence in wanted.items():
        monkeypatch.setattr(engine, "_PATIENCE", 3.0 if sentence == "hangs" else 60.0)
        (line,) = fuzz({"history.csv": 1}, first=numbers[what]).lines()
        assert line.startswith(f"history.csv {numbers[what]}: ")
        assert sentence in line
    for what, outcome in ((ord("l") % 8, "read"), (5, "refused")):
        result = fuzz({"history.csv": 1}, first=numbers[what])
        assert getattr(result, outcome)["history.csv"] == result.tries == 1


def test_shares_make_the_whole() -> None:
    counts = shares(1000)
    assert set(counts) == set(KINDS)
    assert 1000 <= sum(counts.values()) < 1000 + len(KINDS)
    assert counts["events.lhe"] == max(counts.values())
