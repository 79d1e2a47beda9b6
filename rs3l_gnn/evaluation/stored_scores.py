"""Scores that came with the jets: an experiment's own tagger beside a trained one."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rs3l_gnn.conventions import BaseConfig, InvalidDataError
from rs3l_gnn.data import Views, ViewsSource

__all__ = ["StoredScores", "require_stored", "stored_scores"]


class StoredScores(BaseConfig):
    """A tagger whose scores ``rs3l pair`` has kept (``events.scores``)."""

    kind: Literal["stored"] = Field(description="stored")
    column: str | None = Field(default=None, description="its name in the views; that of the tagger if null")


def require_stored(source: ViewsSource, column: str, *, tagger: str) -> None:
    """Refuse files of views without some scores.

    Raises:
        InvalidDataError: names the files, and the scores that there are.
    """
    without = [str(path) for path, names in source.score_names.items() if column not in names]
    if without:
        found = dict.fromkeys(name for names in source.score_names.values() for name in names)
        raise InvalidDataError(
            f"{', '.join(without)}: the views hold no score {column!r} for the tagger {tagger}",
            got=", ".join(found) or "no scores",
            hint="name the branch under events.scores of rs3l pair",
        )


def stored_scores(views: Views, column: str, *, tagger: str) -> tuple[NDArray[np.float64], str | None]:
    """Scores of all views.

    Args:
        views: with ``scores``.
        column: name of the score.
        tagger: for messages.

    Returns:
        In [0, 1] [n_jets]: 0, not tagged, for jets that the experiment did not score, which are NaN or negative; and a
        remark on how many there are.

    Raises:
        InvalidDataError: the views have no such score, or one above 1.
    """
    if views.scores is None or column not in views.score_names:
        raise InvalidDataError(f"the views hold no score {column!r} for the tagger {tagger}")
    values = views.scores[:, views.score_names.index(column)].astype(np.float64)
    if (values > 1 + 1e-3).any():  # of half precision
        raise InvalidDataError(
            f"scores of the tagger {tagger} are above 1",
            got=f"{np.nanmax(values):g}",
            hint="make a number from 0 to 1 of it, as in 1 / (1 + exp(-x)), under events.scores of rs3l pair",
        )
    missing = ~(values >= 0)  # negated, so that NaN is found too
    remark = f"{tagger}: {int(missing.sum())} of {len(values)} jets have no score and count as not tagged"
    return np.where(missing, 0.0, np.minimum(values, 1.0)), remark if missing.any() else None
