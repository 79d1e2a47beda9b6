"""Jets of a larger and a smaller scale of the shower, side by side: shower weights, or views showered anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rs3l_gnn.conventions import InvalidDataError
from rs3l_gnn.conventions.scales import ScaleResponse, reshowered_scales, scale_responses
from rs3l_gnn.data import Views

__all__ = ["Efficiency", "ShowerContrasts", "Source"]

Source = Literal["shower_weights", "views"]
"""Where the two scales come from."""

Efficiency = Annotated[float, Field(gt=0, lt=1)]
"""Of the signal, at a working point."""


@dataclass(frozen=True)
class ShowerContrasts:
    """Weights of each view under the larger and the smaller of two scales, relative to its generator weight.

    Attributes:
        scales: the scales.
        columns: up and down of each scale in turn, 0 for views that say nothing of it [n_jets, 2 * n_scales].
    """

    scales: tuple[ScaleResponse, ...]
    columns: NDArray[np.float32]

    @classmethod
    def of(cls, index: Views, names: Sequence[str], by: Source) -> ShowerContrasts:
        """Those of all views of a source.

        Args:
            index: the views, with their shower weights where ``by`` asks for these.
            names: scales by kind and factor, such as ``fsr x2``.
            by: weights of the nominal views, or views that were showered with another scale.

        Raises:
            InvalidDataError: the views have no such scale.
        """
        by_weights = by == "shower_weights"
        found = scale_responses(index.shower_weight_names) if by_weights else reshowered_scales(index.variations)
        known = {scale.name: scale for scale in found}
        for name in names:
            if name not in known:
                source = "shower weights" if by_weights else "re-showered views"
                raise InvalidDataError(
                    f"the views have no {source} that vary {name!r} up and down",
                    got=", ".join(known) or f"no pair of {source} at all",
                    hint="simulate with shower_weights, pair with events.shower_weights, or take by: views"
                    if by_weights
                    else "simulate these variations, or take by: shower_weights",
                )
        scales = tuple(known[name] for name in names)
        one = _relative_weights if by_weights else _is_of
        columns = [one(index, name) for scale in scales for name in (scale.up, scale.down)]
        return cls(scales, np.stack(columns, axis=1))

    @property
    def names(self) -> list[str]:
        """Of the columns: weights or variations."""
        return [name for scale in self.scales for name in (scale.up, scale.down)]


def _is_of(index: Views, name: str) -> NDArray[np.float32]:
    return np.asarray(index.vartype == index.vartype_of(name), np.float32)


def _relative_weights(index: Views, name: str) -> NDArray[np.float32]:
    if index.shower_weights is None:
        raise InvalidDataError("the views were read without their shower weights")
    return np.nan_to_num(index.shower_weights[:, index.shower_weight_names.index(name)])
