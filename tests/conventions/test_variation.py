from __future__ import annotations

import json
import zlib

import pytest

from rs3l_gnn.conventions import VARIATIONS, ConfigError, UnknownVariationError, Variation, own_variation
from rs3l_gnn.conventions.variation import refuse_collisions


def test_the_number_follows_from_the_name_alone() -> None:
    """CRC-32 of the name (of zlib) in 31768 places behind the registry's numbers, by hand for one of them."""
    one = own_variation("alphaS120", settings=("TimeShower:alphaSvalue=0.120",), source="alphaS", direction="Up")
    assert one.vartype == 1000 + zlib.crc32(b"alphaS120") % 31768
    assert own_variation("alphaS120", detector=("pt_min=2",), one_sided=True).vartype == one.vartype
    assert max(variation.vartype for variation in VARIATIONS.values()) < 1000 <= one.vartype < 2**15


def test_what_a_fit_needs() -> None:
    up = own_variation("alphaS120", settings=("TimeShower:alphaSvalue=0.120",), source="alphaS", direction="Up")
    assert (up.axis_name, up.two_sided, up.stage) == ("alphaSUp", True, "shower")
    assert (up.parameter, up.factor) == ("TimeShower:alphaSvalue", 0.12)
    off = own_variation("mpiOff", settings=("PartonLevel:MPI=off",), one_sided=True)
    assert (off.axis_name, off.two_sided, off.factor) == ("mpiOffUp", False, None)
    by_name = own_variation("lundZDown", settings=("StringZ:aLund=0.6", "StringZ:bLund=0.9"))
    assert (by_name.source, by_name.direction, by_name.stage) == ("lundZ", "Down", "hadronisation")
    worse = own_variation("worse", detector=("tracker.reach_pt=1",), one_sided=True)
    assert (worse.stage, worse.description) == ("detector", "tracker.reach_pt=1")


def test_the_record_brings_it_back() -> None:
    one = own_variation("worse", detector=("a[0].b=1", "c=2"), settings=("x:y=on",), one_sided=True, shares="particles")
    assert Variation.from_record(json.loads(json.dumps(one.record())), where="a file") == one
    older = {name: value for name, value in one.record().items() if name not in ("detector", "shares")}
    assert Variation.from_record(older, where="a file").detector == ()


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("a b", {"one_sided": True}, "letters, digits and _ only; got 'a b'"),
        ("mpi", {}, "'mpi' does not say how it enters a fit; allowed: one_sided: true"),
        ("mpi", {"source": "x"}, "does not say how it enters a fit"),
        ("Up", {}, "does not say how it enters a fit"),
        ("mpi", {"source": "a/b", "direction": "Up"}, "the source of the variation 'mpi' holds letters"),
    ],
)
def test_refusals(name: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        own_variation(name, settings=("PartonLevel:MPI=off",), **options)  # type: ignore[arg-type]  # from a table


def test_names_that_would_share_a_number_are_refused() -> None:
    """Two names with the same CRC-32 modulo 31768, found by trying one after another."""
    numbers: dict[int, str] = {}
    names = (f"v{index}" for index in range(10_000))
    first, second = next(
        (numbers[number], name)
        for name in names
        if numbers.setdefault(number := zlib.crc32(name.encode()) % 31768, name) != name
    )
    pair = [own_variation(name, one_sided=True, settings=("a:b=1",)) for name in (first, second)]
    with pytest.raises(UnknownVariationError, match=rf"'{first}' and '{second}' have the same number.*another name"):
        refuse_collisions(pair)
    same = [own_variation(name, source="fsr", direction="Up", settings=("a:b=1",)) for name in ("one", "two")]
    with pytest.raises(UnknownVariationError, match="'one' and 'two' have the same place on the axis.*; got fsrUp"):
        refuse_collisions(same)
    with pytest.raises(UnknownVariationError, match="'one' is named twice"):
        refuse_collisions([same[0], own_variation("one", one_sided=True, settings=("a:b=2",))])
