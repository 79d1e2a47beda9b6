"""The keys of a configuration as text, for the help of a command and the pages of reference."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from rs3l_gnn.conventions.config import members_of

__all__ = ["Key", "describe_keys", "keys_of"]

_LONGEST = 40
_MISSING: Any = object()


@dataclass(frozen=True)
class Key:
    """One key of YAML."""

    name: str
    """Dotted; ``<name>`` stands for a name of the user's, ``[]`` for each entry of a list."""
    default: str | None
    """As YAML; None where a value is needed."""
    choices: tuple[str, ...]
    """All that it may be, if that is a short list."""
    meaning: str

    def text(self, longest: int = _LONGEST) -> str:
        """Default, choices and meaning in one line; a default of more than ``longest`` characters is cut."""
        default = "needed" if self.default is None else self.default
        shown = default if len(default) <= longest else default[: longest - 4] + " ..."
        return f"[{shown}] " + "; ".join(part for part in (" | ".join(self.choices), self.meaning) if part)


def describe_keys(model: type[BaseModel]) -> str:
    """One line for each key: its dotted name, its default, what it may be and what it means.

    Args:
        model: the configuration class, whose keys all have defaults or are marked as needed.
    """
    keys = keys_of(model)
    width = max(len(key.name) for key in keys)
    return "\n".join(f"{key.name:<{width}}  {key.text()}".rstrip() for key in keys)


def keys_of(model: type[BaseModel]) -> list[Key]:
    """Every key of a configuration, in the order of its classes; those of entries with names of the user's as well.

    A key whose field says ``json_schema_extra={"keys": "..."}`` holds a configuration that is described there.
    """
    return _keys(model, _MISSING, "", ())


def _keys(model: type[BaseModel], instance: Any, prefix: str, around: tuple[type[BaseModel], ...]) -> list[Key]:
    found = []
    for name, field in model.model_fields.items():
        if instance is not _MISSING:  # what holds when the section is left out
            default = getattr(instance, name)
        else:
            default = _MISSING if field.is_required() else field.get_default(call_default_factory=True)
        found += _of_field(f"{prefix}{name}", field, default, (*around, model))
    return found


def _of_field(name: str, field: FieldInfo, default: Any, around: tuple[type[BaseModel], ...]) -> list[Key]:
    members = members_of(field.annotation)
    if members:
        return _of_members(members, field, default, name, around)
    if isinstance(default, BaseModel) and type(default) not in around:
        return _keys(type(default), default, f"{name}.", around)
    extra = field.json_schema_extra
    elsewhere = extra.get("keys") if isinstance(extra, dict) else None
    value = None if default is _MISSING else _value(default)
    meaning = "; ".join(str(part) for part in (field.description, elsewhere) if part)
    found = [Key(name, value, _choices(field.annotation), meaning)]
    if not elsewhere:
        for place, inner in _inside(field.annotation):
            if inner not in around:
                found += _keys(inner, _MISSING, f"{name}{place}.", around)
    return found


def _inside(annotation: Any, place: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """Classes of settings in the type of a field, each with how an entry of it is reached."""
    origin = get_origin(annotation)
    if origin is None:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield place, annotation
        return
    if origin is dict:
        yield from _inside(get_args(annotation)[1], f"{place}.<name>")
        return
    further = f"{place}[]" if origin in (tuple, list) else place
    for part in get_args(annotation):
        yield from _inside(part, further)


def _of_members(
    members: Mapping[str, type[BaseModel]],
    field: FieldInfo,
    default: Any,
    name: str,
    around: tuple[type[BaseModel], ...],
) -> list[Key]:
    """Keys of all classes among which one key chooses, each once, with the names of those that have it."""
    chooser = next(key for key, part in next(iter(members.values())).model_fields.items() if part.default in members)
    chosen = getattr(default, chooser, None)
    owners: dict[Key, list[str]] = {}
    for member_name, member in members.items():
        values = default if member_name == chosen else _MISSING
        for key in _keys(member, values, f"{name}.", around):
            if key.name != f"{name}.{chooser}":
                owners.setdefault(key, []).append(member_name)
    first = [] if chosen else [Key(name, _value(default), (), field.description or "")]
    found = [*first, Key(f"{name}.{chooser}", chosen, tuple(members), "")]
    for key, names in owners.items():
        whose = "" if len(names) == len(members) else f"(of {', '.join(names)})"
        meaning = " ".join(part for part in (key.meaning, whose) if part)
        found.append(Key(key.name, key.default, key.choices, meaning))
    return found


def _choices(annotation: Any) -> tuple[str, ...]:
    """Words and numbers that the type of a field lists; none for a type that takes others as well."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _choices(get_args(annotation)[0])
    if origin is Literal:
        return tuple(_value(value) for value in get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return tuple(_value(value) for value in annotation)
    if origin in (Union, UnionType):
        parts = [("null",) if part is type(None) else _choices(part) for part in get_args(annotation)]
        return tuple(choice for part in parts for choice in part) if all(parts) else ()
    return ()


def _value(default: Any) -> str:
    # Enumerations, paths and nested settings become what a YAML file would hold.
    text = yaml.safe_dump(to_jsonable_python(default), default_flow_style=True, width=100_000, sort_keys=False)
    return text.removesuffix("\n").removesuffix("\n...")
