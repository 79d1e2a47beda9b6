"""Configuration: YAML parsed once into frozen pydantic models, dotted overrides, clear errors."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, Tag, ValidationError, field_validator

from rs3l_gnn.conventions.errors import ConfigError, InputFileError, SettingsError
from rs3l_gnn.conventions.inputs import require_file
from rs3l_gnn.conventions.yaml_text import parse_yaml

__all__ = [
    "BaseConfig",
    "dump_config",
    "load_config",
    "members_of",
    "merge_documents",
    "parse_config",
    "read_text",
    "set_path",
]

Config = TypeVar("Config", bound="BaseConfig")
_PLACES = re.compile(r"([^\[\]]+)((?:\[\d+\])*)")
_PLACE = re.compile(r"\d+")
_LARGEST = 2**63 - 1  # what a 64-bit integer holds: arrays, seeds and files have no more


class BaseConfig(BaseModel):
    """Base of every configuration: unknown keys are refused, numbers are finite and integers have 64 bits at most.

    Values do not change after parsing.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    def __init__(self, **values: Any) -> None:
        """Check the settings.

        Raises:
            SettingsError: names the key, the value and what is allowed.
        """
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise SettingsError(f"{type(self).__name__}: {_lines(type(self), error)}") from error

    # Documents are checked as ever, with places inside of them; this one is for who writes Python.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined] # how pydantic tells its own from others

    @field_validator("*", mode="after")
    @classmethod
    def _within_64_bits(cls, value: Any) -> Any:
        for number in _integers(value):
            if abs(number) > _LARGEST:
                raise ValueError(f"{number} does not fit into 64 bits")
        return value


def _integers(value: Any) -> Iterator[int]:
    if isinstance(value, int):
        yield value
    elif isinstance(value, (tuple, list, set, frozenset)):
        for entry in value:
            yield from _integers(entry)
    elif isinstance(value, dict):
        for pair in value.items():
            yield from _integers(pair)


def load_config(model: type[Config], path: Path | str | None = None, overrides: Sequence[str] = ()) -> Config:
    """Read a configuration file and apply overrides.

    Args:
        model: the configuration class.
        path: YAML file, or None for the defaults alone. A key ``base:``, at the top or in any section, names
            another YAML file or a list of them, relative to this one; a later file overrides an earlier one, and the
            section's own values override them all.
        overrides: ``dotted.key=value`` strings; the value is parsed as YAML, ``key[0]`` is a place in a list.

    Raises:
        InputFileError: the file is missing or not YAML.
        ConfigError: an unknown key, a wrong value, or an override without ``=``.
    """
    document = _read_yaml(Path(path), model) if path is not None else {}
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals or not key:
            raise ConfigError("an override must read dotted.key=value", got=repr(override))
        set_path(document, key, _parse_override(override, text))
    return parse_config(model, document, where=str(path) if path is not None else "the options")


def parse_config(model: type[Config], document: dict[str, Any], *, where: str) -> Config:
    """Check a parsed document; ``where`` names it in the message.

    Raises:
        ConfigError: names the key, the value and what is allowed.
    """
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise ConfigError(f"{where}: {_lines(model, error)}") from error


def _parse_override(override: str, text: str) -> Any:
    try:
        return parse_yaml(text)
    except ConfigError as error:
        raise ConfigError(f"cannot read the override {override!r}: {error}") from error


def dump_config(config: BaseModel) -> str:
    """The resolved configuration as YAML, in the order of its fields."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)


def _read_yaml(path: Path, model: Any, seen: tuple[Path, ...] = ()) -> dict[str, Any]:
    text = read_text(path)
    if path.resolve() in seen:
        raise ConfigError(f"{path}: the chain of 'base:' files comes back to itself")
    try:
        document = parse_yaml(text)
    except ConfigError as error:
        raise InputFileError(f"{path} is {error}") from error
    if document is None:
        document = {}
    if not isinstance(document, dict):
        raise ConfigError(f"{path} must hold a mapping at its top level", got=type(document).__name__)
    try:
        return _resolve(document, path, model, (*seen, path.resolve()))
    except RecursionError as error:
        raise InputFileError(f"{path} has a section that contains itself") from error


def read_text(path: Path) -> str:
    """Text of a file of a configuration, in UTF-8.

    Raises:
        InputFileError: there is no such file, it is a pipe or a folder, or it holds no text.
    """
    try:
        require_file(path, what="the configuration")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputFileError(f"cannot read the configuration {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputFileError(f"{path} is not text in UTF-8: {error.reason} at byte {error.start}") from error
    except ValueError as error:  # a NUL in the name
        raise InputFileError(f"cannot read the configuration {path}: {error}") from error


def _resolve(section: dict[str, Any], path: Path, model: Any, seen: tuple[Path, ...]) -> dict[str, Any]:
    """Put what ``base:`` names below a section, whose type is ``model``, and the sections inside it."""
    base = section.get("base")
    own = {
        key: _resolve(value, path, _type_of(model, key), seen) if isinstance(value, dict) else value
        for key, value in section.items()
        if key != "base"
    }
    bases = base if isinstance(base, list) else [] if base is None else [base]
    below: dict[str, Any] = {}
    for name in bases:
        below = merge_documents(below, _read_yaml(path.parent / str(name), model, seen), model)
    return merge_documents(below, own, model)


def merge_documents(below: dict[str, Any], above: dict[str, Any], model: Any = None) -> dict[str, Any]:
    """Two documents as one: sections are merged key by key, any other value of ``above`` replaces that of ``below``.

    Args:
        below, above: the documents; ``{0: ...}`` above a list changes its entries.
        model: type of the document; a section in which ``above`` chooses another class than ``below`` starts anew,
            because the classes have different keys.
    """
    merged = dict(below)
    for key, value in above.items():
        inner, old = _type_of(model, key), merged.get(key)
        if isinstance(old, (list, tuple)) and isinstance(value, dict) and all(isinstance(n, int) for n in value):
            merged[key] = _patched(old, value, str(key))
            continue
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        both = both and _chosen(inner, value) in (None, _chosen(inner, merged[key]))
        merged[key] = merge_documents(merged[key], value, inner) if both else value
    return merged


def _type_of(annotation: Any, key: int | str) -> Any:
    """Type of what stands at a key of a section, an entry of a mapping or a sequence; None where none is known."""
    for option in _options(annotation):
        fields = getattr(option, "model_fields", {})
        if key in fields:
            return fields[key].annotation
        if get_origin(option) in (dict, tuple, list):
            return get_args(option)[-1 if get_origin(option) is dict else 0]
    return None


def _options(annotation: Any) -> Iterator[Any]:
    """The types that an annotation allows, without what is written around them."""
    if get_origin(annotation) is Annotated:
        yield from _options(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, UnionType) and not members_of(annotation):
        for option in get_args(annotation):
            yield from _options(option)
    else:
        yield annotation


def _chosen(annotation: Any, section: dict[str, Any]) -> str | None:
    """Name of the class that a section chooses; None if it leaves that open, or there is no choice."""
    for name, member in members_of(annotation).items():
        for key, field in member.model_fields.items():
            if field.default == name and key in section:
                return str(section[key])
    return None


def _patched(entries: Sequence[Any], changes: dict[int, Any], key: str) -> list[Any]:
    """A list with some entries changed."""
    patched = list(entries)
    for place, value in changes.items():
        if not 0 <= place < len(patched):
            raise ConfigError(f"{key}[{place}] is not there", allowed=f"{key}[0] to {key}[{len(patched) - 1}]")
        both = isinstance(value, dict) and isinstance(patched[place], dict)
        nested = isinstance(value, dict) and isinstance(patched[place], (list, tuple))
        if both:
            patched[place] = merge_documents(patched[place], value)
        else:
            patched[place] = _patched(patched[place], value, f"{key}[{place}]") if nested else value
    return patched


def set_path(document: dict[str, Any], path: str, value: Any) -> None:
    """Set one value of a document; sections on the way are made.

    Args:
        document: is changed.
        path: dotted keys, ``key[0]`` for a place in a list.
        value: what to put there.

    Raises:
        ConfigError: the path goes through a value, or beyond the end of a list.
    """
    keys: list[str | int] = []
    for part in path.split("."):
        found = _PLACES.fullmatch(part)
        if found is None:
            raise ConfigError(f"cannot set {path}: {part!r} is not a key", allowed="dotted.key, or dotted.key[0].key")
        keys += [found[1], *(int(place) for place in _PLACE.findall(found[2]))]
    node: Any = document
    for depth, key in enumerate(keys):
        if isinstance(node, list):
            if not isinstance(key, int) or key >= len(node):
                raise ConfigError(f"cannot set {path}: the list has {len(node)} entries", got=key)
        elif not isinstance(node, dict):
            raise ConfigError(f"cannot set {path}: {keys[depth - 1]!r} is a value, not a section")
        if depth == len(keys) - 1:
            node[key] = value
            return
        if isinstance(node, dict):
            node.setdefault(key, {})
        node = node[key]


def members_of(annotation: Any) -> dict[str, type[BaseModel]]:
    """Classes among which a key of YAML chooses, by name; empty for any other type of a field."""
    found = {
        tag.tag: member.__origin__
        for member in get_args(annotation)
        for tag in getattr(member, "__metadata__", ())
        if isinstance(tag, Tag)
    }
    # What is written around such a choice: that it may be absent, and how it is made.
    inside = [] if found or get_origin(annotation) not in (Annotated, Union, UnionType) else get_args(annotation)
    return found or next((members for option in inside if (members := members_of(option))), {})


def _lines(model: type[BaseModel], error: ValidationError) -> str:
    return "; ".join(_describe(model, problem) for problem in error.errors())


def _describe(model: type[BaseModel], problem: Any) -> str:
    path = ".".join(_keys(model, problem["loc"])) or "the document"
    if problem["type"] in ("extra_forbidden", "unexpected_keyword_argument"):  # of a model, of a dataclass
        name = str(problem["loc"][-1])
        allowed = _fields_at(model, problem["loc"][:-1])
        close = difflib.get_close_matches(name, allowed, n=1)
        guess = f" (did you mean {close[0]!r}?)" if close else ""
        return f"unknown key {path!r}{guess}" + (f", allowed: {', '.join(allowed)}" if allowed else "")
    if problem["type"] == "missing":
        return f"key {path!r} is missing"
    message: str = problem["msg"].removeprefix("Value error, ")
    if not problem["loc"]:
        return message
    # A rule across keys names them itself; the whole section as "got" would bury it.
    across_keys = problem["type"] == "value_error" and isinstance(problem["input"], dict)
    return f"{path}: {message}" if across_keys else f"{path}: {message}, got {problem['input']!r}"


def _keys(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """A location without the names of chosen classes, which stand in no YAML file."""
    current: Any = model
    keys = []
    for part in location:
        if part in members_of(current):
            current = members_of(current)[str(part)]
            continue
        keys.append(str(part))
        current = _type_of(current, part)
    return keys


def _fields_at(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    current: Any = model
    for part in location:
        members = members_of(current)
        current = members[str(part)] if part in members else _type_of(current, part)
    for option in _options(current):
        if hasattr(option, "model_fields"):
            return list(option.model_fields)
        if is_dataclass(option):
            return [each.name for each in fields(option)]
    return []
