"""Parts are found by file, and by the entry points of other packages; YAML chooses among their settings."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import GenericAlias
from typing import Any

import pytest
from pydantic import Field, create_model

from rs3l_gnn.conventions import BaseConfig, ConfigError, load_config, parse_config
from rs3l_gnn.conventions.config_keys import describe_keys
from rs3l_gnn.conventions.config_registry import ConfigRegistry

BASE = """
from rs3l_gnn.conventions import BaseConfig

class Shape(BaseConfig):
    name: str
"""
PART = """
from typing import Literal
from shapes_base import Shape

class {cls}(Shape):
    name: Literal["{name}"] = "{name}"
    colour: str = "red"
    {field}: float = 1.0

__all__ = ["{cls}"]
"""
Make = Callable[..., ConfigRegistry[Any]]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Two parts, circle and square, in a folder; more by entry points of a package that is installed beside them."""

    def write(*, plugin: str | None = None, point: str = "shapes_plugin:Triangle") -> ConfigRegistry[Any]:
        (tmp_path / "shapes_base.py").write_text(BASE)
        folder = tmp_path / "shapes"
        folder.mkdir()
        (folder / "__init__.py").write_text("")
        for cls, field in (("Circle", "radius"), ("Square", "edge")):
            (folder / f"{cls.lower()}.py").write_text(PART.format(cls=cls, name=cls.lower(), field=field))
        if plugin is not None:
            (tmp_path / "shapes_plugin.py").write_text(plugin)
            metadata = tmp_path / "shapes_plugin-1.0.dist-info"
            metadata.mkdir()
            (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: shapes-plugin\nVersion: 1.0\n")
            (metadata / "entry_points.txt").write_text(f"[test.shapes]\ntriangle = {point}\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        base = importlib.import_module("shapes_base").Shape
        return ConfigRegistry("shape", base, package="shapes", group="test.shapes", default="circle")

    yield write
    for name in [name for name in sys.modules if name.startswith("shapes")]:
        del sys.modules[name]


def _model(registry: ConfigRegistry[Any]) -> type[BaseConfig]:
    field = (registry.union(), Field(default_factory=registry[registry.default], description="what is drawn"))
    return create_model("Drawing", __base__=BaseConfig, shape=field)


def test_every_file_of_the_folder_is_a_part(make: Make) -> None:
    registry = make()
    assert list(registry) == ["circle", "square"]
    assert registry["square"]().edge == 1.0
    with pytest.raises(ConfigError, match="unknown shape 'star'; allowed: circle, square"):
        registry["star"]


def test_yaml_chooses_by_name_and_each_part_has_its_own_keys(make: Make) -> None:
    model = _model(make())
    assert parse_config(model, {}, where="x").shape.name == "circle"  # type: ignore[attr-defined]  # made above
    assert parse_config(model, {"shape": {"radius": 2}}, where="x").shape.radius == 2  # type: ignore[attr-defined]  # made above
    square = parse_config(model, {"shape": {"name": "square", "edge": 3}}, where="x")
    assert square.model_dump() == {"shape": {"name": "square", "colour": "red", "edge": 3.0}}
    with pytest.raises(ConfigError, match=r"unknown key 'shape.radius', allowed: name, colour, edge"):
        parse_config(model, {"shape": {"name": "square", "radius": 3}}, where="x")
    with pytest.raises(ConfigError, match=r"shape.edge: .* valid number.*, got 'long'"):
        parse_config(model, {"shape": {"name": "square", "edge": "long"}}, where="x")
    with pytest.raises(ConfigError, match=r"shape: no shape that is known; allowed: circle, square"):
        parse_config(model, {"shape": {"name": "star"}}, where="x")


def test_a_file_that_chooses_another_part_than_its_base_starts_anew(make: Make, tmp_path: Path) -> None:
    model = _model(make())
    (tmp_path / "base.yaml").write_text("shape: {name: circle, radius: 4, colour: blue}\n")
    (tmp_path / "same.yaml").write_text("base: base.yaml\nshape: {colour: green}\n")
    (tmp_path / "other.yaml").write_text("base: base.yaml\nshape: {name: square}\n")
    (tmp_path / "wrong.yaml").write_text("base: base.yaml\nshape: {name: square, radius: 4}\n")
    same = load_config(model, tmp_path / "same.yaml")
    assert same.model_dump() == {"shape": {"name": "circle", "colour": "green", "radius": 4.0}}
    other = load_config(model, tmp_path / "other.yaml")
    assert other.model_dump() == {"shape": {"name": "square", "colour": "red", "edge": 1.0}}
    with pytest.raises(ConfigError, match=r"unknown key 'shape.radius'"):
        load_config(model, tmp_path / "wrong.yaml")


def test_choices_inside_mappings_and_sequences_and_that_may_be_absent(make: Make, tmp_path: Path) -> None:
    registry = make()
    pages: Any = GenericAlias(dict, (str, _model(registry)))
    model = create_model("Book", __base__=BaseConfig, pages=(pages, {}), cover=(registry.union() | None, None))
    (tmp_path / "page.yaml").write_text("shape: {name: circle, radius: 4}\n")
    (tmp_path / "book.yaml").write_text(
        "pages:\n  first: {base: page.yaml, shape: {name: square}}\n  second: {base: page.yaml}\n"
        "cover: {name: square, edge: 2}\n"
    )
    book = load_config(model, tmp_path / "book.yaml").model_dump()
    assert [page["shape"]["name"] for page in book["pages"].values()] == ["square", "circle"]
    assert book["cover"] == {"name": "square", "colour": "red", "edge": 2.0}
    for document, message in (
        (
            {"pages": {"a": {"shape": {"name": "square", "radius": 1}}}},
            "unknown key 'pages.a.shape.radius', allowed: name",
        ),
        ({"pages": {"a": {"form": 1}}}, "unknown key 'pages.a.form', allowed: shape"),
        ({"cover": {"radius": 1, "edge": 1}}, "unknown key 'cover.edge', allowed: name, colour, radius"),
    ):
        with pytest.raises(ConfigError, match=message):
            parse_config(model, document, where="x")


def test_keys_list_the_choices_and_whose_key_is_which(make: Make) -> None:
    lines = [" ".join(line.split()) for line in describe_keys(_model(make())).splitlines()]
    assert lines == [
        "shape.name [circle] circle | square",
        "shape.colour [red]",
        "shape.radius [1.0] (of circle)",
        "shape.edge [1.0] (of square)",
    ]


def test_another_package_brings_a_part(make: Make) -> None:
    registry = make(plugin=PART.format(cls="Triangle", name="triangle", field="height"))
    assert list(registry) == ["circle", "square", "triangle"]
    drawn = parse_config(_model(registry), {"shape": {"name": "triangle", "height": 5}}, where="x")
    assert drawn.model_dump()["shape"]["height"] == 5


@pytest.mark.parametrize(
    ("plugin", "message"),
    [
        (PART.format(cls="Triangle", name="square", field="height"), "'square' comes twice.*shapes-plugin 1.0"),
        ("import there_is_no_such_module", "'triangle' of shapes-plugin 1.0 cannot be imported.*there_is_no_such"),
        ("Triangle = 3", "'triangle' of shapes-plugin 1.0 is no shape"),
    ],
)
def test_a_package_that_brings_nonsense_is_named(make: Make, plugin: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        _ = make(plugin=plugin).parts
