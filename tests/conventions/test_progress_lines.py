"""Lines of progress, at times of a clock that the test moves."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest

from rs3l_gnn.conventions import progress, progress_lines


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(progress_lines, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def test_a_log_gets_a_line_every_ten_seconds(clock: list[float], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="rs3l_gnn"), progress("pack", 100, "boxes") as shown:
        for seconds, boxes in ((4, 10), (4, 10), (4, 10), (4, 10), (4, 10)):  # the third ends after twelve seconds
            clock[0] += seconds
            shown.advance(boxes)
    # 30 boxes in 12 s are 2.5 a second; 70 more take 28 s.
    assert caplog.messages == [
        "pack: started",
        "pack: 30/100 boxes, 2.5/s, 28 s left",
        "pack: 50 boxes done, 2.5/s",
    ]


def test_what_was_done_before_does_not_make_it_fast(clock: list[float], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="rs3l_gnn"), progress("pack", 100, "boxes") as shown:
        shown.skip(60)
        clock[0] += 10
        shown.note = "3 broken"
        shown.advance(20)
    assert caplog.messages[1:] == ["pack: 80/100 boxes, 2.0/s, 10 s left, 3 broken", "pack: 80 boxes done, 2.0/s"]


def test_without_a_total_there_is_no_end(clock: list[float], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="rs3l_gnn"), progress("read", None) as shown:
        clock[0] += 20
        shown.advance(5)
    assert caplog.messages[1] == "read: 5 events, 0.2/s"


def test_quiet_says_nothing(clock: list[float], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, logger="rs3l_gnn"), progress("pack", 1) as shown:
        clock[0] += 60
        shown.advance()
    assert caplog.messages == []
    assert shown.done == 1
