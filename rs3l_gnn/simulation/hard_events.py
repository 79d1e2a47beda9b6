"""Hard events as columns, the form in which they travel from an LHE file to the showers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import InputFileError
from rs3l_gnn.simulation.cross_section import CrossSection, LheProcess, of_events

__all__ = ["PARTICLE_TYPE", "SPIN_UNKNOWN", "Beams", "HardEvents", "LheProcess"]

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

SPIN_UNKNOWN = 9
"""SPINUP of a particle whose helicity nobody states."""

_SINGLE = np.finfo(np.float32)


@dataclass(frozen=True)
class Beams:
    """The two beams: PDG identities and energies in GeV."""

    id_a: int
    id_b: int
    energy_a: float
    energy_b: float


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
        stated_xsec: the cross-section that the user or the file's ``<xsecinfo>`` states, which goes before all that
            the events say; None: nobody states it.
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
    stated_xsec: CrossSection | None = None

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def cross_section(
        self, *, where: str = "the sample of hard events", key: str = "samples.<name>.xsec"
    ) -> CrossSection:
        """Cross-section that the events share in proportion to their weights; see :func:`.cross_section.of_events`.

        Args:
            where: the file, for messages.
            key: name of the setting that states the cross-section, for messages.

        Raises:
            InputFileError: the events do not say, contradict themselves, or have weights that add up to nothing.
        """
        if not self.weight.sum() > 0:
            raise InputFileError(
                f"{where}: the weights of its {len(self)} events do not add up to anything positive",
                got=f"{self.weight.sum():g}",
                hint="nothing can be normalised to them; take more events",
            )
        if self.stated_xsec is not None:
            return self.stated_xsec
        return of_events(self.processes, self.strategy, self.weight, self._trials(where), where=where, key=key)

    @property
    def xsec(self) -> float:
        """Cross-section in pb."""
        return self.cross_section().value

    def relative_weights(self) -> NDArray[np.float64]:
        """Further weights over the event's own [n_events, n_names]; 1 in events of weight 0, where no factor helps."""
        weight = self.weight[:, np.newaxis]
        return np.divide(self.further_weights, weight, out=np.ones_like(self.further_weights), where=weight != 0)

    def check_storable(self, where: str) -> None:
        """Weights are stored in single precision, the further ones relative to the event's own.

        Raises:
            InputFileError: one of them would become infinite or 0 by that.
        """
        # Relative weights of any size come from an event whose own weight has nearly vanished.
        for what, values in (("weight", self.weight), ("further weight over its own", self.relative_weights())):
            sizes = np.abs(values).reshape(len(self), -1)
            wrong = (sizes > _SINGLE.max) | ((sizes > 0) & (sizes < _SINGLE.tiny))
            if wrong.any():
                event, column = np.argwhere(wrong)[0]
                raise InputFileError(
                    f"{where}: event {event} has a {what} beyond single precision",
                    got=f"{sizes[event, column]:g}",
                    allowed=f"0, or {_SINGLE.tiny:.1g} to {_SINGLE.max:.1g}",
                    hint="scale the weights of the file"
                    if what == "weight"
                    else "further_weights: drop leaves them out",
                )

    def _trials(self, where: str) -> NDArray[np.float64] | None:
        """Trials behind each event, as Sherpa writes them; 0 where two events come of one trial [n_events]."""
        if not any("trials" in attributes for attributes in self.attributes):
            return None
        found = np.empty(len(self))
        for index, attributes in enumerate(self.attributes):
            text = attributes.get("trials", "")
            try:
                found[index] = float(text)
            except ValueError:
                found[index] = np.nan
            if not (np.isfinite(found[index]) and found[index] >= 0):
                raise InputFileError(f"{where}: event {index} has no number of trials", got=f"trials={text!r}")
        if not found.sum() > 0:
            raise InputFileError(f"{where}: its events have no trials", got=f"a sum of {found.sum():g}")
        return found

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

    def weighted(self, factors: NDArray[np.float64]) -> HardEvents:
        """The same events with all their weights multiplied by ``factors`` [n_events]."""
        return replace(
            self, weight=self.weight * factors, further_weights=self.further_weights * factors[:, np.newaxis]
        )

    def fingerprints(self) -> NDArray[np.uint64]:
        """A number for the hard partons of each event, the same in every view [n_events]."""
        digests = [hashlib.blake2b(self.event(index).tobytes(), digest_size=8).digest() for index in range(len(self))]
        return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)
