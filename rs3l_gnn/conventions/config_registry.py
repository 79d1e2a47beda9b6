"""Families of exchangeable parts that are classes of settings, chosen by a key of YAML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar, Union

from pydantic import Discriminator, Tag

from rs3l_gnn.conventions.config import BaseConfig, parse_config
from rs3l_gnn.conventions.registry import Registry

__all__ = ["ConfigRegistry"]

Config = TypeVar("Config", bound=BaseConfig)


class ConfigRegistry(Registry[type[Config]]):
    """Parts that are classes of settings; YAML chooses one by a key whose default is its name.

    Args:
        kind: what the parts are, for messages.
        base: class that they derive from.
        package: folder whose modules hold the parts of this package.
        group: of the entry points of other packages.
        key: of YAML that holds the name.
        default: name that is meant where the key is absent.
    """

    def __init__(
        self, kind: str, base: type[Config], *, package: str, group: str, key: str = "name", default: str
    ) -> None:
        super().__init__(kind, base, package=package, group=group)
        self.key, self.default = key, default

    def name_of(self, part: type[Config]) -> str:
        """Default of the key that chooses a part."""
        return str(part.model_fields[self.key].default)

    def parse(self, document: Mapping[str, Any], *, where: str) -> Config:
        """The settings that a document holds; ``where`` names it in a message.

        Raises:
            ConfigError: an unknown part, or what :func:`rs3l_gnn.conventions.parse_config` refuses.
        """
        return parse_config(self[str(self._chosen(document))], dict(document), where=where)

    def union(self) -> Any:
        """The type of a field that takes the settings of any of the parts."""
        members = [Annotated[part, Tag(name)] for name, part in self.parts.items()]
        return Annotated[
            Union[tuple(members)],  # noqa: UP007  # made from a list
            Discriminator(
                self._chosen,
                custom_error_type="unknown_part",
                custom_error_message=f"no {self.kind} that is known; allowed: {', '.join(self.parts)}",
            ),
        ]

    def _chosen(self, value: Any) -> str | None:
        name = value.get(self.key, self.default) if isinstance(value, Mapping) else getattr(value, self.key, None)
        return name if isinstance(name, str) else None
