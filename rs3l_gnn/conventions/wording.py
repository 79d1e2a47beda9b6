"""Names and numbers as readers see them, in figures, tables and reports alike."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from rs3l_gnn.conventions.jettypes import JetType
from rs3l_gnn.conventions.variations import VARIATIONS

__all__ = [
    "bracket",
    "compared",
    "number",
    "plus_minus",
    "position",
    "readable_jettype",
    "readable_variation",
    "rejection",
    "sigmas",
    "significant",
]

_NONE = "-"
_MOST_DECIMALS = 8
_MOST_SIGMAS = 8
"""Beyond, replicas and Student's distribution say no more than that the difference is there."""

_VARIATIONS = {
    "nominal": "nominal",
    "seed": "other seed",
    "herwig": "Herwig 7",
    "altHad": "other fragmentation",
    "hadronisation": "other fragmentation",
    "fsr": "FSR scale",
    "isr": "ISR scale",
    "fsrRed": "FSR scale by √2",
    "fsrDef": "FSR scale by 2",
    "fsrCon": "FSR scale by 4",
    "isrRed": "ISR scale by √2",
    "isrDef": "ISR scale by 2",
    "isrCon": "ISR scale by 4",
    "cp5": "tune CP5",
    "lundA": "Lund a",
    "lundB": "Lund b",
    "sigma": "string width",
    "strange": "strange quarks",
    "baryon": "baryons",
    "bFrag": "b fragmentation",
    "crQcd": "QCD-based reconnection",
    "crGluonMove": "gluon-move reconnection",
    "vincia": "Vincia",
    "vinciaMatched": "Vincia, coupling of CP5",
    "jes": "jet energy scale",
    "jer": "jet energy resolution",
}
_PARENTS = {"TOP": "t", "TAU": "τ"}
_JETTYPES = {
    "H_TAUTAU": "H→ττ",
    "H_WW_QQQQ": "H→WW→qqqq",
    "H_WW_LNUQQ": "H→WW→ℓνqq",
    "TOP_BQ": "t→bq (q outside)",
    "TOP_QQ": "t→qq (b outside)",
}


def readable_variation(name: str) -> str:
    """A variation or an entry of the variation axis in words; of names that nobody knows the words inside.

    >>> [readable_variation(name) for name in ("fsrDefUp", "fsrUp", "trackLossDown", "herwigUp", "alphaS120")]
    ['FSR μ² × 4', 'FSR scale up', 'track loss down', 'Herwig 7', 'alphaS120']
    """
    known = VARIATIONS.get(name)
    if known is not None and known.factor is not None and (known.parameter or "").endswith("renormMultFac"):
        return f"{'FSR' if known.parameter == 'TimeShower:renormMultFac' else 'ISR'} μ² × {known.factor:g}"
    source, side = re.fullmatch(r"(.+?)(Up|Down)?", name).groups()  # type: ignore[union-attr]  # everything matches
    one_sided = any(other.source == source and not other.two_sided for other in VARIATIONS.values())
    words = _VARIATIONS.get(source) or re.sub(
        r"(?<=[a-z])[A-Z](?=[a-z])", lambda letter: f" {letter[0].lower()}", source
    )
    return words if side is None or one_sided else f"{words} {side.lower()}"


def readable_jettype(name: str) -> str:
    """A jet type in words; the name itself where it is the user's own.

    >>> [readable_jettype(name) for name in ("H_BB", "G_CC", "Q", "TOP_BQQ", "UNMATCHED", "H_WW_QQQQ", "a_to_tautau")]
    ['H→bb', 'g→cc', 'q', 't→bqq', 'unmatched', 'H→WW→qqqq', 'a_to_tautau']
    """
    if name in _JETTYPES:
        return _JETTYPES[name]
    parent, _, daughters = name.partition("_")
    if name not in JetType.__members__:
        return name
    if not daughters:
        return name.lower()
    return f"{_PARENTS.get(parent) or (parent.lower() if parent == 'G' else parent)}→{daughters.lower()}"


def significant(value: float, digits: int = 3) -> str:
    """A number with so many significant digits, without an exponent where that is readable."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    size = math.floor(math.log10(abs(value)))
    if -5 <= size < 6:
        return f"{value:,.{max(digits - 1 - size, 0)}f}".replace(",", " ")
    return f"{value:.{digits - 1}e}"


def position(x: float | None) -> str:
    """A place on an axis: whole numbers whole."""
    if x is None:
        return _NONE
    return f"{x:,.0f}".replace(",", " ") if float(x).is_integer() else f"{x:g}"


def number(value: float | None, digits: int = 3) -> str:
    """A number, or a dash where there is none."""
    return _NONE if value is None else significant(value, digits)


def plus_minus(value: float | None, error: float | None) -> str:
    """A value with as many decimals as two digits of its error have."""
    if value is None:
        return _NONE
    if error is None or error <= 0 or not math.isfinite(error):
        return significant(value)
    decimals = max(1 - math.floor(math.log10(error)), 0)
    if decimals > _MOST_DECIMALS:
        return f"{value:.2g} ± {error:.1g}"
    return f"{value:.{decimals}f} ± {error:.{decimals}f}"


def bracket(value: float | None, interval: Sequence[float | None]) -> str:
    """A value with its 68 % interval."""
    if value is None:
        return _NONE
    low, high = ("∞" if end is None else significant(end) for end in interval)
    return f"{significant(value)} [{low}, {high}]"


def rejection(value: float | None, interval: Sequence[float | None]) -> str:
    """1/FPR with its interval, or a bound where no background jet passed."""
    if value is None:
        return "no background jet left" if interval[0] is None else f"> {significant(interval[0])}"
    return bracket(value, interval)


def sigmas(significance: float | None) -> str:
    """A significance with its sign, and a bound where it is beyond what its error can tell.

    >>> sigmas(2.345), sigmas(-0.5), sigmas(37.0), sigmas(-9.0)
    ('+2.3 σ', '-0.5 σ', '> 8 σ', '< -8 σ')
    """
    if significance is None:
        return _NONE
    if abs(significance) > _MOST_SIGMAS:
        return f"> {_MOST_SIGMAS} σ" if significance > 0 else f"< -{_MOST_SIGMAS} σ"
    return f"{significance:+.1f} σ"


def compared(ratio: float | None, interval: Sequence[float | None] | None, significance: float | None) -> str:
    """A ratio with its interval and significance."""
    return _NONE if ratio is None or interval is None else f"{bracket(ratio, interval)} ({sigmas(significance)})"
