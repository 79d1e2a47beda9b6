"""Which jets a file holds, or a network was trained on: what has to agree before a score means anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from rs3l_gnn.conventions.errors import InvalidDataError

__all__ = ["PUBLISHED_JETS", "JetDomain", "merge_domains"]

_SAME_RADIUS = 0.01


@dataclass(frozen=True)
class JetDomain:
    """The kind of jets; None is unknown, as in files of earlier versions.

    Attributes:
        radius: of the anti-kT jets.
        pt_min: GeV, the cut of the selection, or where that is not known the softest jet that occurs.
        pt_max: GeV, the hardest jet that occurs.
        formats: names of the candidate formats (``data.FORMATS``) that the features come from.
        missing_features: features that these formats do not have; they are 0 for every candidate.
    """

    radius: float | None = None
    pt_min: float | None = None
    pt_max: float | None = None
    formats: tuple[str, ...] | None = None
    missing_features: tuple[str, ...] | None = None

    def record(self) -> dict[str, Any]:
        """What is known, as JSON holds it."""
        known = {name: value for name, value in asdict(self).items() if value is not None}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in known.items()}

    @classmethod
    def from_record(cls, record: Mapping[str, Any] | None) -> JetDomain:
        """Read :meth:`record`; keys of later versions are left out, and nothing is known of None."""
        names = {field.name for field in fields(cls)}
        known: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in (record or {}).items()
            if name in names
        }
        return cls(**known)

    def with_range(self, pt_min: float, pt_max: float) -> JetDomain:
        """The same with the range of pT (GeV) that occurs; a known cut stays where no jet lies below it."""
        return replace(self, pt_min=pt_min if self.pt_min is None else min(pt_min, self.pt_min), pt_max=pt_max)

    def lacking(self, features: Iterable[str]) -> tuple[str, ...]:
        """Those of ``features`` that are known to be missing."""
        return tuple(name for name in features if name in (self.missing_features or ()))

    def strange(self, trained: JetDomain) -> tuple[str, ...]:
        """How these jets differ from those that a network was trained on, a clause for each known difference.

        The pT of jets is compared one by one, since most files reach beyond both ends.
        """
        found = []
        if self.radius is not None and trained.radius is not None and not self.same_radius(trained):
            found.append(f"jets of radius {self.radius:g} where the network was trained on {trained.radius:g}")
        other = [name for name in self.formats or () if trained.formats is not None and name not in trained.formats]
        if other:
            found.append(f"candidates as in {', '.join(other)}, trained on {', '.join(trained.formats or ())}")
        return tuple(found)

    def same_radius(self, other: JetDomain) -> bool:
        """False if both radii are known and differ."""
        if self.radius is None or other.radius is None:
            return True
        return abs(self.radius - other.radius) < _SAME_RADIUS


PUBLISHED_JETS = JetDomain(radius=0.8, pt_min=450.0, formats=("published",), missing_features=())
"""The public data set (Zenodo record 10633815, arXiv:2403.07066)."""


def merge_domains(domains: Iterable[JetDomain]) -> JetDomain:
    """The kind of all jets of several files. What one of them does not say is unknown, but for missing features.

    Raises:
        InvalidDataError: two radii.
    """
    parts = list(domains)
    radii = {part.radius for part in parts}
    for part in parts:
        if not part.same_radius(parts[0]):
            raise InvalidDataError(
                "files with jets of different radii do not go together",
                got=", ".join(f"{radius:g}" for radius in sorted(r for r in radii if r is not None)),
            )

    def all_known(name: str) -> list[Any] | None:
        values = [getattr(part, name) for part in parts]
        return None if not values or any(value is None for value in values) else values

    lows, highs, formats = all_known("pt_min"), all_known("pt_max"), all_known("formats")
    missing = [part.missing_features for part in parts if part.missing_features is not None]
    return JetDomain(
        radius=None if None in radii or not parts else parts[0].radius,
        pt_min=None if lows is None else min(lows),
        pt_max=None if highs is None else max(highs),
        formats=None if formats is None else tuple(dict.fromkeys(name for part in formats for name in part)),
        missing_features=tuple(dict.fromkeys(name for part in missing for name in part)) if missing else None,
    )
