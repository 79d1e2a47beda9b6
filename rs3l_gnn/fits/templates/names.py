"""Names that pyhf, cabinetry and Combine all accept, and that cannot be mistaken for one another."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rs3l_gnn.conventions import FitError
from rs3l_gnn.fits.config.reading import fields_of
from rs3l_gnn.fits.report import Report

__all__ = ["Renamer", "check_names", "clean_name", "is_clean", "nuisance_name"]

_ALLOWED = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_RESERVED = frozenset({"data_obs", "seed", "nominal", "r"})


def is_clean(name: str) -> bool:
    """Whether a name consists of letters, digits and underscores, starting with a letter.

    >>> is_clean("ps_fsr"), is_clean("Z+jets"), is_clean("2018")
    (True, False, False)
    """
    return _ALLOWED.fullmatch(name) is not None


def clean_name(name: str) -> str:
    """The nearest clean name.

    >>> clean_name("Z+jets (2018)"), clean_name("2018"), clean_name("tt/W")
    ('Z_jets_2018', 'x2018', 'tt_W')
    """
    cleaned = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_") or "x"
    return cleaned if cleaned[0].isalpha() else f"x{cleaned}"


def nuisance_name(pattern: str, correlate: Iterable[str], places: Mapping[str, str]) -> str:
    """Name of a nuisance at one place.

    Args:
        pattern: the name, with words in braces where places are filled in.
        correlate: words that tell nuisances apart; those that the pattern does not have come behind it.
        places: what stands for each word.

    >>> nuisance_name("CMS_scale_j", ["year"], {"year": "2022", "sample": "qcd"})
    'CMS_scale_j_2022'
    >>> nuisance_name("CMS_{year}_{source}", ["year", "sample"], {"year": "2022", "sample": "qcd", "source": "jer"})
    'CMS_2022_jer_qcd'
    """
    behind = [places[word] for word in correlate if word not in fields_of(pattern)]
    return "_".join([pattern.format(**places), *behind])


@dataclass(frozen=True)
class Renamer:
    """Replaces odd names by clean ones, where that is allowed, and reports it once."""

    report: Report
    allowed: bool

    def __call__(self, name: str, kind: str) -> str:
        """The name to write for a ``kind`` such as sample or channel."""
        if is_clean(name) or not self.allowed:
            return name
        cleaned, where = clean_name(name), f"{kind} {name!r}"
        if not any(finding.where == where for finding in self.report.of("names")):
            self.report.add("names", "renamed", where, f"written as {cleaned!r}")
        return cleaned


def check_names(
    *, channels: Sequence[str], samples: Sequence[str], nuisances: Sequence[str], free: Sequence[str]
) -> None:
    """Refuse names that some format cannot hold.

    ``<process>_<nuisance>Up`` and ``<channel>_<process>`` must name one template only, since Combine and cabinetry
    find templates by name.

    Raises:
        FitError: a name with odd characters, a reserved one, one used twice, or two that give one histogram name.
    """
    for kind, names in (("channel", channels), ("sample", samples), ("nuisance", nuisances), ("parameter", free)):
        for name in names:
            if not is_clean(name):
                raise FitError(
                    f"{kind} {name!r} holds characters that not every format accepts",
                    allowed="letters, digits and underscores, a letter first",
                    hint=f"call it {clean_name(name)!r}, or set names: sanitize",
                )
            if name in _RESERVED:
                raise FitError(f"{kind} {name!r} has a reserved name", hint="choose another name")
            if kind == "nuisance" and name.endswith(("Up", "Down")):
                raise FitError(f"nuisance {name!r} must not end in Up or Down", hint="name the source alone")
    for kind, names in (("channel", channels), ("sample", samples), ("parameter", [*nuisances, *free])):
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            raise FitError(f"two {kind}s have the same name: {', '.join(twice)}")
    keys = Counter(samples)
    keys.update(f"{sample}_{nuisance}{side}" for sample in samples for nuisance in nuisances for side in ("Up", "Down"))
    # cabinetry keeps the templates of all channels in one folder.
    keys.update(f"{channel}_{sample}" for channel in channels for sample in samples)
    twice = [key for key, count in keys.items() if count > 1]
    if twice:
        raise FitError(
            f"channel, sample and nuisance names run into each other: {', '.join(twice[:5])}", hint="rename one of them"
        )
