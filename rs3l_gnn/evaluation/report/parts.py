"""What a section of the report is made of; the template knows how each looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

__all__ = ["Figure", "Part", "Section", "Table", "Text"]


@dataclass(frozen=True)
class Table:
    """A table; the first column holds the names of the rows."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""
    kind: Literal["table"] = "table"


@dataclass(frozen=True)
class Text:
    """A paragraph, or lines that are shown as they are."""

    text: str
    kind: Literal["paragraph", "code"] = "paragraph"


@dataclass(frozen=True)
class Figure:
    """A figure inside the page.

    Attributes:
        name: of its files.
        caption: what it shows.
        data: the PNG file in base64.
    """

    name: str
    caption: str
    data: str
    kind: Literal["figure"] = "figure"


Part: TypeAlias = Table | Text | Figure


@dataclass
class Section:
    """A heading and what stands below it."""

    title: str
    parts: list[Part] = field(default_factory=list)

    @property
    def anchor(self) -> str:
        """Name of the place in the page."""
        return "-".join("".join(letter if letter.isalnum() else " " for letter in self.title.lower()).split())
