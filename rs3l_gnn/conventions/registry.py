"""Families of exchangeable parts, found by name: those of this package and those that other packages bring.

A part of this package is a module of the family's folder that lists it in ``__all__``: a new part is one new file.
Another package brings a part by an entry point of the family's group, such as ``rs3l_gnn.losses``.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Annotated, Any, Generic, TypeVar, Union

from pydantic import Discriminator, Tag

from rs3l_gnn.conventions.config import BaseConfig, parse_config
from rs3l_gnn.conventions.errors import ConfigError

__all__ = ["ConfigRegistry", "Registry"]

Part = TypeVar("Part")
Config = TypeVar("Config", bound=BaseConfig)


class Registry(Generic[Part]):
    """Parts of one kind by name.

    Args:
        kind: what the parts are, for messages.
        base: class that every part is an instance or, for classes, a subclass of.
        package: folder whose modules hold the parts of this package.
        group: of the entry points of other packages.
    """

    def __init__(self, kind: str, base: type[Any], *, package: str, group: str) -> None:
        self.kind, self.base, self.package, self.group = kind, base, package, group

    def __iter__(self) -> Iterator[str]:
        return iter(self.parts)

    def __getitem__(self, name: str) -> Part:
        """Look a part up.

        Raises:
            ConfigError: there is none of that name; those there are are listed.
        """
        try:
            return self.parts[name]
        except KeyError:
            raise ConfigError(f"unknown {self.kind} {name!r}", allowed=list(self.parts)) from None

    @cached_property
    def parts(self) -> Mapping[str, Part]:
        """All parts by name, those of this package first.

        Raises:
            ConfigError: another package brings something else, cannot be imported, or takes a name that is taken.
        """
        found = self.parts_of_package()
        origin = dict.fromkeys(found, "this package")
        for point in entry_points(group=self.group):
            part = self._loaded(point)
            name = self.name_of(part)
            if name in found:
                raise ConfigError(
                    f"the {self.kind} {name!r} comes twice",
                    got=f"from {origin[name]} and from {_origin(point)}",
                    hint="remove one of the packages, or give its part another name",
                )
            found[name], origin[name] = part, _origin(point)
        return found

    def parts_of_package(self) -> dict[str, Part]:
        """Those of this package, by name."""
        folder = importlib.import_module(self.package)
        found: dict[str, Part] = {}
        for info in pkgutil.iter_modules(folder.__path__, f"{self.package}."):
            module = importlib.import_module(info.name)
            for public in module.__all__:
                if self._is_part(getattr(module, public)):
                    part: Part = getattr(module, public)
                    found[self.name_of(part)] = part
        return found

    def name_of(self, part: Part) -> str:
        """Name of a part."""
        name: str = getattr(part, "name")  # noqa: B009  # the base class says that there is one, the type variable not
        return name

    def _loaded(self, point: EntryPoint) -> Part:
        try:
            part = point.load()
        except Exception as error:  # anything may happen in somebody else's package
            raise ConfigError(
                f"the {self.kind} {point.name!r} of {_origin(point)} cannot be imported: {error}",
                hint="mend or remove that package",
            ) from error
        if not self._is_part(part):
            raise ConfigError(
                f"the entry point {point.name!r} of {_origin(point)} is no {self.kind}",
                got=repr(part),
                allowed=f"what {self.base.__module__}.{self.base.__name__} describes",
            )
        loaded: Part = part
        return loaded

    def _is_part(self, candidate: object) -> bool:
        if isinstance(candidate, type):
            return issubclass(candidate, self.base) and candidate is not self.base
        return isinstance(candidate, self.base)


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


def _origin(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist is not None else point.value
