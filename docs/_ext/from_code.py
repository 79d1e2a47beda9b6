"""Pages that the code writes: keys of the configurations, help of the commands; and docstrings as they are meant."""

from __future__ import annotations

import os
import re
from importlib import import_module
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from typer.testing import CliRunner

from rs3l_gnn.cli import CONFIGS, app, load_verbs
from rs3l_gnn.conventions.config_keys import keys_of

_WIDTH = "100"
_ROOMS = tuple(
    f"rs3l_gnn.{room}"
    for room in (
        "conventions",
        "simulation",
        "data",
        "models",
        "training",
        "evaluation",
        "inference",
        "processors",
        "fits",
    )
)


class ConfigKeys(SphinxDirective):
    """``{config-keys} VERB``: every key of the verb's YAML; the text of ``rs3l VERB --keys`` with defaults uncut."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """A list: key, then default, choices and meaning."""
        module, _, name = CONFIGS[self.arguments[0]].rpartition(".")
        found = nodes.definition_list(classes=["config-keys"])
        for key in keys_of(getattr(import_module(module), name)):
            rest = "; ".join(part for part in (" | ".join(key.choices), key.meaning) if part)
            value = nodes.strong(text="needed") if key.default is None else nodes.literal(text=key.default)
            line = nodes.paragraph("", "", value, nodes.Text(f" {rest}"))
            term = nodes.term("", "", nodes.literal(text=key.name))
            found += nodes.definition_list_item("", term, nodes.definition("", line))
        return [found]


class VerbHelp(SphinxDirective):
    """``{verb-help} VERB``: what ``rs3l VERB --help`` prints."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The text as it stands."""
        done = CliRunner().invoke(app, [self.arguments[0], "--help"], prog_name="rs3l", env={"COLUMNS": _WIDTH})
        if done.exit_code:
            raise self.error(f"rs3l {self.arguments[0]} --help failed: {done.output}")
        return [nodes.literal_block(done.output, done.output, language="text")]


def _plain(_app: Sphinx, _what: str, _name: str, _obj: Any, _options: Any, lines: list[str]) -> None:
    """Bars of |eta| and stars of docstrings are what they are; outside of code, reStructuredText would take them."""
    for i, line in enumerate(lines):
        parts = re.split(r"(``.*?``|:\w+:`.*?`|`.*?`)", line)
        lines[i] = "".join(
            part if place % 2 else re.sub(r"(?<!\\)([|*])", r"\\\1", part) for place, part in enumerate(parts)
        )


def _skip_guests(sphinx: Sphinx, _what: str, _name: str, obj: Any, skip: bool, _options: Any) -> bool | None:
    """A name that one room takes from another is described where it is at home, once."""
    current = sphinx.env.current_document.docname.rpartition("/")[2]
    home = getattr(obj, "__module__", None)
    if skip or current not in _ROOMS or not isinstance(home, str):
        return None
    guests = [room for room in _ROOMS if home.startswith(f"{room}.") and room != current]
    return True if guests else None


def setup(sphinx: Sphinx) -> dict[str, bool]:
    """What Sphinx calls."""
    os.environ.setdefault("TERMINAL_WIDTH", _WIDTH)  # typer reads it
    load_verbs()
    for room in _ROOMS:  # as they are for everybody; autodoc would import them under TYPE_CHECKING
        module = import_module(room)
        for name in module.__all__:
            getattr(module, name)
    sphinx.add_directive("config-keys", ConfigKeys)
    sphinx.add_directive("verb-help", VerbHelp)
    sphinx.connect("autodoc-skip-member", _skip_guests)
    sphinx.connect("autodoc-process-docstring", _plain, priority=600)  # after napoleon has read the sections
    return {"parallel_read_safe": True, "parallel_write_safe": True}
