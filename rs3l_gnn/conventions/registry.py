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
from typing import Any, Generic, TypeVar

from rs3l_gnn.conventions.errors import ConfigError

__all__ = ["Registry"]

Part = TypeVar("Part")


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


def _origin(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist is not None else point.value
