"""Which variation a data set holds: by its record, the registry, its files, or its name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rs3l_gnn.conventions import InputFileError, UnknownVariationError, get_variation, own_variation
from rs3l_gnn.data.dataset_variation import variation_of, with_record

ALPHA_S = own_variation(
    "alphaS120", settings=("TimeShower:alphaSvalue=0.120",), source="alphaS", direction="Down", description="weaker"
)


def test_variations_are_of_the_registry_of_a_record_or_of_any_name() -> None:
    assert variation_of("x", {}).name == "nominal"
    assert variation_of("x", {"variation": "herwig"}) == get_variation("herwig")
    assert variation_of("x", {"variation": "alphaS120", "variation_record": ALPHA_S.record()}) == ALPHA_S


@pytest.mark.parametrize(
    ("name", "source", "direction", "two_sided"),
    [
        ("alphaSUp", "alphaS", "Up", True),
        ("fsr_down", "fsr", "Down", True),
        ("mpiOff", "mpiOff", "Up", False),
        ("sherpa_lund", "sherpa_lund", "Up", False),
        ("noPileup", "noPileup", "Up", False),
        ("Up", "Up", "Up", False),
    ],
)
def test_a_name_alone_says_the_side_or_is_its_own_source(
    name: str, source: str, direction: str, two_sided: bool
) -> None:
    one = variation_of("x", {"variation": name})
    assert (one.name, one.source, one.direction, one.two_sided) == (name, source, direction, two_sided)
    assert one.axis_name == source + direction


@pytest.mark.parametrize("name", ["fsr up", "", "a/b"])
def test_names_that_no_variation_can_have(name: str) -> None:
    with pytest.raises(UnknownVariationError, match="data set 'x': a variation's name holds letters, digits and _"):
        variation_of("x", {"variation": name})


def test_files_say_what_a_name_does_not(toy_sample: Callable[..., Any], tmp_path: Path) -> None:
    toys = toy_sample("qcd", n_events=3)
    weaker = str(toys.write(tmp_path / "alphaS120.root", ALPHA_S))
    other = str(toys.write(tmp_path / "herwig.root", "herwig"))
    damaged = tmp_path / "damaged.root"
    damaged.write_bytes(b"root")

    def metadata(name: str) -> dict[str, Any]:
        return {"variation": name, "resimulated_of": "nominal"}

    found = with_record("x", metadata("alphaS120"), [str(damaged), weaker])
    assert found == {**metadata("alphaS120"), "variation_record": ALPHA_S.record()}
    assert variation_of("x", found).axis_name == "alphaSDown"
    # Files of another name say nothing of this one, and what is known needs no file.
    assert with_record("x", metadata("mpiOff"), [other]) == metadata("mpiOff")
    assert with_record("x", metadata("herwig"), ["absent.root"]) == metadata("herwig")
    given = {**metadata("alphaS120"), "variation_record": {**ALPHA_S.record(), "direction": "Up"}}
    assert with_record("x", given, [weaker]) == given
    assert with_record("x", {"variation": "mpiOff"}, ["absent.root"]) == {"variation": "mpiOff"}
    with pytest.raises(
        InputFileError, match=r"no file of data set 'x' says what its variation is; got .*damaged\.root"
    ):
        with_record("x", metadata("alphaS120"), [str(damaged)])
