"""Help as sentences and words: summaries that are not cut, and what an option takes instead of a type of Python."""

from __future__ import annotations

import inspect
import types
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

from typer.core import TyperCommand
from typer.models import OptionInfo

__all__ = ["PlainCommand", "first_sentence", "name_values"]

_WORDS = {Path: "PATH", str: "TEXT", int: "N", float: "NUMBER"}


class PlainCommand(TyperCommand):
    """A command whose arguments are told by their names alone."""

    def get_params(self, ctx: Any) -> list[Any]:
        """All options and arguments."""
        found: list[Any] = list(super().get_params(ctx))
        for parameter in found:
            if parameter.param_type_name == "argument":
                parameter.display_type_rich = _no_type
        return found


def _no_type(ctx: Any) -> None:
    del ctx


def name_values(parameter: inspect.Parameter) -> None:
    """Say what an option takes, where it does not say so itself; a choice says it by what there is to choose."""
    if get_origin(parameter.annotation) is not Annotated:
        return
    kind, *marks = get_args(parameter.annotation)
    for mark in marks:
        if isinstance(mark, OptionInfo) and mark.metavar is None:
            mark.metavar = _WORDS.get(_plain(kind))


def _plain(kind: Any) -> Any:
    """The type of one value of a list, or of what may be absent."""
    parts = [part for part in get_args(kind) if part is not types.NoneType]
    return _plain(parts[0]) if get_origin(kind) in (list, Union, types.UnionType) and len(parts) == 1 else kind


def first_sentence(text: str | None) -> str:
    """Of a docstring.

    >>> first_sentence("Do this: a, b.\\n\\nAnd more. Much.")
    'Do this: a, b.'
    """
    whole = " ".join(inspect.cleandoc(text or "").split("\n\n", 1)[0].split())
    head, dot, _ = whole.partition(". ")
    return head + dot.strip()
