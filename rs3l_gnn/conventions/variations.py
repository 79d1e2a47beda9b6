"""The registry of re-simulation variations.

Direction, said once for the whole project: for a scale, **Up means a larger renormalisation scale** (a larger
``renormMultFac``), hence a smaller coupling and *less* radiation. The published names ``fsrRenHi`` and ``fsrRenLo``
speak of the amount of radiation instead: ``fsrRenHi`` has the smaller factor. Every view stores the parameter and
its number, so that no reader has to guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from rs3l_gnn.conventions.errors import UnknownVariationError
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

__all__ = ["NOMINAL", "VARIATIONS", "Variation", "get_variation", "select_variations"]

Direction = Literal["Up", "Down"]


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
    stage: Literal["none", "shower", "hadronisation", "generator"] = "shower"

    @property
    def axis_name(self) -> str:
        """Entry on the ``variation`` axis: ``nominal``, ``seed``, or ``<source>Up`` / ``<source>Down``."""
        return self.name if self.source is None else f"{self.source}{self.direction}"

    def record(self) -> dict[str, Any]:
        """What a file stores of this variation."""
        return {**asdict(self), "settings": list(self.settings), "axis_name": self.axis_name}

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
        return cls(**{**given, "settings": tuple(given.get("settings", ()))})


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


def get_variation(name: str, *, where: str | None = None) -> Variation:
    """Look a variation up by name.

    Raises:
        UnknownVariationError: ``name`` is not in the registry; ``where`` says which file or key asked for it.
    """
    try:
        return VARIATIONS[name]
    except KeyError:
        place = f" in {where}" if where else ""
        raise UnknownVariationError(f"unknown variation {name!r}{place}", allowed=list(VARIATIONS)) from None


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
