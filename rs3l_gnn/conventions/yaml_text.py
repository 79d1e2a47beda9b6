"""Texts in YAML: keys that stand once, and aliases that stand for what a memory can hold."""

from __future__ import annotations

from typing import Any

import yaml

from rs3l_gnn.conventions.errors import ConfigError

__all__ = ["parse_yaml"]

_REPEATED = 10**5
"""Entries of a YAML text that aliases may repeat."""


def _written_out(node: yaml.Node, known: dict[int, int]) -> int:
    """Entries of a node with its aliases written out, those of a node inside itself once; ``known`` is by identity."""
    if id(node) not in known:
        known[id(node)] = 1
        inside = node.value if isinstance(node, yaml.CollectionNode) else []
        if isinstance(node, yaml.MappingNode):
            inside = [each for pair in node.value for each in pair]
        known[id(node)] = 1 + sum(_written_out(each, known) for each in inside)
    return known[id(node)]


class _Loader(yaml.SafeLoader):
    """YAML in which a key stands once: of two values, one would be dropped without a word.

    Aliases of aliases of aliases, of which a few lines may stand for more than a memory holds, are refused.
    """

    def get_single_node(self) -> yaml.Node | None:
        node: yaml.Node | None = super().get_single_node()
        known: dict[int, int] = {}
        if node is not None and _written_out(node, known) > len(known) + _REPEATED:
            raise yaml.constructor.ConstructorError(
                None, None, f"its aliases stand for more than {_REPEATED} entries", node.start_mark
            )
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: dict[str, yaml.Node] = {}
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:merge" or not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                first = seen[key.value].start_mark.line + 1
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key.value!r} stands twice, first in line {first}", key.start_mark
                )
            seen[key.value] = key
        return super().construct_mapping(node, deep)


def parse_yaml(text: str) -> Any:
    """What a text in YAML says, in plain Python types.

    Raises:
        ConfigError: the text is not YAML, nests too deeply, gives a key twice, or has aliases that stand for too much.
    """
    try:
        return yaml.load(text, _Loader)  # noqa: S506  # a SafeLoader
    except yaml.YAMLError as error:
        raise ConfigError(f"not valid YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise ConfigError("not valid YAML: it nests too deeply") from error
    except ValueError as error:  # what looks like a date and is none
        raise ConfigError(f"not valid YAML: {error}") from error
