"""Anchor jets of one view of a simulation, as a phenomenologist looks at them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import awkward as ak
import numpy as np
import uproot
from numpy.typing import NDArray

from rs3l_gnn.conventions import InputFileError

__all__ = ["VARIABLES", "AnchorJets", "Variable", "read_anchor_jets"]

_MM_PER_CM = 10.0


@dataclass(frozen=True)
class Variable:
    """A variable of a jet and its binning.

    Attributes:
        name: a column of :class:`AnchorJets`.
        label: in mathtext.
        unit: empty for pure numbers.
        low, high: first and last edge; what lies beyond is shown in the last bin.
        bins: their number.
        log: whether the vertical axis is logarithmic.
    """

    name: str
    label: str
    unit: str
    low: float
    high: float
    bins: int
    log: bool = False

    @property
    def edges(self) -> NDArray[np.float64]:
        """Edges of the bins [bins + 1]."""
        return np.linspace(self.low, self.high, self.bins + 1)

    @property
    def axis_label(self) -> str:
        """Label with the unit."""
        return f"{self.label} [{self.unit}]" if self.unit else self.label


VARIABLES = (
    Variable("multiplicity", "candidates in the jet", "", 0, 120, 30),
    Variable("msoftdrop", "soft-drop mass", "GeV", 0, 250, 25),
    Variable("n2b1", r"$N_2^{\beta=1}$", "", 0, 0.5, 25),
    Variable("pt", r"jet $p_\mathrm{T}$", "GeV", 0, 1500, 30, log=True),
    Variable("charged", r"share of charged particles in jet $p_\mathrm{T}$", "", 0, 1, 25),
    Variable("max_d0", r"largest $|d_0|$ of a track in the jet", "mm", 0, 20, 25, log=True),
)


@dataclass(frozen=True)
class AnchorJets:
    """Anchor jets of one sample and view; arrays [n_jets], rising in ``event``.

    Attributes:
        event: number of the hard event.
        weight: of the hard event.
        pt, msoftdrop: GeV.
        n2b1: N2 of arXiv:1609.07483.
        multiplicity: number of candidates.
        charged: share of charged candidates in the sum of pT.
        max_d0: largest absolute d0 of a track, mm; 0 without tracks.
        shower_weights: relative to ``weight``, by what they vary.
    """

    event: NDArray[np.int64]
    weight: NDArray[np.float64]
    pt: NDArray[np.float64]
    msoftdrop: NDArray[np.float64]
    n2b1: NDArray[np.float64]
    multiplicity: NDArray[np.float64]
    charged: NDArray[np.float64]
    max_d0: NDArray[np.float64]
    shower_weights: dict[str, NDArray[np.float64]]


def read_anchor_jets(directory: Path | str, variation: str) -> AnchorJets:
    """Read the anchor jets of a sample's directory.

    Raises:
        InputFileError: there are no files of that variation.
    """
    files = sorted(Path(directory).glob(f"{variation}_[0-9]*.root"))
    if not files:
        raise InputFileError(f"{directory} holds no files of the variation {variation!r}")
    events = uproot.concatenate([f"{path}:Events" for path in files])
    events = events[ak.any(events.FatJet_anchor, axis=1)]
    anchor = events.FatJet_anchor
    index = ak.firsts(ak.local_index(anchor)[anchor])
    inside = events.FatJetPFCands_pFCandsIdx[events.FatJetPFCands_jetIdx == index]
    pt, charge, d0 = (events[f"PFCands_{name}"][inside] for name in ("pt", "charge", "d0"))
    tracks = charge != 0
    return AnchorJets(
        event=ak.to_numpy(events.event).astype(np.int64),
        weight=ak.to_numpy(events.genWeight).astype(np.float64),
        multiplicity=ak.to_numpy(ak.num(pt)).astype(np.float64),
        charged=ak.to_numpy(ak.sum(pt[tracks], axis=1) / ak.sum(pt, axis=1)).astype(np.float64),
        max_d0=_MM_PER_CM * ak.to_numpy(ak.fill_none(ak.max(np.abs(d0[tracks]), axis=1), 0.0)).astype(np.float64),
        shower_weights=_shower_weights(files[0], events),
        **{
            name: ak.to_numpy(ak.flatten(events[f"FatJet_{name}"][anchor])).astype(np.float64)
            for name in ("pt", "msoftdrop", "n2b1")
        },
    )


def _shower_weights(path: Path, events: ak.Array) -> dict[str, NDArray[np.float64]]:
    if "PSWeight" not in events.fields:
        return {}
    with uproot.open(path) as file:
        names = json.loads(str(file["rs3l_metadata"])).get("psweight_names") or ()
    table = ak.to_numpy(events.PSWeight).astype(np.float64).reshape(len(events), -1)
    return {name: table[:, place] for place, name in enumerate(names)}
