from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from pydantic import Field, model_validator

from rs3l_gnn.conventions import BaseConfig, ConfigError, InputFileError, config_digest, dump_config, load_config


class Inner(BaseConfig):
    k: int = Field(default=24, ge=1)
    width: int = 128


class Outer(BaseConfig):
    name: str = "a"
    inner: Inner = Inner()


def test_overrides_and_base_files(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("name: base\ninner: {k: 3, width: 7}\n")
    (tmp_path / "top.yaml").write_text("base: base.yaml\ninner: {k: 5}\n")
    config = load_config(Outer, tmp_path / "top.yaml", ["inner.width=9", "name=x"])
    assert config == Outer(name="x", inner=Inner(k=5, width=9))


def test_a_section_may_have_a_base_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "rooms").mkdir()
    (tmp_path / "rooms" / "inner.yaml").write_text("base: deeper.yaml\nk: 4\n")
    (tmp_path / "rooms" / "deeper.yaml").write_text("{k: 9, width: 6}\n")
    (tmp_path / "top.yaml").write_text("name: top\ninner: {base: rooms/inner.yaml}\n")
    assert load_config(Outer, tmp_path / "top.yaml") == Outer(name="top", inner=Inner(k=4, width=6))


def test_of_several_bases_the_last_one_wins(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("name: a\ninner: {k: 1, width: 1}\n")
    (tmp_path / "b.yaml").write_text("inner: {k: 2}\n")
    (tmp_path / "top.yaml").write_text("base: [a.yaml, b.yaml]\ninner: {width: 3}\n")
    assert load_config(Outer, tmp_path / "top.yaml") == Outer(name="a", inner=Inner(k=2, width=3))


def test_resolved_copy_reads_back() -> None:
    config = Outer(name="b", inner=Inner(k=2))
    assert Outer.model_validate(yaml.safe_load(dump_config(config))) == config
    assert config_digest(config) != config_digest(Outer())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("inner: {kk: 3}", r"unknown key 'inner.kk' \(did you mean 'k'\?\), allowed: k, width"),
        ("nam: x", r"unknown key 'nam' \(did you mean 'name'\?\)"),
        ("inner: {k: 0}", "inner.k: .* greater than or equal to 1, got 0"),
        ("- 1", "must hold a mapping"),
    ],
)
def test_mistakes_name_file_key_and_value(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        load_config(Outer, path)
    assert "bad.yaml" in str(caught.value)


class Ordered(BaseConfig):
    low: int = 0
    high: int = 1

    @model_validator(mode="after")
    def _ordered(self) -> Ordered:
        if self.low >= self.high:
            raise ValueError(f"low must be below high, got {self.low} and {self.high}")
        return self


def test_a_rule_about_a_section_does_not_print_the_section() -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(Ordered, None, ["low=3"])
    assert str(caught.value).endswith("the options: low must be below high, got 3 and 1")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="No such file"):
        load_config(Outer, tmp_path / "none.yaml")
    (tmp_path / "broken.yaml").write_text("a: [1,")
    with pytest.raises(InputFileError, match="not valid YAML"):
        load_config(Outer, tmp_path / "broken.yaml")
    (tmp_path / "loop.yaml").write_text("base: loop.yaml")
    with pytest.raises(ConfigError, match="comes back to itself"):
        load_config(Outer, tmp_path / "loop.yaml")


def test_override_without_a_value() -> None:
    with pytest.raises(ConfigError, match="dotted.key=value; got 'name'"):
        load_config(Outer, overrides=["name"])
    with pytest.raises(ConfigError, match="'name' is a value, not a section"):
        load_config(Outer, overrides=["name=a", "name.k=1"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: a\nname: b\n", "key 'name' stands twice, first in line 1"),
        ("inner: {k: 1, width: 3, k: 2}\n", "key 'k' stands twice, first in line 1"),
        ("a: &a {b: *a}\n", "contains itself"),
        ("[" * 3000, "nests too deeply"),
        ("name: 2020-13-45\n", "not valid YAML: month must be in 1..12"),
        ("inner: {k: .nan}", "inner.k: .* valid integer|inner.k: .* finite"),
        ("inner: {k: 9223372036854775808}", "inner.k: 9223372036854775808 does not fit into 64 bits"),
    ],
)
def test_texts_that_are_no_configuration(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises((ConfigError, InputFileError), match=message):
        load_config(Outer, tmp_path / "bad.yaml")


def test_merged_keys_may_be_overridden(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("inner: {<<: {k: 3, width: 5}, k: 4}\n")
    assert load_config(Outer, tmp_path / "a.yaml").inner == Inner(k=4, width=5)


def test_places_that_hold_no_text(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "binary").write_bytes(b"name: \xff\xfe")
    for path, message in [
        (tmp_path / "pipe", "a pipe or device"),
        (tmp_path, "a folder"),
        (tmp_path / "binary", "not text in UTF-8: invalid start byte at byte 6"),
        (tmp_path / ("n" * 300), "name too long"),
        (Path("a\0b"), "null"),
    ]:
        with pytest.raises(InputFileError, match=message):
            load_config(Outer, path)


@pytest.mark.parametrize("override", ["name=[", "name={a: 1", "name=@x", "name=" + "[" * 3000])
def test_overrides_that_are_no_yaml(override: str) -> None:
    with pytest.raises(ConfigError, match="cannot read the override"):
        load_config(Outer, None, [override])
