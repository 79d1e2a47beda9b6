"""Whoever calls a public function from Python is promised an error of ours, and gets no raw one of a library."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import rs3l_gnn
from rs3l_gnn.conventions import BaseConfig, ConfigError, Rs3lError

ROOMS = ("conventions", "data", "evaluation", "fits", "inference", "models", "processors", "simulation", "training")
BROKEN = {
    "empty": b"",
    "text.json": b"hello",
    "cut.root": b"root" + bytes(40),
    "cut.h5": b"\x89HDF\r\n\x1a\n" + bytes(40),
    "cut.safetensors": b'\x08\0\0\0\0\0\0\0{"a": 1}',
    "cut.pt": b"PK\x03\x04garbage",
    "cut.lhe.gz": b"\x1f\x8b\x08\x00garbage",
}


_PATHS = {"Path", "Path | str", "str | Path"}


def _public() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Functions of the rooms whose first argument, the only one needed, is a path."""
    for room in ROOMS:
        module = importlib.import_module(f"rs3l_gnn.{room}")
        for name in module.__all__:
            member = getattr(module, name)
            if not inspect.isfunction(member):
                continue
            parameters = list(inspect.signature(member).parameters.values())
            needed = [p for p in parameters if p.default is p.empty and p.kind == p.POSITIONAL_OR_KEYWORD]
            if len(needed) == 1 and str(needed[0].annotation) in _PATHS:
                yield f"{room}.{name}", member


FUNCTIONS = dict(_public())
_WITHOUT_CHECK = {
    f"conventions.{name}" for name in ("file_digest", "atomic_file", "atomic_directory", "refuse_existing")
}
"""Take any file, or a place for one."""


def test_there_are_functions_to_ask() -> None:
    assert len(FUNCTIONS) > 5


@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() - _WITHOUT_CHECK))
@pytest.mark.parametrize("file", [*BROKEN, "gone", "."])
def test_a_broken_file_ends_with_an_error_of_ours(name: str, file: str, tmp_path: Path) -> None:
    if file in BROKEN:
        (tmp_path / file).write_bytes(BROKEN[file])
    with pytest.raises(Rs3lError):
        result = FUNCTIONS[name](tmp_path / file)
        if inspect.isgenerator(result):
            list(result)


def _configs(base: type[BaseConfig] = BaseConfig) -> Iterator[type[BaseConfig]]:
    for member in base.__subclasses__():
        if member.__module__.startswith("rs3l_gnn.") and not inspect.isabstract(member):
            yield member
        yield from _configs(member)


def _all_configs() -> list[type[BaseConfig]]:
    for module in pkgutil.walk_packages(rs3l_gnn.__path__, "rs3l_gnn."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return sorted(set(_configs()), key=lambda config: (config.__module__, config.__name__))


@pytest.mark.parametrize("config", _all_configs(), ids=lambda config: config.__name__)
def test_settings_made_in_python_end_with_an_error_of_ours(config: type[BaseConfig]) -> None:
    with pytest.raises(ConfigError, match="moon"):
        config(moon=1)
    name = next(iter(config.model_fields))
    with pytest.raises(ConfigError, match=config.__name__):
        config(**{name: object()})


def test_inside_of_others_they_are_told_with_their_place() -> None:
    from rs3l_gnn.fits import FitConfig

    with pytest.raises(ConfigError, match=r"^FitConfig: .*luminosity.value: Input should be greater than 0, got -1"):
        FitConfig(inputs="a", histogram="b", samples={"s": {"signal": True}}, luminosity={"value": -1})
