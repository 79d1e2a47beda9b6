"""The keys of a configuration as text, for the help of a command."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml
from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from rs3l_gnn.conventions.config import BaseConfig, members_of

__all__ = ["describe_keys"]

_LONGEST = 40


def describe_keys(model: type[BaseConfig]) -> str:
    """One line for each key: its dotted name, its default and what it means; sections first say their name.

    Args:
        model: the configuration class, whose keys all have defaults or are marked as needed.
    """
    lines = _lines(model, "")
    width = max(len(name) for name, _ in lines)
    return "\n".join(f"{name:<{width}}  {text}".rstrip() for name, text in lines)


def _lines(model: type[BaseModel], prefix: str) -> list[tuple[str, str]]:
    lines = []
    for name, field in model.model_fields.items():
        default = field.get_default(call_default_factory=True) if not field.is_required() else None
        members = members_of(field.annotation)
        if members and default is not None:
            lines += _choices(members, default, f"{prefix}{name}.")
            continue
        if isinstance(default, BaseModel):
            lines += _lines(type(default), f"{prefix}{name}.")
            continue
        shown = "needed" if field.is_required() else _value(default)
        lines.append((f"{prefix}{name}", f"[{shown}] {field.description or ''}"))
    return lines


def _choices(members: Mapping[str, type[BaseModel]], default: Any, prefix: str) -> list[tuple[str, str]]:
    """Keys of all classes among which one key chooses, each once, with the names of those that have it."""
    owners: dict[tuple[str, str], list[str]] = {}
    for name, member in members.items():
        for line in _lines(member, prefix):
            owners.setdefault(line, []).append(name)
    chooser = next(key for key, value in default if value in members)
    lines = [(f"{prefix}{chooser}", f"[{getattr(default, chooser)}] {' | '.join(members)}")]
    for (key, text), names in owners.items():
        if key != f"{prefix}{chooser}":
            lines.append((key, text if len(names) == len(members) else f"{text} (of {', '.join(names)})"))
    return lines


def _value(default: Any) -> str:
    # Enumerations, paths and nested settings become what a YAML file would hold.
    text = yaml.safe_dump(to_jsonable_python(default), default_flow_style=True, width=1000, sort_keys=False)
    text = text.removesuffix("\n").removesuffix("\n...")
    return text if len(text) <= _LONGEST else text[: _LONGEST - 4] + " ..."
