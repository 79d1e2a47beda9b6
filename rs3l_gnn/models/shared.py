"""Taggers on one encoder: jets are embedded once, however many heads look at them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

__all__ = ["LastEmbeddings", "by_encoder"]


class LastEmbeddings:
    """What one encoder made of some jets, as long as no other one is asked.

    One encoder alone is remembered, since embeddings take as much memory as the particles of a few encoders do:
    :func:`by_encoder` brings taggers into an order in which that suffices.
    """

    def __init__(self) -> None:
        self._encoder: Hashable = None
        self._embeddings: NDArray[np.float32] | None = None

    def of(self, encoder: Hashable, embed: Callable[[], NDArray[np.float32]]) -> NDArray[np.float32]:
        """Embeddings [n_jets, dim].

        Args:
            encoder: digest of its weights, and whatever else its numbers depend on, such as the device.
            embed: makes them, if this encoder was not the last one.
        """
        if self._embeddings is None or self._encoder != encoder:
            self._embeddings, self._encoder = None, None  # memory of one, also while the next are made
            self._embeddings, self._encoder = embed(), encoder
        return self._embeddings


def by_encoder(names: Iterable[str], digests: Mapping[str, str | None]) -> list[str]:
    """The names so that taggers on one encoder follow one another; otherwise as they come.

    Args:
        names: of taggers and of anything else.
        digests: of the encoders of taggers; None, or nothing, where a tagger has none to share.
    """
    groups: dict[str, list[str]] = {}
    for name in names:
        digest = digests.get(name)
        groups.setdefault(f"alone {name}" if digest is None else digest, []).append(name)
    return [name for group in groups.values() for name in group]
