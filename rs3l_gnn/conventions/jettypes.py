"""Labels of jets (``jettype``): those of the published RS3L data set, those that this package adds, and users' own."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from enum import IntEnum
from typing import Any

from rs3l_gnn.conventions.errors import ConfigError, InputFileError, InvalidDataError

__all__ = ["JetLabel", "JetType", "jettype_names", "jettype_numbers", "merge_labels", "own_label"]

_FIRST_OWN, _END_OWN = 1000, 32768
"""Numbers of labels that are not in the registry; files keep 16 bits."""


class JetType(IntEnum):
    """Truth label of a jet, from the hard partons inside it; the numbers are those of the public files."""

    UNMATCHED = 0
    Q = 1
    C = 2
    B = 3
    H_BB = 4
    G_QQ = 5
    G_CC = 6
    G_BB = 7
    GG = 8
    Z_BB = 9
    Z_QQ = 10
    W_QQ = 11
    # Not in the published files.
    H_CC = 12
    TOP_BQQ = 13
    H_SS = 14
    H_GG = 15
    H_TAUTAU = 16
    H_WW_QQQQ = 17
    H_WW_LNUQQ = 18
    TOP_BQ = 19
    TOP_QQ = 20
    W_UD = 21
    W_CS = 22
    Z_UDS = 23
    Z_CC = 24


_WITHIN: dict[str, str] = {"W_UD": "W_QQ", "W_CS": "W_QQ", "TOP_QQ": "W_QQ", "Z_UDS": "Z_QQ", "Z_CC": "Z_QQ"}
"""Finer labels and the one that stands for all of them, and for jets of files that do not tell them apart."""


@dataclass(frozen=True)
class JetLabel:
    """A label of the user's own, as files store it.

    Attributes:
        name: letters, digits and _.
        number: ``jettype`` in files, see :func:`own_label`.
        within: a label of the registry that includes it.
        description: for people.
    """

    name: str
    number: int
    within: str | None = None
    description: str = ""

    def record(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any], *, where: str) -> JetLabel:
        """Read :meth:`record`.

        Raises:
            InputFileError: fields are missing, or nobody knows them.
        """
        if not {"name", "number"} <= set(record) <= {one.name for one in fields(cls)}:
            raise InputFileError(f"{where} holds an unusable label of jets", got=sorted(record))
        return cls(**record)


def own_label(name: str, *, within: str | None = None, description: str = "") -> JetLabel:
    """A label that is not in the registry; its number follows from its name, behind all numbers of the registry.

    Raises:
        ConfigError: a name with other characters or of the registry, or ``within`` names no label of the registry.
    """
    if not name.replace("_", "").isalnum():
        raise ConfigError("a label's name holds letters, digits and _ only", got=repr(name))
    if name in JetType.__members__:
        raise ConfigError(f"labels.{name}: a label of the registry has this name", hint="give it another name")
    if within is not None and within not in JetType.__members__:
        raise ConfigError(f"labels.{name}.within names no label", got=repr(within), allowed=list(JetType.__members__))
    number = _FIRST_OWN + zlib.crc32(name.encode()) % (_END_OWN - _FIRST_OWN)
    return JetLabel(name, number, within, description)


def merge_labels(groups: Iterable[Sequence[JetLabel]]) -> tuple[JetLabel, ...]:
    """Own labels of several files, each once.

    Raises:
        InvalidDataError: two labels share a number.
    """
    found: dict[int, JetLabel] = {}
    for label in (label for group in groups for label in group):
        other = found.setdefault(label.number, label)
        if (other.name, other.within) != (label.name, label.within):
            raise InvalidDataError(
                f"the labels {other.name!r} and {label.name!r} have the same number",
                got=label.number,
                hint="give one of them another name, and every file the same label of that name",
            )
    return tuple(found[number] for number in sorted(found))


def jettype_names(own: Iterable[JetLabel] = ()) -> dict[int, str]:
    """Name of each number."""
    return {int(kind): kind.name for kind in JetType} | {label.number: label.name for label in own}


def jettype_numbers(names: Iterable[str], own: Sequence[JetLabel] = (), *, where: str = "jet types") -> set[int]:
    """Numbers of jets that some labels stand for; W_QQ stands for W_UD, W_CS and TOP_QQ as well.

    Args:
        names: labels.
        own: labels of the user's own that the jets may have.
        where: for a message.

    Raises:
        ConfigError: a label that is neither in the registry nor in ``own``.
    """
    known = {name: int(kind) for name, kind in JetType.__members__.items()}
    known |= {label.name: label.number for label in own}
    within = _WITHIN | {label.name: label.within for label in own if label.within is not None}
    found: set[int] = set()
    for name in names:
        if name not in known:
            raise ConfigError(f"{where}: unknown jet type {name!r}", allowed=list(known))
        found |= {known[name]} | {known[finer] for finer, coarse in within.items() if coarse == name}
    return found
