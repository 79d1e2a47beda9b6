from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rs3l_gnn.conventions import InputFileError
from rs3l_gnn.simulation import inspect_lhe, read_lhe, write_lhe

HEADER = """<initrwgt>
<weightgroup name='scales' combine='envelope'>
<weight id='up' MUR="2.0" note="a > b"> muR=2 </weight>
<weight id="it's down"> muR=0.5 </weight>
</weightgroup>
</initrwgt>
"""


def _rwgt(*pairs: tuple[str, str]) -> str:
    return "<rwgt>\n" + "".join(f"<wgt {tag}> {value} </wgt>\n" for tag, value in pairs) + "</rwgt>\n"


def test_by_id_whatever_the_order_and_the_attributes(lhe_of: Callable[..., Path], tmp_path: Path) -> None:
    after = [
        _rwgt(("id='up'", "2.0"), ('id="it\'s down"', "5.0D-01"), ("MUR='2' id='3' PDF=\"a>b\"", "1.5-002")),
        "<rwgt> <wgt id='3'>0.25</wgt><wgt id='it&apos;s down' />\n".replace(" />", ">7</wgt>")
        + "<wgt\n id='up'>\n-3e0</wgt></rwgt>\n",
    ]
    events = read_lhe(lhe_of([1, 2], after=after))
    assert events.weight_names == ("up", "it's down", "3")
    assert events.further_weights.tolist() == [[2.0, 0.5, 0.015], [-3.0, 7.0, 0.25]]
    write_lhe(tmp_path / "again.lhe.gz", events, generator="test")
    again = read_lhe(tmp_path / "again.lhe.gz")
    assert again.weight_names == events.weight_names
    assert np.array_equal(again.further_weights, events.further_weights)
    pylhe = pytest.importorskip("pylhe")
    second = list(pylhe.LHEFile.fromfile(str(tmp_path / "again.lhe.gz")).events)[1]
    assert second.weights == {"up": -3.0, "it's down": 7.0, "3": 0.25}


def test_the_list_of_lhef_3_takes_the_names_of_the_header(lhe_of: Callable[..., Path]) -> None:
    listed = ["<weights> 1.5 0.5 </weights>\n", "<weights>\n2.5\n-0.25\n</weights>\n"]
    path = lhe_of([1, 1], header=HEADER, after=listed)
    events = read_lhe(path)
    assert events.weight_names == ("up", "it's down")
    assert events.further_weights.tolist() == [[1.5, 0.5], [2.5, -0.25]]
    pylhe = pytest.importorskip("pylhe")
    assert [event.weights["up"] for event in pylhe.LHEFile.fromfile(str(path)).events] == [1.5, 2.5]
    without = read_lhe(lhe_of([1, 1], after=listed))
    assert without.weight_names == ("weights_1", "weights_2")
    named = "<weightinfo name='nominal' muf='1'/>\n<weightinfo name='half' muf='0.5'/>\n</init>"
    text = lhe_of([1, 1], after=listed).read_text().replace("</init>", named)
    assert read_lhe(lhe_of(text=text)).weight_names == ("nominal", "half")


def test_an_id_of_rwgt_is_not_taken_from_the_list_again(lhe_of: Callable[..., Path]) -> None:
    both = _rwgt(("id='up'", "2.0")) + "<weights> 1.5 0.5 </weights>\n"
    assert read_lhe(lhe_of([1], header=HEADER, after=[both])).further_weights.tolist() == [[2.0, 0.5]]
    all_named = _rwgt(("id='up'", "2.0"), ('id="it\'s down"', "3.0")) + "<weights> 1 2 3 </weights>\n"
    assert read_lhe(lhe_of([1], header=HEADER, after=[all_named])).further_weights.tolist() == [[2.0, 3.0]]


def test_the_same_weight_twice(lhe_of: Callable[..., Path]) -> None:
    twice = _rwgt(("id='a'", "2.0"), ("id='a'", "2.00"), ("id='b'", "1"))
    assert read_lhe(lhe_of([1], after=[twice])).further_weights.tolist() == [[2.0, 1.0]]


# The first event is on lines 8 to 18; the second begins on 19, its particles end on 24, what follows begins on 25.
@pytest.mark.parametrize(
    ("block", "message"),
    [
        (
            _rwgt(("id='a'", "1"), ("id='b'", "NaN")),
            r"line 27: event 1: the weight 'b' is not a finite number; got NaN",
        ),
        (_rwgt(("id='a'", "-Infinity"), ("id='b'", "1")), r"line 26: event 1: the weight 'a'.*got -Infinity"),
        (_rwgt(("id='a'", "1"), ("id='b'", "*****")), r"line 27: event 1: the weight 'b'.*got \*\*\*\*\*"),
        (_rwgt(("id='a'", ""), ("id='b'", "1")), r"line 26: event 1: the weight 'a'.*got nothing"),
        (_rwgt(("id='a'", "1"), ("id='a'", "2")), r"line 27: event 1: the weight 'a' has two values; got 1 and 2"),
        (_rwgt(("id='a'", "1")), r"event 1 has other weights than event 0; got 1 of them, without 'b'"),
        (_rwgt(("id='a'", "1"), ("id='b'", "1"), ("id='c'", "1")), r"event 1 has other weights.*with 'c' added"),
        ("", r"event 1 has other weights than event 0; got 0 of them, without 'a', 'b'"),
        (_rwgt(("type='a'", "1")), r"line 26: event 1: a weight without an id"),
        ("<rwgt>\n<wgt id='a'> 1\n<wgt id='b'> 1 </wgt>\n", r"event 1 has a <wgt> without end or value"),
        ("<weights> 1 2\n", r"event 1 has several <weights>, or one without end"),
    ],
)
def test_what_cannot_be_used_is_named(block: str, message: str, lhe_of: Callable[..., Path]) -> None:
    path = lhe_of([1, 1], after=[_rwgt(("id='a'", "1"), ("id='b'", "1")), block])
    with pytest.raises(InputFileError, match=message):
        read_lhe(path)
    assert read_lhe(path, further_weights="drop").weight_names == ()


def test_a_list_of_another_length_than_the_header(lhe_of: Callable[..., Path]) -> None:
    path = lhe_of([1], header=HEADER, after=["<weights> 1 2 3 </weights>\n"])
    with pytest.raises(InputFileError, match="event 0: 3 <weights>, of which the header names 2"):
        read_lhe(path)


def test_relative_weights_where_the_event_has_none(lhe_of: Callable[..., Path]) -> None:
    after = [_rwgt(("id='a'", value)) for value in ("3", "3", "0")]
    path = lhe_of([2, 0, 0], after=after)
    events = read_lhe(path)
    assert events.relative_weights().tolist() == [[1.5], [1.0], [1.0]]
    assert inspect_lhe(path)["weights"]["zero"] == 2


def test_weights_beyond_single_precision(lhe_of: Callable[..., Path]) -> None:
    for weight in ("3.05-105", "1D+39"):
        with pytest.raises(InputFileError, match="some.lhe: event 1 has a weight beyond single precision"):
            read_lhe(lhe_of([1, weight])).check_storable("some.lhe")
    large = [_rwgt(("id='a'", "1"))] * 2
    with pytest.raises(InputFileError, match="event 1 has a further weight over its own beyond single precision"):
        read_lhe(lhe_of([1, "2E-38"], after=[large[0], _rwgt(("id='a'", "50"))])).check_storable("some.lhe")
    read_lhe(lhe_of([1, 0], after=large)).check_storable("some.lhe")
