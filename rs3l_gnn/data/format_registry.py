"""The formats of event files there are. Not beside their base class, which other packages import meanwhile."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from rs3l_gnn.conventions import MissingBranchError
from rs3l_gnn.conventions.extras import needs_extra
from rs3l_gnn.conventions.registry import Registry
from rs3l_gnn.data.event_format import EventFormat

__all__ = ["FORMATS", "find_format", "format_of", "get_format"]


class _Formats(Registry[EventFormat]):
    def _is_part(self, candidate: object) -> bool:
        return isinstance(candidate, EventFormat)  # classes of formats are none themselves


FORMATS = _Formats("layout", EventFormat, package="rs3l_gnn.data.formats", group="rs3l_gnn.formats")
"""Formats by name."""


def get_format(layout: str | Mapping[str, Any] | EventFormat) -> EventFormat:
    """A format by name, or the one that a map of branches describes (see :class:`rs3l_gnn.data.FlatTreeConfig`).

    Raises:
        ConfigError: there is no such format, or the map cannot be read.
    """
    if isinstance(layout, EventFormat):
        return layout
    if isinstance(layout, str):
        return FORMATS[layout]
    with needs_extra("a map of branches", "analysis"):
        from rs3l_gnn.conventions import parse_config
        from rs3l_gnn.data.flat_tree_config import FlatTreeConfig
    return parse_config(FlatTreeConfig, dict(layout), where="layout").format()


def find_format(names: Collection[str], *, candidates: bool = True) -> EventFormat | None:
    """The format whose marks are all there; of several, the one with the most marks. None if there is none.

    Args:
        names: of collections and branches.
        candidates: False if only the jets are of interest, so that plain NanoAOD will do.
    """
    known = set(names)
    mine = [form for form in FORMATS.parts.values() if form.is_mine(known) and (form.has_candidates or not candidates)]
    return max(mine, key=lambda form: len(form.marks), default=None)


def format_of(names: Collection[str], *, candidates: bool = True) -> EventFormat:
    """As :func:`find_format`.

    Raises:
        MissingBranchError: no known format has its collections there.
    """
    form = find_format(names, candidates=candidates)
    if form is not None:
        return form
    needed = dict.fromkeys(
        ", ".join(form.marks) for form in FORMATS.parts.values() if form.marks and form.has_candidates
    )
    close = sorted(name for name in names if "Jet" in name or "PF" in name or "EFlow" in name)
    raise MissingBranchError(
        "the events hold no jets with candidates",
        got=", ".join(close or sorted(names)) or "no collections",
        allowed="; or ".join(needed),
        hint="describe a tree of your own by a map of branches (layout)",
    )
