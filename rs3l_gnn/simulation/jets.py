"""Jets of particle-flow candidates: anti-kT, soft drop, N2."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import awkward as ak
import fastjet
import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import energy_of
from rs3l_gnn.conventions.jagged import offsets_of, parents_of, ranges
from rs3l_gnn.simulation.config import JetConfig
from rs3l_gnn.simulation.detector import FlowCandidates
from rs3l_gnn.simulation.grooming import energy_correlation, soft_drop
from rs3l_gnn.simulation.native_output import caught_output

__all__ = ["Clustering", "JetAxes", "Jets", "groom"]


@dataclass(frozen=True)
class Jets:
    """Jets, sorted by event and falling pT; arrays [n_jets].

    Attributes:
        pt, mass, msoftdrop: GeV.
        n2b1: N2 of the soft-dropped jet with beta = 1; 0 for fewer than three particles left.
        candidates: indices of the constituents, jet after jet [n_links].
        offsets: first constituent of each jet [n_jets + 1].
    """

    event: NDArray[np.int64]
    pt: NDArray[np.float64]
    eta: NDArray[np.float64]
    phi: NDArray[np.float64]
    mass: NDArray[np.float64]
    msoftdrop: NDArray[np.float64]
    n2b1: NDArray[np.float64]
    candidates: NDArray[np.int64]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.event)


@dataclass(frozen=True)
class JetAxes:
    """Jets without anything inside, sorted by event; arrays [n_jets], pt in GeV."""

    event: NDArray[np.int64]
    pt: NDArray[np.float64]
    eta: NDArray[np.float64]
    phi: NDArray[np.float64]


class Clustering:
    """The anti-kT jets of the candidates of all events, however soft.

    Args:
        candidates: candidates sorted by event.
        n_events: events of the batch.
        config: radius, cuts and grooming, and whether the jets are those of charged candidates alone.
    """

    def __init__(self, candidates: FlowCandidates, n_events: int, config: JetConfig) -> None:
        _spend_banner()
        self._config = config
        # Where the clustered candidates are among all.
        self._places = np.flatnonzero(candidates.charge != 0) if config.charged else None
        used = candidates if self._places is None else candidates.where(self._places)
        self._momenta = _momenta(used)
        self._starts = np.searchsorted(used.event, np.arange(n_events + 1))
        definition = fastjet.JetDefinition(fastjet.antikt_algorithm, config.radius)
        self._clustering = fastjet.ClusterSequence(_jagged(self._momenta, self._starts), definition)

    def axes(self, *, pt_min: float) -> JetAxes:
        """Where all jets above ``pt_min`` (GeV) are, whatever the selection says."""
        event, _, (px, py, pz, _) = self._above(pt_min)
        pt = np.hypot(px, py)
        return JetAxes(event, pt, np.arcsinh(pz / pt), np.arctan2(py, px))

    def jets(self) -> Jets:
        """The jets that pass the selection, groomed."""
        config = self._config
        event, place, momenta = self._above(config.pt_min)
        pt = np.hypot(momenta[0], momenta[1])
        eta = np.arcsinh(momenta[2] / pt)
        order = np.lexsort((-pt, event))
        kept = order[_selected(pt, eta, config)[order]]
        event, pt, eta, (px, py, pz, energy) = event[kept], pt[kept], eta[kept], momenta[:, kept]
        offsets, links = self._constituents(event, place[kept])
        msoftdrop, n2b1 = groom(self._momenta[:, links], offsets, config)
        return Jets(
            event=event,
            pt=pt,
            eta=eta,
            phi=np.arctan2(py, px),
            mass=np.sqrt(np.maximum(energy**2 - px**2 - py**2 - pz**2, 0.0)),
            msoftdrop=msoftdrop,
            n2b1=n2b1,
            candidates=links if self._places is None else self._places[links],
            offsets=offsets,
        )

    def _above(self, pt_min: float) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Event and place in FastJet's list of all jets above ``pt_min`` [n_jets], and px, py, pz, E [4, n_jets]."""
        layout: Any = ak.to_packed(self._clustering.inclusive_jets(pt_min)).layout
        counts = np.diff(layout.offsets.data)
        rows = [layout.content.content(name).data for name in ("px", "py", "pz", "E")]
        event = parents_of(counts)
        return event, np.arange(len(event)), np.array(rows, dtype=np.float64)

    def _constituents(
        self, event: NDArray[np.int64], place: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Offsets and places among what was clustered of the constituents of jets above the cut."""
        layout: Any = ak.to_packed(self._clustering.constituent_index(self._config.pt_min)).layout
        first = layout.content.offsets.data.astype(np.int64)
        counts = np.diff(first)[place]
        within = layout.content.content.data[ranges(first[:-1][place], counts)]
        return offsets_of(counts), within + np.repeat(self._starts[event], counts)


def _selected(pt: NDArray[np.float64], eta: NDArray[np.float64], config: JetConfig) -> NDArray[np.bool_]:
    inside = np.abs(eta) < config.abs_eta_max
    return inside if config.pt_max is None else inside & (pt < config.pt_max)


def groom(
    momenta: NDArray[np.float64], offsets: NDArray[np.int64], config: JetConfig
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Soft-drop mass, and N2 (beta = 1) of what soft drop leaves, as CMS defines them for wide jets.

    Args:
        momenta: px, py, pz, E of the constituents in GeV [4, n_constituents].
        offsets: first constituent of each jet [n_jets + 1].
        config: zcut, beta and R0 of soft drop.

    Returns:
        Masses in GeV and N2, both [n_jets]; see :mod:`.grooming`.
    """
    rows = np.ascontiguousarray(momenta.T)
    masses, left = soft_drop(rows, offsets, config.zcut, config.beta, config.radius)
    before = np.concatenate([[0], np.cumsum(left)])
    return masses, energy_correlation(rows[left], before[offsets])


@lru_cache(maxsize=1)
def _spend_banner() -> None:
    """Let FastJet print its banner, once a process, where nobody reads it: it would stand between our own messages.

    What it asks for, to cite arXiv:1111.6097, is in the documentation.
    """
    with caught_output():
        one = _jagged(np.array([[1.0], [0.0], [0.0], [1.0]]), np.array([0, 1]))
        fastjet.ClusterSequence(one, fastjet.JetDefinition(fastjet.antikt_algorithm, 0.8))


def _momenta(candidates: FlowCandidates) -> NDArray[np.float64]:
    """px, py, pz, E [4, n_candidates]."""
    pz = candidates.pt * np.sinh(candidates.eta)
    energy = energy_of(candidates.pt, candidates.eta, candidates.mass)
    return np.stack([candidates.pt * np.cos(candidates.phi), candidates.pt * np.sin(candidates.phi), pz, energy])


def _jagged(momenta: NDArray[np.float64], offsets: NDArray[np.int64]) -> ak.Array:
    contents = [ak.contents.NumpyArray(np.ascontiguousarray(row)) for row in momenta]
    record = ak.contents.RecordArray(contents, ["px", "py", "pz", "E"], parameters={"__record__": "Momentum4D"})
    return ak.Array(ak.contents.ListOffsetArray(ak.index.Index64(offsets.astype(np.int64)), record))
