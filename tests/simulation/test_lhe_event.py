from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rs3l_gnn.conventions import InputFileError
from rs3l_gnn.simulation import inspect_lhe, read_lhe

GLUON = "21 1 1 2 501 502 -300 -400 400 640.31242 0 0 9"
Z = "23 1 1 2 0 0 300 400 100 517.99148 91.1876 0 9"
ANTIUP = "-2 -1 0 0 0 502 0 0 -329.15195 329.15195 0 0 9"


def _second(text: str, old: str, new: str) -> str:
    """Change the second event."""
    first, second = text.split("</event>", 1)
    assert old in second
    return first + "</event>" + second.replace(old, new, 1)


# The second event begins on line 15; its own line is 16, the four particles are on 17 to 20.
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("4 1 1 500", "0 1 1 500", "line 16: event 1 has no particles; got NUP = 0"),
        ("4 1 1 500", "-4 1 1 500", "line 16: event 1 has no particles; got NUP = -4"),
        ("4 1 1 500", "5 1 1 500", "event 1 is broken: too few lines"),
        ("4 1 1 500", "3 1 1 500", "line 20: event 1 has more particles than the 3"),
        ("4 1 1 500", "4 1 nan 500", "line 16: event 1 has a XWGTUP that is not finite; got nan"),
        ("4 1 1 500", "4 1 -inf 500", "line 16: event 1 has a XWGTUP that is not finite; got -inf"),
        ("4 1 1 500", "4 9999999999 1 500", "line 16: event 1 has a process beyond 32 bits"),
        ("0.0078", "nan", "line 16: event 1 has a AQEDUP that is not finite"),
        ("21 1 1 2", "3000000000 1 1 2", "line 20: event 1 has a number beyond 32 bits"),
        ("21 1 1 2", "1" * 400 + " 1 1 2", "line 20: event 1 has a number beyond 32 bits"),
        ("501 502 -300", "501 3000000000 -300", "line 20: event 1 has a number beyond 32 bits"),
        ("23 1 1 2", "23 1 1 5", "line 19: event 1 names a mother that it does not have"),
        ("23 1 1 2", "23 1 -1 2", "line 19: event 1 names a mother that it does not have"),
        ("23 1 1 2", "23 1 3 3", "event 1 has a particle that descends from itself"),
        ("23 1 1 2", "23 2 4 4", None),
        ("23 1 1 2", "23 -3 1 2", r"line 19: event 1 has a particle of unknown status; got -3; allowed: \(-9, -2"),
        ("23 1 1 2", "23 0 1 2", "line 19: event 1 has a particle of unknown status; got 0"),
        ("-2 -1 0 0", "-2 1 0 0", "event 1 has not two incoming particles; got 1 of status -1"),
        ("91.1876 0 9", "91.1876 nan 9", "line 19: event 1 has a VTIMUP that is not finite"),
        ("517.99148", "inf", "line 19: event 1 has a momentum that is not finite; got E = inf"),
        ("517.99148", "***", "line 19: event 1 is broken"),
        (GLUON, f"{GLUON}\n{Z}", "line 21: event 1 has more particles than the 4"),
        (GLUON, GLUON[:-2], "line 20: event 1 is broken: too few lines or columns"),
    ],
)
def test_a_broken_event_is_named(old: str, new: str, message: str | None, lhe_of: Callable[..., Path]) -> None:
    path = lhe_of(text=_second(lhe_of([1, 1, 1]).read_text(), old, new))
    if message is None:  # a mother that stands after its daughter is unusual, not wrong
        assert read_lhe(path).event(1)["mother1"].tolist() == [0, 0, 4, 1]
        return
    with pytest.raises(InputFileError, match=r"some.lhe, line \d+: .*event 1") as caught:
        read_lhe(path)
    assert caught.match(message)
    assert len(read_lhe(path, limit=1)) == 1


def test_a_circle_of_mothers_ends(lhe_of: Callable[..., Path]) -> None:
    text = lhe_of([1]).read_text().replace("23 1 1 2", "23 2 4 4").replace("21 1 1 2", "21 1 3 3")
    with pytest.raises(InputFileError, match="line 9: event 0 has a particle that descends from itself"):
        read_lhe(lhe_of(text=text))


def test_comments_blank_lines_and_free_text(lhe_of: Callable[..., Path]) -> None:
    plain = read_lhe(lhe_of([1, 1]))
    text = lhe_of([1, 1]).read_text()
    for old, new in (
        (ANTIUP, f"# a comment\n\n{ANTIUP}\n<!-- one\n99 99 99\n-->"),
        (GLUON, f"{GLUON}\n#rwgt 1 23 667.0 542 193 0\nfree text of a generator 1 2 3\n<scales muf='1'> x </scales>"),
        ("<event>\n", "<event>  "),
        ("\n</event>", " </event>"),
    ):
        assert old in text
        changed = text.replace(old, new)
        assert np.array_equal(read_lhe(lhe_of(text=changed)).particles, plain.particles), new


def test_an_event_on_one_line(lhe_of: Callable[..., Path]) -> None:
    text = lhe_of([1, 1]).read_text()
    with pytest.raises(InputFileError, match="line 15: event 1 is broken"):
        read_lhe(lhe_of(text=text[: text.rindex("<event>")] + "<event> 1 1 1 1 1 1 </event>\n</LesHouchesEvents>"))


def test_numbers_of_fortran(lhe_of: Callable[..., Path]) -> None:
    text = lhe_of([1, "1.5D+02"]).read_text().replace("91.1876", "9.11876d+01").replace("0.0078", "7.8-003")
    text = text.replace("-300 -400 400", "-300 -.4D3 +4.E2").replace("517.99148 91", "5.1799148+002 91")
    events = read_lhe(lhe_of(text=text))
    assert events.weight.tolist() == [1.0, 150.0]
    assert events.event(1)["m"][2] == 91.1876
    assert events.alpha_qed.tolist() == [0.0078, 0.0078]
    assert events.event(0)[3].tolist()[6:9] == (-300.0, -400.0, 400.0)


@pytest.mark.parametrize("scale", ["nan", "inf", "0", "-1"])
def test_a_scale_that_is_none(scale: str, lhe_of: Callable[..., Path]) -> None:
    path = lhe_of(text=_second(lhe_of([1, 1]).read_text(), "500 0.0078", f"{scale} 0.0078"))
    with pytest.raises(InputFileError, match="event 1 has no scale"):
        read_lhe(path)
    assert inspect_lhe(path)["events_without_scale"] == 1
    largest = max(np.hypot(91.1876, 500.0), 500.0)
    assert read_lhe(path, scalup="repair").scale == pytest.approx([500.0, largest], rel=1e-3)
