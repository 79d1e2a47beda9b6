"""Arrays of jets, read chunk by chunk into memory of our own and checked on the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rs3l_gnn.conventions import InvalidDataError, check_offsets, column_names

__all__ = ["JetReader", "chunks", "first_not_finite"]


class JetReader:
    """Features of any number of jets, of any layout in memory and any number type; never written to.

    Args:
        features: particles of all jets [n_particles, C]; C is the number of inputs of the network, or 15 for the
            features of the paper, of which the network's are picked by name. 15 columns are always those of
            ``conventions.FEATURES`` where the network takes no others, also where it takes them in another order.
        offsets: first particle of each jet [n_jets + 1].
        names: inputs of the network.
        particles: how many make a chunk at most, unless a single jet has more.
        jets: how many make a chunk at most.

    Raises:
        InvalidDataError: wrong width or type, offsets that do not fit.
    """

    def __init__(
        self, features: ArrayLike, offsets: ArrayLike, names: Sequence[str], *, particles: int, jets: int
    ) -> None:
        self._features = np.asarray(features)
        shape = self._features.shape
        held = column_names(names, shape[1]) if len(shape) == 2 else None
        if held is None:
            raise InvalidDataError(
                "features have the wrong shape", got=shape, allowed=f"[n_particles, {len(names)}] ({', '.join(names)})"
            )
        if self._features.dtype.kind not in "fiub":
            raise InvalidDataError("features must be real numbers", got=self._features.dtype)
        self.offsets = check_offsets(np.asarray(offsets), shape[0])
        self._names = tuple(names)
        self._columns = None if held == self._names else [held.index(name) for name in names]
        self._runs = list(chunks(self.offsets, particles, jets))

    def __len__(self) -> int:
        """Number of chunks."""
        return len(self._runs)

    @property
    def n_jets(self) -> int:
        """Number of jets in all."""
        return len(self.offsets) - 1

    @property
    def n_inputs(self) -> int:
        """Inputs of the network."""
        return len(self._names)

    @property
    def longest(self) -> tuple[int, int]:
        """Particles and jets of the largest chunk."""
        return (
            max((int(self.offsets[last] - self.offsets[first]) for first, last in self._runs), default=0),
            max((last - first for first, last in self._runs), default=0),
        )

    def read(self, chunk: int, into: NDArray[Any]) -> tuple[slice, NDArray[np.int64]]:
        """Copy a chunk.

        Args:
            chunk: its number.
            into: where its particles go [at least n, inputs of the network].

        Returns:
            Which jets they are, and the first particle of each, from 0 [n_jets + 1].

        Raises:
            InvalidDataError: NaN or infinity (or a number too large for the network's type); names the jet.
        """
        first, last = self._runs[chunk]
        begin, end = self.offsets[first], self.offsets[last]
        part = self._features[begin:end]
        target = into[: end - begin]
        inside = self.offsets[first : last + 1] - begin
        with np.errstate(over="ignore", invalid="ignore"):
            np.copyto(target, part if self._columns is None else part[:, self._columns], casting="unsafe")
            # One pass; a sum that overflows sends good numbers the slow way, too.
            suspicious = not np.isfinite(target.sum())
        if suspicious:
            place = first_not_finite(target, inside)
            if place is not None:
                jet, particle, column = place
                raise InvalidDataError(
                    f"{self._names[column]!r} of particle {particle} in jet {first + jet} is not finite",
                    got=part[inside[jet] + particle, column if self._columns is None else self._columns[column]],
                    hint="remove the candidate or mend its inputs",
                )
        return slice(first, last), inside


def first_not_finite(features: NDArray[np.floating], offsets: NDArray[np.int64]) -> tuple[int, int, int] | None:
    """Jet, particle within the jet, and column of the first NaN or infinity; None if there is none.

    Args:
        features: [n_particles, C].
        offsets: first particle of each jet [n_jets + 1].
    """
    bad = np.argwhere(~np.isfinite(features))
    if not len(bad):
        return None
    particle, column = (int(i) for i in bad[0])
    jet = int(np.searchsorted(offsets, particle, side="right")) - 1
    return jet, particle - int(offsets[jet]), column


def chunks(offsets: NDArray[np.int64], particles: int, jets: int) -> Iterator[tuple[int, int]]:
    """Cut jets into runs of at most ``particles`` particles and ``jets`` jets, at least one jet each.

    Yields:
        First and one-past-last jet of each run. The cut depends on the jets alone, never on the number of threads.
    """
    n_jets = len(offsets) - 1
    first = 0
    while first < n_jets:
        last = int(np.searchsorted(offsets, offsets[first] + particles, side="right")) - 1
        last = min(max(last, first + 1), first + jets, n_jets)
        yield first, last
        first = last
