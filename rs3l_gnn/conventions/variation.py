"""A variation of the simulation, of the registry or of the user's own."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from rs3l_gnn.conventions.errors import ConfigError, UnknownVariationError

__all__ = [
    "HADRONISATION",
    "Direction",
    "Variation",
    "own_variation",
    "refuse_collisions",
    "side_of_name",
    "vartype_of_name",
]

Direction = Literal["Up", "Down"]

HADRONISATION = (
    "String", "MiniString", "HadronLevel:", "HadronScatter:", "ParticleDecays:", "BoseEinstein:", "Ropewalk:",
    "DeuteronProduction:", "RHadrons:",
)  # fmt: skip  # one name a line would take a screen
"""Beginnings of Pythia settings that act on given partons alone."""

_SIDES: tuple[tuple[str, Direction], ...] = (("_up", "Up"), ("_down", "Down"), ("Up", "Up"), ("Down", "Down"))
_FIRST_OWN, _END_OWN = 1000, 32768
"""Numbers of variations that are not in the registry; files keep 16 bits."""


@dataclass(frozen=True)
class Variation:
    """One way to simulate a hard event again.

    Attributes:
        name: name in files and configurations.
        vartype: the fixed number in files; it also selects the random stream.
        settings: Pythia settings that differ from nominal; ``name FORCE=value`` goes beyond Pythia's limits.
        parameter: the setting that carries the strength, None for nominal and replicas.
        factor: its value (for ``renormMultFac`` the factor on the squared scale), None where there is no one number.
        source: name of the nuisance parameter, None for nominal and for ``seed``, which is never a nuisance.
        direction: Up or Down, see the module's text; None where there is no source.
        two_sided: False for a comparison of two models, which has one side only.
        stage: first stage of the simulation that differs.
        detector: numbers of the detector that differ, as ``path=value``.
        shares: ``particles`` for a view that has the particles of nominal whatever the other views share; None: what
            all views of the run share.
    """

    name: str
    vartype: int
    # Words may be mended without making the files of before those of another variation.
    description: str = field(compare=False)
    settings: tuple[str, ...] = ()
    parameter: str | None = None
    factor: float | None = None
    source: str | None = None
    direction: Direction | None = None
    two_sided: bool = True
    stage: Literal["none", "shower", "hadronisation", "detector", "generator"] = "shower"
    detector: tuple[str, ...] = ()
    shares: Literal["particles"] | None = None

    @property
    def axis_name(self) -> str:
        """Entry on the ``variation`` axis: ``nominal``, ``seed``, or ``<source>Up`` / ``<source>Down``."""
        return self.name if self.source is None else f"{self.source}{self.direction}"

    def record(self) -> dict[str, Any]:
        """What a file stores of this variation."""
        lists = {name: list(getattr(self, name)) for name in ("settings", "detector")}
        return {**asdict(self), **lists, "axis_name": self.axis_name}

    @classmethod
    def from_record(cls, record: Mapping[str, Any], *, where: str) -> Variation:
        """The variation that a file stores; ``where`` names the file in a message.

        Raises:
            UnknownVariationError: the record lacks its name or number, or has fields nobody knows.
        """
        known = {one.name for one in fields(cls)}
        given = {name: value for name, value in record.items() if name != "axis_name"}
        if not {"name", "vartype", "description"} <= set(given) <= known:
            raise UnknownVariationError(f"{where} holds an unusable record of a variation", got=sorted(given))
        return cls(**{**given, **{name: tuple(given.get(name, ())) for name in ("settings", "detector")}})


def vartype_of_name(name: str) -> int:
    """Number of a variation that is not in the registry, from its name alone, behind all numbers of the registry."""
    return _FIRST_OWN + zlib.crc32(name.encode()) % (_END_OWN - _FIRST_OWN)


def side_of_name(name: str) -> tuple[str, Direction] | None:
    """Source and direction that the end of a name says, None for a name without a side.

    >>> side_of_name("alphaSUp"), side_of_name("fsr_down"), side_of_name("mpiOff"), side_of_name("pileup")
    (('alphaS', 'Up'), ('fsr', 'Down'), None, None)
    """
    return next(
        ((name.removesuffix(end), side) for end, side in _SIDES if name.endswith(end) and name != end),
        None,
    )


def own_variation(
    name: str,
    *,
    settings: Sequence[str] = (),
    detector: Sequence[str] = (),
    source: str | None = None,
    direction: Direction | None = None,
    one_sided: bool = False,
    description: str = "",
    generator: bool = False,
    shares: Literal["particles"] | None = None,
) -> Variation:
    """A variation that is not in the registry; its number and its random streams follow from its name.

    Args:
        name: letters, digits and _. Without ``source``, a name that ends in Up or Down (_up, _down) says source and
            direction.
        settings: Pythia settings that differ from nominal.
        detector: numbers of the detector that differ, as ``path=value``.
        source: name of the nuisance parameter.
        direction: side of the source.
        one_sided: there is no other side; the source is called as the variation unless one is given.
        description: for people.
        generator: the events come from another generator.
        shares: see :class:`Variation`.

    Raises:
        ConfigError: a name with other characters, or it is open how the variation enters a fit.
    """
    if not name.replace("_", "").isalnum():
        raise ConfigError("a variation's name holds letters, digits and _ only", got=repr(name))
    ending = side_of_name(name)
    if source is None and direction is None and not one_sided and ending is not None:
        source, direction = ending
    if one_sided:
        source, direction = source or name, direction or "Up"
    if source is None or direction is None:
        raise ConfigError(
            f"variation {name!r} does not say how it enters a fit",
            allowed="one_sided: true, or source and direction (Up or Down), or a name that ends in Up or Down",
        )
    if not source.replace("_", "").isalnum():
        raise ConfigError(f"the source of the variation {name!r} holds letters, digits and _ only", got=repr(source))
    parameter, factor = _only_number(settings)
    hadrons = bool(settings) and all(setting.strip().startswith(HADRONISATION) for setting in settings)
    return Variation(
        name=name,
        vartype=vartype_of_name(name),
        description=description or "; ".join((*settings, *detector)) or name,
        settings=tuple(settings),
        parameter=parameter,
        factor=factor,
        source=source,
        direction=direction,
        two_sided=not one_sided,
        stage="generator" if generator else "hadronisation" if hadrons else "shower" if settings else "detector",
        detector=tuple(detector),
        shares=shares,
    )


def _only_number(settings: Sequence[str]) -> tuple[str | None, float | None]:
    """Parameter and value of a single setting that is a number."""
    if len(settings) != 1:
        return None, None
    parameter, _, text = settings[0].partition("=")
    try:
        return parameter.removesuffix(" FORCE").strip(), float(text)
    except ValueError:
        return None, None


def refuse_collisions(variations: Iterable[Variation]) -> None:
    """Refuse different variations that would share a number, and with it random streams, or a place on an axis.

    Raises:
        UnknownVariationError: both names are said.
    """
    for what in ("name", "vartype", "axis_name"):
        found: dict[Any, Variation] = {}
        for variation in variations:
            other = found.setdefault(getattr(variation, what), variation)
            if other is variation:
                continue
            if what == "name":
                raise UnknownVariationError(f"variation {other.name!r} is named twice", hint="remove one of the two")
            raise UnknownVariationError(
                f"variations {other.name!r} and {variation.name!r} have the same "
                + ("number" if what == "vartype" else "place on the axis of variations"),
                got=getattr(variation, what),
                hint="give one of them another name" if what == "vartype" else "give one of them another source",
            )
