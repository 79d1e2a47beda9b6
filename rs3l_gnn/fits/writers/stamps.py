"""TH1D objects for many histograms of one binning, serialised once and filled in by bytes.

uproot builds and serialises every histogram from parts; with the 100,000 templates of a large model that is most of the
time. All histograms of a channel share everything but name and contents.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import uproot
from numpy.typing import NDArray
from uproot.writing.identify import to_TAxis, to_TH1x

__all__ = ["Stamp", "histogram_model"]

_FLOW = bytes(8)
"""An empty underflow or overflow."""


def histogram_model(
    name: str, edges: NDArray[np.float64], values: NDArray[np.float64], variances: NDArray[np.float64]
) -> Any:
    """uproot's model of a TH1D without underflow and overflow.

    Args:
        edges: [n_bins + 1].
        values, variances: contents and squared errors [n_bins].
    """
    wide = to_TAxis(
        fName="xaxis",
        fTitle="",
        fNbins=len(values),
        fXmin=float(edges[0]),
        fXmax=float(edges[-1]),
        fXbins=np.asarray(edges),
    )
    narrow = to_TAxis(fName="yaxis", fTitle="", fNbins=1, fXmin=0.0, fXmax=1.0, fXbins=np.empty(0))
    return to_TH1x(
        fName=name,
        fTitle="",
        data=np.pad(values, 1),
        fEntries=float(len(values)),
        fTsumw=float(values.sum()),
        fTsumw2=float(variances.sum()),
        # Sums over x would need events; ROOT takes means from the bins instead when these are zero.
        fTsumwx=0.0,
        fTsumwx2=0.0,
        fSumw2=np.pad(variances, 1),
        fXaxis=wide,
        fYaxis=narrow,
        fZaxis=narrow,
    )


class Stamp:
    """Makes writable histograms of one binning.

    Args:
        edges: edges of all of them [n_bins + 1].
    """

    def __init__(self, edges: NDArray[np.float64]) -> None:
        self._edges = edges
        # Serialised with these numbers in place of the contents, to find the places; no bin holds them by chance.
        n = len(edges) - 1
        numbers = np.arange(1, n + 1, dtype=np.float64)
        self._values, self._variances = numbers * -1e-301, numbers * -1e-302
        self._templates: dict[int, tuple[bytes, ...]] = {}
        self._streamers: Any = ()

    def __call__(self, name: str, values: NDArray[np.float64], variances: NDArray[np.float64]) -> Any:
        """A histogram that uproot writes like its own; contents [n_bins]."""
        parts = self._templates.get(len(name))
        if parts is None:
            parts = self._templates[len(name)] = self._serialise(len(name))
        sums = np.array([values.sum(), variances.sum()])
        filled = (name.encode("ascii"), _bytes(sums), _FLOW + _bytes(variances) + _FLOW, _FLOW + _bytes(values) + _FLOW)
        content = [parts[0]]
        for piece, after in zip(filled, parts[1:], strict=True):
            content += [piece, after]
        # A file describes each class once; repeating the description costs as much as the histogram.
        streamers, self._streamers = self._streamers, ()
        return _Filled(b"".join(content), streamers)

    def _serialise(self, length: int) -> tuple[bytes, ...]:
        # Lengths inside the object depend on that of the name, so there is one template for each.
        name = "~" * length
        model = histogram_model(name, self._edges, self._values, self._variances)
        if not self._templates:
            self._streamers = model.class_rawstreamers
        rest = model.serialize(name=name)
        pieces = [
            name.encode("ascii"),
            _bytes(np.array([self._values.sum(), self._variances.sum()])),
            _FLOW + _bytes(self._variances) + _FLOW,
            _FLOW + _bytes(self._values) + _FLOW,
        ]
        parts = []
        for piece in pieces:
            before, _, rest = rest.partition(piece)
            parts.append(before)
        return (*parts, rest)


def _bytes(content: NDArray[np.float64]) -> bytes:
    # ROOT is big-endian.
    return content.astype(">f8").tobytes()


class _Filled(uproot.model.Model):  # type: ignore[misc]  # uproot ships no type information
    """A serialised TH1D."""

    classname = "TH1D"
    fTitle = ""  # noqa: N815 - uproot looks for ROOT's name

    def __init__(self, content: bytes, streamers: Any) -> None:
        # Models are made by reading; there is nothing to initialise but what writing asks for.
        self._content = content
        self.class_rawstreamers = streamers

    def to_writable(self) -> Any:
        return self

    def serialize(self, name: str | None = None) -> bytes:  # noqa: ARG002 - the name is in the content
        return self._content
