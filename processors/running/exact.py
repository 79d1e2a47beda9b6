"""Sums of weights that do not depend on their order, and histograms made of them.

Floating-point addition is not associative: a histogram filled in chunks depends on how the chunks were cut and merged.
Here every weight is cut exactly into 32-bit digits of a fixed-point number, and the digits are added as integers.
Integers do not care about order, so iterative, parallel and resumed runs agree in every bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import hist
import numpy as np
from numpy.typing import ArrayLike, NDArray

from rs3l_gnn.conventions import ConfigError, InvalidDataError

__all__ = ["ExactHistogram", "ExactSums", "SparseSums", "Variable", "empty_hist"]

_DIGIT_BITS = 32
_TOP_DIGIT = 2  # digits stand for 2^(32 j), j = 2 .. -4: numbers up to 2^96, in steps of 2^-128
_BOTTOM_DIGIT = -4
_STEPS = tuple(2.0 ** (_DIGIT_BITS * j) for j in range(_TOP_DIGIT, _BOTTOM_DIGIT - 1, -1))
_LARGEST_WEIGHT = 2.0**47  # its square still fits
_LOGIT_REACH = 9.0  # the outermost inner edges of logit bins lie 1e-4 from the ends
# A digit is below 2^32 and float64 holds integers exactly up to 2^53.
_ENTRIES_AT_ONCE = 1 << 20


class ExactSums:
    """An array of sums that any order of additions and merges leaves the same.

    Args:
        shape: shape of the array.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self._digits = np.zeros((len(_STEPS), int(np.prod(shape))), dtype=np.int64)

    def add(self, index: NDArray[np.int64], values: ArrayLike) -> None:
        """Add ``values`` [n] to the entries ``index`` [n] (positions in the flattened array).

        Raises:
            InvalidDataError: a value is not finite or too large for the fixed-point range.
        """
        rest = np.broadcast_to(np.asarray(values, dtype=np.float64), index.shape)
        wrong = ~(np.abs(rest) < 2.0**95)
        if wrong.any():
            raise InvalidDataError(f"{int(wrong.sum())} weights are not finite or too large", got=rest[wrong][0])
        for start in range(0, len(index), _ENTRIES_AT_ONCE):
            part = slice(start, start + _ENTRIES_AT_ONCE)
            self._add_digits(index[part], rest[part])

    def _add_digits(self, index: NDArray[np.int64], rest: NDArray[np.float64]) -> None:
        # A fill is of one row of a histogram: with thousands of variations the others are not to be touched.
        first = int(index.min())
        index = index - first
        for position, step in enumerate(_STEPS):
            digit = np.trunc(rest / step)  # exact: division by a power of two
            if digit.any():
                counts = np.bincount(index, weights=digit)
                self._digits[position, first : first + len(counts)] += counts.astype(np.int64)
                rest = rest - digit * step

    def values(self) -> NDArray[np.float64]:
        """The sums, rounded once [shape]."""
        total = np.zeros(self._digits.shape[1])
        for digits, step in zip(self._digits[::-1], _STEPS[::-1], strict=True):  # small ones first
            total += digits.astype(np.float64) * step
        return total.reshape(self.shape)

    def __add__(self, other: ExactSums) -> ExactSums:
        merged = ExactSums(self.shape)
        merged._digits = self._digits.copy()
        merged += other
        return merged

    def __iadd__(self, other: ExactSums) -> ExactSums:
        if other.shape != self.shape:
            raise ConfigError("sums of different shapes cannot be merged", got=other.shape, allowed=self.shape)
        self._digits += other._digits
        return self

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, ExactSums)
            and other.shape == self.shape
            and bool(np.array_equal(self._digits, other._digits))
        )

    __hash__ = None  # type: ignore[assignment]  # mutable, like an array


class SparseSums:
    """Exact sums by integer keys, of which few of many possible ones occur."""

    def __init__(self) -> None:
        self.keys: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._sums = ExactSums((0,))

    def add(self, keys: NDArray[np.int64], values: ArrayLike) -> None:
        """Add ``values`` [n] to the entries ``keys`` [n].

        Raises:
            InvalidDataError: as in :meth:`ExactSums.add`.
        """
        part = SparseSums()
        part.keys, place = np.unique(keys, return_inverse=True)
        part._sums = ExactSums(part.keys.shape)
        part._sums.add(place, values)
        self += part

    def values(self) -> NDArray[np.float64]:
        """The sums, rounded once, in the order of ``keys`` [n_keys]."""
        return self._sums.values()

    def __iadd__(self, other: SparseSums) -> SparseSums:
        keys = np.union1d(self.keys, other.keys)
        sums = ExactSums(keys.shape)
        for part in (self, other):
            sums._digits[:, np.searchsorted(keys, part.keys)] += part._sums._digits
        self.keys, self._sums = keys, sums
        return self

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, SparseSums) and np.array_equal(other.keys, self.keys) and bool(other._sums == self._sums)
        )

    __hash__ = None  # type: ignore[assignment]  # mutable, like an array


@dataclass(frozen=True)
class Variable:
    """The numeric axis of a histogram from ``start`` to ``stop``, with underflow and overflow.

    The bins are those between ``edges`` if there are any, else equal, or, with ``spacing`` logit, equal in
    log(x / (1 - x)) where x runs from 0 at ``start`` to 1 at ``stop``: a trained tagger puts most jets within a
    thousandth of 0 and 1, where equal bins would lump them together.
    """

    name: str
    label: str
    bins: int
    start: float
    stop: float
    spacing: Literal["linear", "logit"] = "linear"
    edges: tuple[float, ...] = ()

    def axis(self) -> Any:
        """The axis as hist knows it."""
        if self.edges:
            return hist.axis.Variable(self.edges, name=self.name, label=self.label)
        if self.spacing == "logit":
            inner = 1 / (1 + np.exp(-np.linspace(-_LOGIT_REACH, _LOGIT_REACH, self.bins - 1)))
            edges = self.start + (self.stop - self.start) * np.concatenate([[0.0], inner, [1.0]])
            return hist.axis.Variable(edges, name=self.name, label=self.label)
        return hist.axis.Regular(self.bins, self.start, self.stop, name=self.name, label=self.label)

    def index(self, values: ArrayLike) -> NDArray[np.int64]:
        """Bin of each value, counting the underflow as 0 [n]; the upper edge belongs to the last bin."""
        numbers = np.asarray(values, dtype=np.float64)
        # A score of exactly 1 is a legal score; in an overflow bin it would be lost to every fit.
        numbers = np.where(numbers == self.stop, np.nextafter(self.stop, self.start), numbers)
        return np.asarray(self.axis().index(numbers), dtype=np.int64) + 1


class ExactHistogram:
    """Weighted histogram with axes channel, variation and one variable, made of :class:`ExactSums`.

    ``joint`` holds, by channel and variation, the sums of (nominal weight) x (varied weight) over the events that both
    templates share, with key (nominal bin) x (bins with flow) + (varied bin): the covariance of the two templates.

    Args:
        channels: names on the channel axis.
        variations: names on the variation axis.
        variable: the numeric axis.
    """

    def __init__(self, channels: Sequence[str], variations: Sequence[str], variable: Variable) -> None:
        self.channels, self.variations, self.variable = tuple(channels), tuple(variations), variable
        shape = (len(self.channels), len(self.variations), variable.bins + 2)
        self.sumw, self.sumw2 = ExactSums(shape), ExactSums(shape)
        self.joint: dict[tuple[str, str], SparseSums] = {}

    def fill(self, *, channel: str, variation: str, bins: NDArray[np.int64], weight: NDArray[np.float64]) -> None:
        """Add entries.

        Args:
            channel: an entry of the channel axis.
            variation: an entry of the variation axis.
            bins: from :meth:`Variable.index` [n].
            weight: weights [n].

        Raises:
            ConfigError: a name is not on its axis; hist would count it silently as overflow.
            InvalidDataError: a weight is not finite.
        """
        row = self._row(channel, variation)
        wrong = ~(np.abs(weight) < _LARGEST_WEIGHT)
        if wrong.any():
            raise InvalidDataError(f"{int(wrong.sum())} weights of {variation} are not usable", got=weight[wrong][0])
        index = row * (self.variable.bins + 2) + bins
        self.sumw.add(index, weight)
        self.sumw2.add(index, np.square(weight))

    def share(
        self,
        *,
        channel: str,
        variation: str,
        nominal_bins: NDArray[np.int64],
        bins: NDArray[np.int64],
        product: NDArray[np.float64],
    ) -> None:
        """Add events that fill the nominal template and a varied one to their covariance.

        Args:
            channel, variation: entries of the axes.
            nominal_bins, bins: bins in the two templates, from :meth:`Variable.index` [n].
            product: nominal weight times varied weight [n].

        Raises:
            ConfigError: a name is not on its axis.
            InvalidDataError: a product is not finite.
        """
        self._row(channel, variation)
        cells = self.joint.setdefault((channel, variation), SparseSums())
        cells.add(nominal_bins * (self.variable.bins + 2) + bins, product)

    def _row(self, channel: str, variation: str) -> int:
        row = _position("channel", channel, self.channels) * len(self.variations)
        return row + _position("variation", variation, self.variations)

    def __add__(self, other: ExactHistogram) -> ExactHistogram:
        merged = ExactHistogram(self.channels, self.variations, self.variable)
        merged += self
        merged += other
        return merged

    def __iadd__(self, other: ExactHistogram) -> ExactHistogram:
        mine = (self.channels, self.variations, self.variable)
        theirs = (other.channels, other.variations, other.variable)
        if mine != theirs:
            raise ConfigError("histograms with different axes cannot be merged", got=theirs, allowed=mine)
        self.sumw += other.sumw
        self.sumw2 += other.sumw2
        for place, cells in other.joint.items():
            mine_too = self.joint.setdefault(place, SparseSums())
            mine_too += cells
        return self

    def add_to(self, target: Any, dataset: str, scale: float) -> None:
        """Add the contents times ``scale`` to one dataset of a histogram made by :func:`empty_hist`."""
        sumw, sumw2 = self.sumw.values() * scale, self.sumw2.values() * scale**2
        axes = {axis.name: list(axis) for axis in target.axes if axis.name in ("dataset", "channel", "variation")}
        view = target.view(flow=True)
        at = _position("dataset", dataset, axes["dataset"])
        for i, channel in enumerate(self.channels):
            for j, variation in enumerate(self.variations):
                cell = (
                    at,
                    _position("channel", channel, axes["channel"]),
                    _position("variation", variation, axes["variation"]),
                )
                view.value[cell] += sumw[i, j]
                view.variance[cell] += sumw2[i, j]


def empty_hist(datasets: Sequence[str], channels: Sequence[str], variations: Sequence[str], variable: Variable) -> Any:
    """A ``hist.Hist`` with axes dataset, channel, variation and the variable, and weighted storage."""
    return hist.Hist(
        hist.axis.StrCategory(datasets, name="dataset", label="Dataset"),
        hist.axis.StrCategory(channels, name="channel", label="Channel"),
        hist.axis.StrCategory(variations, name="variation", label="Variation"),
        variable.axis(),
        storage=hist.storage.Weight(),
    )


def _position(what: str, name: str, names: Sequence[str]) -> int:
    try:
        return list(names).index(name)
    except ValueError:
        raise ConfigError(f"{name!r} is not on the {what} axis", allowed=list(names)) from None
