"""The registry of re-simulation variations.

Direction, said once for the whole project: for a scale, **Up means a larger renormalisation scale** (a larger
``renormMultFac``), hence a smaller coupling and *less* radiation. The published names ``fsrRenHi`` and ``fsrRenLo``
speak of the amount of radiation instead: ``fsrRenHi`` has the smaller factor. Every view stores the parameter and
its number, so that no reader has to guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from rs3l_gnn.conventions.errors import ConfigError, UnknownVariationError
from rs3l_gnn.conventions.registry import Registry
from rs3l_gnn.conventions.tunes import (
    ALTERNATIVE_HADRONISATION,
    CP5_CR1,
    CP5_CR2,
    CP5_DOWN,
    CP5_UP,
    FRAGMENTATION,
    VINCIA_COUPLING_OF_CP5,
    FragmentationRow,
)
from rs3l_gnn.conventions.variation import Variation, vartype_of_name

__all__ = [
    "NOMINAL",
    "VARIATIONS",
    "Variation",
    "get_variation",
    "installed_variations",
    "known_variations",
    "select_variations",
]

_ENTRY_POINTS = "rs3l_gnn.variations"


def _scale(name: str, vartype: int, shower: Literal["FSR", "ISR"], factor: float, source: str) -> Variation:
    parameter = f"{'TimeShower' if shower == 'FSR' else 'SpaceShower'}:renormMultFac"
    return Variation(
        name=name,
        vartype=vartype,
        description=f"{shower} renormalisation scale squared times {factor:g}",
        settings=(f"{parameter} FORCE={factor:g}" if not 0.1 <= factor <= 10 else f"{parameter}={factor:g}",),
        parameter=parameter,
        factor=factor,
        source=source,
        direction="Up" if factor > 1 else "Down",
    )


def _fragmentation(row: FragmentationRow) -> Variation:
    """One side of a hadronisation parameter; Up is the larger value, names end in Up or Down."""
    return Variation(
        name=row.name,
        vartype=row.vartype,
        description=row.description,
        settings=(f"{row.setting}={row.value:g}",),
        parameter=row.setting,
        factor=row.value,
        source=row.name.removesuffix("Up").removesuffix("Down"),
        direction="Up" if row.name.endswith("Up") else "Down",
        stage="hadronisation",
    )


# Scales by sqrt(2), 2 and 4 on mu, hence 2, 4 and 16 on its square: the "reduced", "default" and "conservative"
# sets of the shower weights of CMS.
_SHOWERS: tuple[tuple[str, Literal["FSR", "ISR"], int], ...] = (("fsr", "FSR", 10), ("isr", "ISR", 20))
_SCALE_SETS = tuple(
    _scale(f"{prefix}{kind}{side}", first + 2 * place + (side == "Down"), shower, factor, f"{prefix}{kind}")
    for prefix, shower, first in _SHOWERS
    for place, (kind, square) in enumerate((("Red", 2.0), ("Def", 4.0), ("Con", 16.0)))
    for side, factor in (("Up", square), ("Down", 1 / square))
)

NOMINAL = Variation("nominal", -1, "the reference simulation", stage="none")

VARIATIONS: dict[str, Variation] = {
    variation.name: variation
    for variation in (
        NOMINAL,
        Variation("seed", 0, "same settings, another random seed"),
        _scale("fsrRenHi", 1, "FSR", 0.707, "fsr"),
        _scale("fsrRenLo", 2, "FSR", 1.414, "fsr"),
        Variation(
            "herwig",
            3,
            "Herwig 7 on the same hard events",
            source="herwig",
            direction="Up",
            two_sided=False,
            stage="generator",
        ),
        Variation(
            "altHad",
            4,
            "other string fragmentation parameters and the QCD-based colour reconnection",
            settings=ALTERNATIVE_HADRONISATION,
            source="hadronisation",
            direction="Up",
            two_sided=False,
            stage="hadronisation",
        ),
        _scale("isrRenHi", 5, "ISR", 0.707, "isr"),
        _scale("isrRenLo", 6, "ISR", 1.414, "isr"),
        *_SCALE_SETS,
        Variation("cp5Up", 30, "tune CP5 up: more underlying event", settings=CP5_UP, source="cp5", direction="Up"),
        Variation(
            "cp5Down", 31, "tune CP5 down: less underlying event", settings=CP5_DOWN, source="cp5", direction="Down"
        ),
        *(_fragmentation(row) for row in FRAGMENTATION),
        Variation(
            "crQcd",
            60,
            "QCD-based colour reconnection, tune CP5-CR1",
            settings=CP5_CR1,
            source="crQcd",
            direction="Up",
            two_sided=False,
        ),
        Variation(
            "crGluonMove",
            61,
            "colour reconnection by moving gluons, tune CP5-CR2",
            settings=CP5_CR2,
            source="crGluonMove",
            direction="Up",
            two_sided=False,
        ),
        Variation(
            "vincia",
            70,
            "the Vincia shower (arXiv:2003.00702) on the underlying event of CP5, with its own, larger coupling; slow",
            settings=("PartonShowers:model=2", "Print:verbosity=0"),
            source="vincia",
            direction="Up",
            two_sided=False,
        ),
        Variation(
            "vinciaMatched",
            71,
            "the Vincia shower with the coupling of CP5: another shower, not another alpha_s; slow",
            settings=("PartonShowers:model=2", "Print:verbosity=0", *VINCIA_COUPLING_OF_CP5),
            source="vinciaMatched",
            direction="Up",
            two_sided=False,
        ),
    )
}


class _Variations(Registry[Variation]):
    def parts_of_package(self) -> dict[str, Variation]:
        return dict(VARIATIONS)


def installed_variations() -> Registry[Variation]:
    """The registry with the variations of the packages that are installed now."""
    return _Variations("variation", Variation, package="rs3l_gnn.conventions", group=_ENTRY_POINTS)


_KNOWN = installed_variations()


def known_variations() -> Mapping[str, Variation]:
    """The variations of the registry and those of other packages (entry points ``rs3l_gnn.variations``), by name.

    Raises:
        ConfigError: another package brings something else, a name that is taken, or a number not made from the name.
    """
    for name, variation in _KNOWN.parts.items():
        if name not in VARIATIONS and variation.vartype != vartype_of_name(name):
            raise ConfigError(
                f"the variation {name!r} of another package has a number of its own",
                got=variation.vartype,
                allowed=vartype_of_name(name),
                hint="make it with rs3l_gnn.conventions.own_variation",
            )
    return _KNOWN.parts


def get_variation(name: str, *, where: str | None = None) -> Variation:
    """Look a variation up by name.

    Raises:
        UnknownVariationError: ``name`` is not in the registry; ``where`` says which file or key asked for it.
    """
    try:
        return known_variations()[name]
    except KeyError:
        place = f" in {where}" if where else ""
        raise UnknownVariationError(f"unknown variation {name!r}{place}", allowed=list(known_variations())) from None


def select_variations(names: Iterable[str], *, where: str | None = None) -> tuple[Variation, ...]:
    """Look several variations up; nominal comes first whether or not it is named.

    Raises:
        UnknownVariationError: an unknown or repeated name.
    """
    selected = {NOMINAL.name: NOMINAL}
    for name in names:
        variation = get_variation(name, where=where)
        if name in selected and name != NOMINAL.name:
            raise UnknownVariationError(f"variation {name!r} is named twice", hint="remove one of the two")
        selected[name] = variation
    return tuple(selected.values())
