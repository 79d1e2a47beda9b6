"""Les Houches event files (arXiv:hep-ph/0609017, arXiv:1405.1067), read: versions 1 to 3, plain or packed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import InputFileError, file_digest
from rs3l_gnn.conventions.packed import open_lines
from rs3l_gnn.simulation.hard_events import PARTICLE_TYPE, HardEvents
from rs3l_gnn.simulation.lhe_event import EventLine, Particle, next_block, parse_event
from rs3l_gnn.simulation.lhe_head import Head, expect_lhe, read_head
from rs3l_gnn.simulation.lhe_joined import Part, join, next_head
from rs3l_gnn.simulation.lhe_lines import Lines
from rs3l_gnn.simulation.lhe_weights import WeightTable, event_weights
from rs3l_gnn.simulation.recognition import recognise

__all__ = ["inspect_lhe", "read_lhe"]


def read_lhe(
    path: Path | str,
    *,
    limit: int | None = None,
    scalup: Literal["refuse", "repair"] = "refuse",
    further_weights: Literal["read", "drop"] = "read",
) -> HardEvents:
    """Read the hard events of a file, or of several put one after another.

    Args:
        path: the file, plain or packed with gzip, bzip2 or xz, whatever its name.
        limit: read this many events at most.
        scalup: an event scale that is not positive would switch the showers off without a word. ``refuse`` raises,
            ``repair`` puts the largest transverse mass of the outgoing particles of the hard process there.
        further_weights: ``drop`` passes ``<rwgt>`` and ``<weights>`` over.

    Raises:
        InputFileError: not an LHE file, cut short, a broken event or weight (number and line are named), no events,
            parts that do not agree, a line or an event of a size that no generator writes, or a scale that is not
            positive and not to be repaired.
    """
    path = Path(path)
    return _with_scales(_read(path, limit, further_weights)[0], path, scalup)


def inspect_lhe(path: Path | str) -> dict[str, Any]:
    """What an LHE file holds: events, beams, processes, cross-section, scales, weights, particles.

    Raises:
        InputFileError: as for :func:`read_lhe`; scales that are not positive are only counted, and a cross-section that
            the file does not give is explained.
    """
    events, n_parts = _read(Path(path), None, "read")
    scales = events.scale
    outgoing = events.particles["id"][events.particles["status"] == 1]
    identities, counts = np.unique(np.abs(outgoing), return_counts=True)
    return {
        "format": "LHE",
        "events": len(events),
        "files_joined": n_parts,
        "beams": [events.beams.id_a, events.beams.id_b],
        "beam_energies_gev": [events.beams.energy_a, events.beams.energy_b],
        "weighting_strategy": events.strategy,
        "processes": [process.identity for process in events.processes],
        **_cross_section(events, path),
        "merging": recognise(events).text(),
        "scale_gev": {"min": float(scales.min()), "max": float(scales.max())},
        "events_without_scale": int((~_usable(scales)).sum()),
        "weights": {
            "sum": float(events.weight.sum()),
            "negative": int((events.weight < 0).sum()),
            "zero": int((events.weight == 0).sum()),
            "further": len(events.weight_names),
        },
        "particles_per_event": float(np.diff(events.offsets).mean()),
        "outgoing": {int(i): int(n) for i, n in zip(identities, counts, strict=True)},
        "slha": bool(events.slha),
        "sha256": file_digest(path),
    }


def _cross_section(events: HardEvents, path: Path | str) -> dict[str, Any]:
    try:
        found = events.cross_section(where=str(path))
    except InputFileError as error:
        return {"xsec_pb": None, "xsec_problem": str(error)}
    return {"xsec_pb": found.value, "xsec_error_pb": found.error, "xsec_from": found.source}


def _read(path: Path, limit: int | None, further_weights: Literal["read", "drop"]) -> tuple[HardEvents, int]:
    """Events with the scales that the file has, and the number of files that were put together."""
    heads: list[EventLine] = []
    particles: list[Particle] = []
    offsets = [0]
    weights = WeightTable()
    tags: list[dict[str, str]] = []
    parts: list[Part] = []
    with open_lines(path) as stream:
        lines = Lines(path, stream)
        expect_lhe(lines)
        head: Head | None = read_head(lines)
        while head is not None:
            start = len(heads)
            while limit is None or len(heads) < limit:
                block = next_block(lines, len(heads))
                if block is None:
                    break
                event, rows = parse_event(block, lines)
                heads.append(event)
                particles.extend(rows)
                offsets.append(len(particles))
                tags.append(block.attributes)
                found = event_weights(block, lines, head.weight_ids) if further_weights == "read" else {}
                weights.add(found, block, lines)
            parts.append(Part(head, len(heads) - start))
            # To the very end, where the checksum of a packed file stands, unless only a part is wanted.
            head = None if len(heads) == limit else next_head(lines, parts[0].head)
    if not heads:
        raise InputFileError(f"{path} holds no events")
    joined = join(parts)
    events = HardEvents(
        beams=joined.beams,
        processes=joined.processes,
        strategy=joined.strategy,
        particles=np.array(particles, dtype=PARTICLE_TYPE),
        offsets=np.array(offsets, dtype=np.int64),
        process=np.array([event.process for event in heads], dtype=np.int32),
        weight=np.array([event.weight for event in heads], dtype=np.float64),
        scale=np.array([event.scale for event in heads], dtype=np.float64),
        alpha_qed=np.array([event.alpha_qed for event in heads], dtype=np.float64),
        alpha_qcd=np.array([event.alpha_qcd for event in heads], dtype=np.float64),
        weight_names=weights.names,
        further_weights=np.array(weights.rows, dtype=np.float64).reshape(len(heads), len(weights.names)),
        slha=joined.slha,
        header=joined.header,
        attributes=tuple(tags) if any(tags) else (),
        stated_xsec=joined.stated_xsec,
    )
    return events, len(parts)


def _usable(scale: NDArray[np.float64]) -> NDArray[np.bool_]:
    return (scale > 0) & (scale < np.inf)


def _with_scales(events: HardEvents, path: Path, scalup: Literal["refuse", "repair"]) -> HardEvents:
    missing = np.flatnonzero(~_usable(events.scale))
    if len(missing) == 0:
        return events
    if scalup == "refuse":
        raise InputFileError(
            f"{path}: event {missing[0]} has no scale, nor have {len(missing) - 1} others",
            got=f"SCALUP = {events.scale[missing[0]]:g}",
            allowed="a scale > 0, since the showers would start there and do nothing",
            hint="set scalup to 'repair' to start at the largest transverse mass",
        )
    for index in missing:
        rows = events.event(int(index))
        hard = rows[(rows["mother1"] == 1) | (rows["mother1"] == 2)]
        mass2 = np.maximum(hard["e"] ** 2 - hard["pz"] ** 2, 0.0)
        events.scale[index] = np.sqrt(mass2.max()) if len(hard) else 0.0
    if not (events.scale > 0).all():
        raise InputFileError(f"{path}: an event without scale and without outgoing particles cannot be repaired")
    return events
