"""HTML from Python: text is escaped, always; what is markup already says so by its type."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

__all__ = ["Markup", "joined", "table", "tag"]

_EMPTY_ELEMENTS = frozenset({"br", "hr", "img", "meta"})


class Markup(str):
    """HTML that needs no escaping."""

    __slots__ = ()


def tag(element: str, /, *children: str, **attributes: str) -> Markup:
    """One element.

    Args:
        element: its name.
        children: text, which is escaped, or :class:`Markup`.
        attributes: ``class_`` stands for ``class``.
    """
    inside = "".join(f' {key.rstrip("_")}="{escape(value)}"' for key, value in attributes.items())
    if element in _EMPTY_ELEMENTS:
        return Markup(f"<{element}{inside}>")
    return Markup(f"<{element}{inside}>{joined(children)}</{element}>")


def joined(parts: Iterable[str]) -> Markup:
    """Parts after one another, escaped where they are text."""
    return Markup("".join(part if isinstance(part, Markup) else escape(part) for part in parts))


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str = "") -> Markup:
    """A table; the first column holds the names of the rows."""
    top = tag("tr", *(tag("th", cell, scope="col") for cell in head))
    body = [tag("tr", tag("th", row[0], scope="row"), *(tag("td", cell) for cell in row[1:])) for row in rows]
    above = [tag("caption", caption)] if caption else []
    return tag("div", tag("table", *above, tag("thead", top), tag("tbody", *body)), class_="wide")
