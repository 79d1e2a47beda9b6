"""Expressions against loops in plain Python, and against any text that somebody may write."""

from __future__ import annotations

import contextlib
import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rs3l_gnn.conventions import ConfigError
from rs3l_gnn.conventions.expressions import Column, close_names, parse_expression

MUONS = [[50.0, 12.0, 3.0], [], [25.0], [8.0, 9.0]]
TIGHT = [[True, False, True], [], [True], [False, False]]
JETS = [[500.0, 300.0], [450.0], [], [700.0, 100.0]]
MET = [10.0, 250.0, 0.0, 300.0]
TRIGGER = [True, False, True, True]


def _objects(owner: str, lists: list[list[Any]]) -> Column:
    return Column(np.array([x for one in lists for x in one]), owner, np.array([len(one) for one in lists]))


COLUMNS = {
    "Muon_pt": _objects("Muon", MUONS),
    "Muon.tight": _objects("Muon", TIGHT),
    "FatJet_pt": _objects("FatJet", JETS),
    "MET.pt": Column(np.array(MET)),
    "HLT_x": Column(np.array(TRIGGER)),
    "flags": Column(np.array([0, 5, 6, -1], dtype=np.int16)),
}


def _value(source: str, columns: dict[str, Column] = COLUMNS) -> Column:
    return parse_expression(source).evaluate(columns.__getitem__)


@pytest.mark.parametrize(
    ("source", "one"),
    [
        ("MET.pt / 2 + 3 ** 2 - 1", lambda e: MET[e] / 2 + 9 - 1),
        ("-MET.pt", lambda e: -MET[e]),
        ("not HLT_x or MET.pt > 200", lambda e: not TRIGGER[e] or MET[e] > 200),
        ("~HLT_x | (MET.pt > 200)", lambda e: not TRIGGER[e] or MET[e] > 200),
        ("HLT_x & (10 <= MET.pt < 300)", lambda e: TRIGGER[e] and 10 <= MET[e] < 300),
        ("HLT_x == 1", lambda e: TRIGGER[e]),
        ("sum(Muon_pt)", lambda e: sum(MUONS[e])),
        (
            "count(Muon_pt > 10 and Muon.tight)",
            lambda e: sum(x > 10 and t for x, t in zip(MUONS[e], TIGHT[e], strict=True)),
        ),
        ("any(Muon.tight)", lambda e: any(TIGHT[e])),
        ("all(Muon.tight)", lambda e: all(TIGHT[e])),
        ("max(Muon_pt)", lambda e: max(MUONS[e], default=math.nan)),
        ("min(Muon_pt)", lambda e: min(MUONS[e], default=math.nan)),
        ("max(max(Muon_pt), MET.pt, 20)", lambda e: max(*MUONS[e], MET[e], 20.0)),
        ("max(Muon_pt) > 9", lambda e: max(MUONS[e], default=-1) > 9),
        ("where(HLT_x, MET.pt, -1)", lambda e: MET[e] if TRIGGER[e] else -1),
        ("sum(FatJet_pt) + sum(Muon_pt)", lambda e: sum(JETS[e]) + sum(MUONS[e])),
        ("count(FatJet_pt > MET.pt)", lambda e: sum(x > MET[e] for x in JETS[e])),
        ("sqrt(abs(MET.pt)) * cosh(1)", lambda e: math.sqrt(MET[e]) * math.cosh(1)),
        ("log(exp(MET.pt / 100))", lambda e: MET[e] / 100),
        ("bit(flags, 1)", lambda e: [False, False, True, True][e]),
        ("delta_phi(3.1 + 0 * MET.pt, -3.1)", lambda _: 6.2 - 2 * math.pi),
        ("delta_r(1 + 0 * MET.pt, 3.1, 4, -3.1)", lambda _: math.hypot(3, 2 * math.pi - 6.2)),
    ],
)
def test_events_one_by_one(source: str, one: Callable[[int], Any]) -> None:
    found = _value(source)
    assert found.counts is None
    np.testing.assert_allclose(found.values, [one(event) for event in range(4)], rtol=1e-12)


def test_objects_go_with_their_event() -> None:
    found = _value("FatJet_pt / MET.pt > 2 and HLT_x")
    assert found.owner == "FatJet"
    with np.errstate(divide="ignore"):
        loops = [bool(np.divide(x, MET[e]) > 2 and TRIGGER[e]) for e in range(4) for x in JETS[e]]
    assert np.asarray(found.values).tolist() == loops
    assert found.counts is not None
    assert found.counts.tolist() == [2, 1, 0, 2]


def test_no_number_passes_no_comparison() -> None:
    columns = {"x": Column(np.array([np.nan, 0.0])), "y": _objects("y", [[np.nan, 1.0], [np.nan]])}
    assert np.asarray(_value("x > -1 or x < 1 or x == x", columns).values).tolist() == [False, True]
    assert np.asarray(_value("max(y)", columns).values)[0] == 1.0
    assert np.isnan(np.asarray(_value("min(y)", columns).values)[1])
    assert np.isnan(np.asarray(_value("0 * x / x", columns).values)).all()


def test_small_integers_do_not_run_over() -> None:
    columns = {"n": Column(np.array([200, 255], dtype=np.uint8)), "m": Column(np.array([1, 2], dtype=np.uint8))}
    assert np.asarray(_value("2 * n", columns).values).tolist() == [400.0, 510.0]
    assert np.asarray(_value("m - n", columns).values).tolist() == [-199.0, -253.0]


def test_names_are_known_before_anything_is_read() -> None:
    expression = parse_expression("count(Muon.pt > 10 and abs(Muon.eta) < 2.4) == 0 and MET_pt > 2 * Muon.pt")
    assert expression.names == ("Muon.pt", "Muon.eta", "MET_pt")
    assert pickle.loads(pickle.dumps(expression)) == expression  # noqa: S301  # our own bytes
    assert [parse_expression(text).is_condition for text in ("a > 1", "a + 1", "a", "any(a)")] == [
        True,
        False,
        None,
        True,
    ]
    assert parse_expression("a > 1\n  and b\n").source == "a > 1 and b"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "an expression is empty"),
        ("FatJet_pt >", "cannot be read: .* at its end"),
        ("FatJet_pt > 2)", r"cannot be read: unmatched .* at letter 14 \('\)'\)"),
        ("__import__(x)", "calls what is not one of its functions at letter 1"),
        ("a.b.c > 1", "not the name of a branch"),
        ("a.__class__ > 1", "not the name of a branch"),
        ("(1).real > a", "not the name of a branch"),
        ("a[0] > 1", "has what is not allowed at letter 1"),
        ("a if b else c", "has what is not allowed"),
        ("lambda: a", "has what is not allowed"),
        ("[x for x in a]", "has what is not allowed"),
        ("a % 2", "has what is not allowed"),
        ("a in b", "has what is not allowed"),
        ("a == 'x'", "has the letter"),
        ("a > 1 # and b", "has the letter '#'"),
        ("a > 1; b", "has the letter ';'"),
        ("a and True", "a constant that is no number at letter 7"),
        ("a > 1j", "a constant that is no number"),
        ("a > 1e999", "a number that is too large"),
        ("a > 1" + "0" * 400, "a number that is too large"),
        ("2 > 1", "names no branch"),
        ("a > 200 & b > 3", r"a number where a condition is needed at letter 5 \('200 & b > 3'\)"),
        ("not a + 1", "a number where a condition is needed at letter 5"),
        ("count(a + 1)", "a number where a condition is needed at letter 7"),
        ("count(a, b)", r"calls count with 2 argument\(s\)"),
        ("max(a, key=b)", "more than plain arguments"),
        ("max(*a)", "more than plain arguments"),
        ("median(a)", "allowed: abs, all, any, bit"),
        ("1and a", "cannot be read"),
        ("a" * 3000, "longer than 2000 letters"),
        ("-" * 200 + "a", "is too large"),
        ("(" * 500 + "a" + ")" * 500, "cannot be read"),
        (" + ".join(["a"] * 80), "is too large"),
    ],
)
def test_mistakes_are_refused_with_their_place(source: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_expression(source)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("Muon_pt > FatJet_pt", r"joins objects of Muon and FatJet at letter 1 .*make one value for each event"),
        ("flags and HLT_x", "a number where a condition is needed at letter 1"),
        ("any(Muon_pt)", "a number where a condition is needed at letter 5"),
        ("sum(MET.pt)", r"one value for each event where sum goes over the objects of an event at letter 5"),
        ("sum(max(Muon_pt))", "one value for each event where sum goes"),
    ],
)
def test_values_that_do_not_go_together_are_refused(source: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        _value(source)


def test_no_events_are_no_problem() -> None:
    none = {
        name: Column(column.values[:0], column.owner, None if column.counts is None else column.counts[:0])  # type: ignore[index]
        for name, column in COLUMNS.items()
    }
    for source in ("max(Muon_pt) > 2 and HLT_x", "sum(FatJet_pt)", "FatJet_pt + MET.pt", "all(Muon.tight)"):
        assert np.asarray(_value(source, none).values).shape == (0,)


def test_close_names() -> None:
    known = ["FatJet_pt", "FatJet_eta", "HLT_PFJet500", "nMuon"]
    assert close_names("FatJet.Pt", known)[0] == "FatJet_pt"
    assert close_names("HLT_PFJet50", known) == ["HLT_PFJet500"]
    assert close_names("entirely_else", known) == []


def _grown(numbers: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operators = st.sampled_from(["+", "-", "*", "/"])
    return st.one_of(
        st.builds("({} {} {})".format, numbers, operators, numbers),
        st.builds("(-{})".format, numbers),
        st.builds("abs({})".format, numbers),
        st.builds("max({}, {})".format, numbers, numbers),
    )


NUMBERS = st.recursive(st.sampled_from(["x", "y", "2", "0.5"]), _grown, max_leaves=6)
COMPARED = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
CHAINS = st.builds("({} {} {} {} {})".format, NUMBERS, COMPARED, NUMBERS, COMPARED, NUMBERS)
CONDITIONS = st.recursive(
    CHAINS,
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(["and", "or", "&", "|"]), inner),
        st.builds("(not {})".format, inner),
    ),
    max_leaves=5,
)
PAIRS = [(1.0, 2.0), (-3.0, 0.5), (2.0, 2.0), (0.0, -1.0)]


@settings(max_examples=150, database=None, deadline=None)
@given(CONDITIONS)
def test_python_reads_the_same(source: str) -> None:
    """Every event on its own through Python's evaluation, with its rules of precedence and chains."""
    source = f"{source} and x < 100"
    found = _value(
        source, {name: Column(np.array(side)) for name, side in zip("xy", zip(*PAIRS, strict=True), strict=True)}
    )
    with np.errstate(all="ignore"):
        loops = []
        for x, y in PAIRS:
            scope = {"x": np.float64(x), "y": np.float64(y), "max": np.fmax, "abs": np.abs, "__builtins__": {}}
            # The constants, too, so that a division by zero is a number of numpy's.
            text = source.replace("100", "h").replace("0.5", "c").replace("2", "d")
            scope |= {"h": np.float64(100), "c": np.float64(0.5), "d": np.float64(2)}
            loops.append(bool(eval(text, scope)))  # noqa: S307  # the text of our own grammar
    assert np.asarray(found.values).tolist() == loops


WORDS = st.sampled_from(
    [
        "FatJet_pt",
        "a.b",
        "a.b.c",
        "1",
        "0x1F",
        "1e400",
        "+",
        "-",
        "**",
        "*",
        "/",
        "//",
        "<",
        "==",
        "=",
        "&",
        "and",
        "or",
        "not",
        "~",
        "(",
        ")",
        "[",
        "]",
        ",",
        ".",
        "sum(",
        "max(",
        "where(",
        "any(",
        "lambda",
        "if",
        "else",
        "for",
        "in",
        "is",
        "None",
        "True",
        "yield",
        "await",
        ":=",
        ":",
        "{",
        "}",
        "...",
        "__x__",
        " ",
        "\n",
        "@",
    ]
)


@settings(max_examples=400, database=None, deadline=None)
@given(st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=25).map(" ".join), st.lists(WORDS).map("".join)))
def test_any_text_is_read_or_refused(source: str) -> None:
    """Nothing but our own error comes out, neither of reading nor of what is done with a few events."""
    with contextlib.suppress(ConfigError):
        parse_expression(source).evaluate(lambda _: Column(np.array([1.0, 2.0])))
