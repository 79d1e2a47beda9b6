"""Covariances of nominal and varied templates, put together from the data sets and written as sparse histograms.

A covariance J has a row for each bin of the nominal template and a column for each bin of the varied one, see
:mod:`rs3l_gnn.processors.running.paired`. Few of its cells hold anything: an event weight moves nothing, a shift moves
little.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import hist
import numpy as np
from boost_histogram.serialization import to_uhi
from numpy.typing import NDArray

from rs3l_gnn.processors.running.exact import Variable

__all__ = ["Covariances", "each_covariance"]


@dataclass
class Covariances:
    """Covariances of one histogram, by dataset, channel and variation.

    Attributes:
        channels: names on the channel axis.
        variable: the numeric axis.
    """

    channels: Sequence[str]
    variable: Variable
    _parts: dict[tuple[str, str, str], list[tuple[NDArray[np.int64], NDArray[np.float64]]]] = field(
        default_factory=dict
    )

    def add(
        self, dataset: str, channel: str, variation: str, cells: NDArray[np.int64], values: NDArray[np.float64]
    ) -> None:
        """Add to one covariance.

        Args:
            dataset, channel, variation: whose.
            cells: (nominal bin) x (bins with flow) + (varied bin) [n].
            values: what to add there, scaled like the templates [n].
        """
        self._parts.setdefault((dataset, channel, variation), []).append((cells, values))

    def document(self) -> dict[str, Any] | None:
        """All of them as a histogram of UHI's format with sparse storage, which ``uhi.io.from_sparse`` makes dense.

        Axes: dataset, channel, variation, the variable in the nominal template, and the variable in the varied one.
        None if there is none.
        """
        if not self._parts:
            return None
        datasets, variations = (sorted({place[number] for place in self._parts}) for number in (0, 2))
        names = (datasets, list(self.channels), variations)
        axes = [
            *(hist.axis.StrCategory(entry, name=word) for entry, word in zip(names, _WORDS, strict=True)),
            self.variable.axis(),
            replace(self.variable, name=f"{self.variable.name}_varied").axis(),
        ]
        index, values = [], []
        for place in sorted(self._parts, key=lambda place: [names[n].index(place[n]) for n in range(3)]):
            cells, content = self._summed(self._parts[place])
            first = [np.full(len(cells), names[number].index(place[number])) for number in range(3)]
            index.append(np.stack([*first, *np.divmod(cells, self.variable.bins + 2)]))
            values.append(content)
        # One axis at a time: a dense histogram of all of them may not fit into memory.
        described = [to_uhi(hist.Hist(axis, storage=hist.storage.Double()), keep_storage=False) for axis in axes]
        return {
            **described[0],
            "axes": [entry["axes"][0] for entry in described],
            "storage": {
                "type": "double",
                "index": np.concatenate(index, axis=1),
                "values": np.concatenate(values),
            },
        }

    @staticmethod
    def _summed(
        parts: Sequence[tuple[NDArray[np.int64], NDArray[np.float64]]],
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        cells, place = np.unique(np.concatenate([part[0] for part in parts]), return_inverse=True)
        total = np.bincount(place, weights=np.concatenate([part[1] for part in parts]), minlength=len(cells))
        return cells[total != 0], total[total != 0]


_WORDS = ("dataset", "channel", "variation")


def each_covariance(document: dict[str, Any]) -> Iterator[tuple[tuple[str, str, str], Any]]:
    """One histogram for each dataset, channel and variation of a document of :class:`Covariances`.

    It has one axis where no event changes its bin, else two: the nominal bin first.
    """
    names = [axis["categories"] for axis in document["axes"][:3]]
    variable: Any = hist.Hist({**document, "axes": document["axes"][3:], "storage": {"type": "double"}})
    index, values = document["storage"]["index"], document["storage"]["values"]
    starts = np.flatnonzero(np.any(np.diff(index[:3], axis=1, prepend=-1) != 0, axis=0))
    for start, stop in zip(starts, [*starts[1:], len(values)], strict=True):
        rows, columns = index[3:, start:stop]
        diagonal = np.array_equal(rows, columns)
        one = hist.Hist(variable.axes[0], *(() if diagonal else (variable.axes[1],)), storage=hist.storage.Double())
        one.view(flow=True)[rows if diagonal else (rows, columns)] = values[start:stop]
        dataset, channel, variation = (names[number][index[number, start]] for number in range(3))
        yield (dataset, channel, variation), one
