"""One score from the several of a tagger of three or more classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from rs3l_gnn.conventions import BaseConfig, ConfigError

__all__ = ["Discriminant", "one_score", "require_one_score"]


class Discriminant(BaseConfig):
    """s / (s + b) with s and b the sums of the scores of some classes: signal against this background alone."""

    signal: tuple[str, ...] = Field(min_length=1, description="classes of the tagger, by name")
    background: tuple[str, ...] | None = Field(None, min_length=1, description="classes; all others if null")

    @model_validator(mode="after")
    def _apart(self) -> Discriminant:
        both = set(self.signal) & set(self.background or ())
        if both:
            raise ValueError(f"{', '.join(sorted(both))} is signal and background")
        return self


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
