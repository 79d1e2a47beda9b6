"""The registry of re-simulation variations.

Direction, said once for the whole project: for a scale, **Up means a larger renormalisation scale** (a larger
``renormMultFac``), hence a smaller coupling and *less* radiation. The published names ``fsrRenHi`` and ``fsrRenLo``
speak of the amount of radiation instead: ``fsrRenHi`` has the smaller factor. Every view stores the parameter and
its number, so that no reader has to guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from rs3l_gnn.conventions.errors import UnknownVariationError

__all__ = ["NOMINAL", "VARIATIONS", "Variation", "get_variation", "select_variations"]

Direction = Literal["Up", "Down"]


@dataclass(frozen=True)
class Variation:
    """One way to simulate a hard event again.

    Attributes:
        name: name in files and configurations.
        vartype: the fixed number in files; it also selects the random stream.
        settings: Pythia settings that differ from nominal.
        parameter: the setting that carries the strength, None for nominal and replicas.
        factor: its value (for ``renormMultFac`` the factor on the squared scale), None where there is no one number.
        source: name of the nuisance parameter, None for nominal and for ``seed``, which is never a nuisance.
        direction: Up or Down, see the module's text; None where there is no source.
        two_sided: False for a comparison of two models, which has one side only.
        stage: first stage of the simulation that differs.
    """

    name: str
    vartype: int
    description: str
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
        known = {field.name for field in fields(cls)}
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
        settings=(f"{parameter}={factor:g}",),
        parameter=parameter,
        factor=factor,
        source=source,
        direction="Up" if factor > 1 else "Down",
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
            # Lund parameters of the CR model of arXiv:1505.01681 (mode 2), on top of the nominal tune.
            settings=(
                "StringZ:aLund=0.36",
                "StringZ:bLund=0.56",
                "StringPT:sigma=0.335",
                "StringFlav:probQQtoQ=0.078",
                "StringFlav:probStoUD=0.2",
                "ColourReconnection:mode=1",
                "ColourReconnection:allowDoubleJunRem=off",
                "ColourReconnection:m0=0.3",
                "ColourReconnection:allowJunctions=on",
                "ColourReconnection:junctionCorrection=1.20",
                "ColourReconnection:timeDilationMode=2",
                "ColourReconnection:timeDilationPar=0.18",
                "BeamRemnants:remnantMode=1",
                "BeamRemnants:saturation=5",
            ),
            source="hadronisation",
            direction="Up",
            two_sided=False,
            stage="hadronisation",
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
