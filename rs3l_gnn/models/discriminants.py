"""One score from the several of a tagger of three or more classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import ConfigError

__all__ = ["Discriminant", "class_names", "one_score", "require_one_score"]


@dataclass(frozen=True)
class Discriminant:
    """s / (s + b) with s and b the sums of the scores of some classes: signal against this background alone.

    Attributes:
        signal: classes of the tagger, by name.
        background: classes; all others if None.

    Raises:
        ConfigError: no class, or one that is signal and background.
    """

    signal: tuple[str, ...]
    background: tuple[str, ...] | None = None

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}  # as a key of a YAML file

    def __post_init__(self) -> None:
        if not self.signal or self.background == ():
            raise ConfigError("signal and background of a discriminant need at least one class each")
        both = set(self.signal) & set(self.background or ())
        if both:
            raise ConfigError(f"{', '.join(sorted(both))} is signal and background")


def class_names(n_classes: int, given: Sequence[str] | None = None) -> tuple[str, ...]:
    """Names of a tagger's scores: as given, else ``signal`` for one, ``class_0`` and so on for several.

    Raises:
        ConfigError: another number of names, or one twice.
    """
    unnamed = ("signal",) if n_classes == 1 else tuple(f"class_{number}" for number in range(n_classes))
    names = unnamed if given is None else tuple(given)
    if len(names) != n_classes or len(set(names)) != n_classes:
        raise ConfigError(f"a head with {n_classes} score(s) needs as many names", got=", ".join(names))
    return names


def require_one_score(classes: Sequence[str], discriminant: Discriminant | None, *, tagger: str) -> None:
    """Refuse a tagger of several classes without a discriminant, or one of classes that are not there.

    Args:
        classes: names of the tagger's scores.
        discriminant: how to make one of several; a single score needs none.
        tagger: its name, for the message.

    Raises:
        ConfigError: names the classes.
    """
    if len(classes) == 1:
        return
    if discriminant is None:
        raise ConfigError(
            f"the tagger {tagger} gives a score for each of {', '.join(classes)}",
            hint=f"name those that make one score: {{signal: [{classes[-1]}], background: [{classes[0]}]}}",
        )
    unknown = [name for name in (*discriminant.signal, *(discriminant.background or ())) if name not in classes]
    if unknown:
        raise ConfigError(f"the tagger {tagger} has no class {', '.join(unknown)}", allowed=list(classes))


def one_score(
    scores: NDArray[np.float32], classes: Sequence[str], discriminant: Discriminant | None, *, tagger: str
) -> NDArray[np.float32]:
    """The score that a cut, a histogram or an ROC curve takes.

    Args:
        scores: of a tagger, [n_jets] or [n_jets, n_classes].
        classes: their names.
        discriminant: how to make one of several; a single score is taken as it is.
        tagger: its name, for the message.

    Returns:
        In [0, 1] [n_jets]; 0 where neither signal nor background scores.

    Raises:
        ConfigError: as :func:`require_one_score`.
    """
    require_one_score(classes, discriminant, tagger=tagger)
    if scores.ndim == 1 or discriminant is None:
        return scores
    background = discriminant.background or tuple(name for name in classes if name not in discriminant.signal)
    s, b = (
        scores[:, [classes.index(name) for name in names]].sum(axis=1, dtype=np.float64)
        for names in (discriminant.signal, background)
    )
    share = np.divide(s, s + b, out=np.zeros_like(s), where=s + b > 0)
    return np.asarray(share, dtype=np.float32)
