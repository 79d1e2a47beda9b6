"""Hard events as columns, the form in which they travel from an LHE file to the showers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

__all__ = ["PARTICLE_TYPE", "Beams", "HardEvents", "LheProcess"]

PARTICLE_TYPE = np.dtype(
    [
        ("id", "i4"),
        ("status", "i4"),
        ("mother1", "i4"),
        ("mother2", "i4"),
        ("col1", "i4"),
        ("col2", "i4"),
        ("px", "f8"),
        ("py", "f8"),
        ("pz", "f8"),
        ("e", "f8"),
        ("m", "f8"),
        ("lifetime", "f8"),
        ("spin", "f8"),
    ]
)
"""One line of an LHE event (arXiv:hep-ph/0609017, table 1); momenta in GeV, lifetime in mm, mothers count from 1."""


@dataclass(frozen=True)
class Beams:
    """The two beams: PDG identities and energies in GeV."""

    id_a: int
    id_b: int
    energy_a: float
    energy_b: float


@dataclass(frozen=True)
class LheProcess:
    """One line of the ``<init>`` block: cross-section and its error in pb, largest weight, identity."""

    identity: int
    xsec: float
    error: float
    maximum: float


@dataclass(frozen=True)
class HardEvents:
    """Hard events, one after another.

    Attributes:
        particles: array of :data:`PARTICLE_TYPE` [n_particles].
        offsets: first particle of each event [n_events + 1].
        process, weight, scale, alpha_qed, alpha_qcd: the event's line of the file [n_events]; scale in GeV.
        weight_names: names of further weights in the file, such as those of other scales.
        further_weights: their values, in the units of ``weight`` [n_events, n_names].
        slha: text of the file's ``<slha>`` blocks, masses and widths of particles; empty if there are none.
        header: all else that stands before the file's ``<init>`` block.
        attributes: of the ``<event>`` tags, one mapping for each event; empty if no tag has any.
    """

    beams: Beams
    processes: tuple[LheProcess, ...]
    strategy: int
    particles: NDArray[np.void]
    offsets: NDArray[np.int64]
    process: NDArray[np.int32]
    weight: NDArray[np.float64]
    scale: NDArray[np.float64]
    alpha_qed: NDArray[np.float64]
    alpha_qcd: NDArray[np.float64]
    weight_names: tuple[str, ...]
    further_weights: NDArray[np.float64]
    slha: str = ""
    header: str = ""
    attributes: tuple[dict[str, str], ...] = ()

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def xsec(self) -> float:
        """Cross-section of the file in pb, summed over its processes."""
        return sum(process.xsec for process in self.processes)

    def event(self, index: int) -> NDArray[np.void]:
        """Particles of one event."""
        return self.particles[self.offsets[index] : self.offsets[index + 1]]

    def part(self, start: int, stop: int) -> HardEvents:
        """The events ``start`` to ``stop`` (exclusive)."""
        first, last = self.offsets[start], self.offsets[stop]
        columns = {
            field.name: getattr(self, field.name)[start:stop]
            for field in fields(self)
            if field.name in ("process", "weight", "scale", "alpha_qed", "alpha_qcd", "further_weights", "attributes")
        }
        return replace(
            self,
            particles=self.particles[first:last],
            offsets=self.offsets[start : stop + 1] - first,
            **columns,
        )

    def fingerprints(self) -> NDArray[np.uint64]:
        """A number for the hard partons of each event, the same in every view [n_events]."""
        digests = [hashlib.blake2b(self.event(index).tobytes(), digest_size=8).digest() for index in range(len(self))]
        return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)
