"""Every key of a configuration has its line, with the default that holds; checked by hand and by every verb's own."""

from __future__ import annotations

from importlib import import_module
from typing import Literal

import pytest
from pydantic import Field

from rs3l_gnn.cli import CONFIGS, load_verbs
from rs3l_gnn.conventions import BaseConfig, ConfigError, parse_config
from rs3l_gnn.conventions.config_keys import describe_keys, keys_of

load_verbs()


class Inner(BaseConfig):
    rate: float = Field(0.5, description="how fast")
    names: tuple[str, ...] = ("a", "b")


class Outer(BaseConfig):
    path: str = Field(description="where")
    inner: Inner = Inner(rate=0.25)
    most: int | None = Field(None, description="how many; all if null")
    long: tuple[int, ...] = tuple(range(100))


def test_every_key_has_its_line() -> None:
    lines = describe_keys(Outer).splitlines()
    assert lines[:4] == [
        "path         [needed] where",
        "inner.rate   [0.25] how fast",
        "inner.names  [[a, b]]",
        "most         [null] how many; all if null",
    ]
    assert lines[4].startswith("long         [[0, 1, 2, 3,")
    assert lines[4].endswith(" ...]")


class Entry(BaseConfig):
    size: float = Field(description="how large")
    kind: Literal["a", "b"] | None = Field(None, description="which")
    parts: tuple[Entry, ...] = ()


class Box(BaseConfig):
    first: Entry = Entry(size=2.5, kind="b")
    named: dict[str, Entry] = Field({}, description="by name")
    either: str | Entry = "none"
    other: dict[str, Entry] = Field({}, description="more", json_schema_extra={"keys": "see there"})


def test_sections_with_defaults_need_nothing() -> None:
    """What is shown is what holds if the section is left out, whatever its class says."""
    shown = {key.name: key.default for key in keys_of(Box)}
    assert (shown["first.size"], shown["first.kind"]) == ("2.5", "b")
    assert Box().first.size == 2.5


def test_entries_of_mappings_lists_and_choices() -> None:
    lines = {key.name: key.text() for key in keys_of(Box)}
    assert lines["named.<name>.size"] == "[needed] how large"
    assert lines["named.<name>.kind"] == "[null] a | b | null; which"
    assert lines["either.size"] == "[needed] how large"
    assert lines["other"] == "[{}] more; see there"
    assert "named.<name>.parts" in lines  # its entries are of the same class, and are not listed without end
    assert not [name for name in lines if name.startswith(("other.", "named.<name>.parts[]"))]


@pytest.mark.parametrize("verb", CONFIGS)
def test_keys_of_the_verbs_say_what_they_mean(verb: str) -> None:
    module, _, name = CONFIGS[verb].rpartition(".")
    keys = keys_of(getattr(import_module(module), name))
    assert [key.name for key in keys if not key.meaning and not key.choices] == []


def test_one_number_of_an_axis_may_be_given_alone() -> None:
    from rs3l_gnn.processors import AnalysisConfig

    config = parse_config(AnalysisConfig, {"filesets": "a.json", "mass": {"stop": 200}}, where="here")
    assert (config.mass.bins, config.mass.start, config.mass.stop) == (30, 0.0, 200.0)
    with pytest.raises(ConfigError, match="start must lie below stop"):
        parse_config(AnalysisConfig, {"filesets": "a.json", "mass": {"start": 400}}, where="here")
