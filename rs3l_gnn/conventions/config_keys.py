"""The keys of a configuration as text, for the help of a command."""

from __future__ import annotations

from typing import Any

import yaml
from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from rs3l_gnn.conventions.config import BaseConfig

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
        if isinstance(default, BaseModel):
            lines += _lines(type(default), f"{prefix}{name}.")
            continue
        shown = "needed" if field.is_required() else _value(default)
        lines.append((f"{prefix}{name}", f"[{shown}] {field.description or ''}"))
    return lines


def _value(default: Any) -> str:
    # Enumerations, paths and nested settings become what a YAML file would hold.
    text = yaml.safe_dump(to_jsonable_python(default), default_flow_style=True, width=1000, sort_keys=False)
    text = text.removesuffix("\n").removesuffix("\n...")
    return text if len(text) <= _LONGEST else text[: _LONGEST - 4] + " ..."
