"""Les Houches event files (arXiv:hep-ph/0609017, arXiv:1405.1067), read: versions 1 to 3, plain or gzipped."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import InputFileError, file_digest
from rs3l_gnn.conventions.packed import open_packed
from rs3l_gnn.simulation.hard_events import PARTICLE_TYPE, HardEvents
from rs3l_gnn.simulation.lhe_event import Block, next_block, parse_event
from rs3l_gnn.simulation.lhe_head import expect_lhe, read_head
from rs3l_gnn.simulation.lhe_lines import Lines, number

__all__ = ["inspect_lhe", "read_lhe"]

_FURTHER_WEIGHT = re.compile(r"""<wgt\s+id\s*=\s*["']([^"']*)["']\s*>([^<]*)</wgt>""")


def read_lhe(
    path: Path | str, *, limit: int | None = None, scalup: Literal["refuse", "repair"] = "refuse"
) -> HardEvents:
    """Read the hard events of a file.

    Args:
        path: the file, plain or gzipped whatever its name.
        limit: read this many events at most.
        scalup: an event scale that is not positive would switch the showers off without a word. ``refuse`` raises,
            ``repair`` puts the largest transverse mass of the outgoing particles of the hard process there.

    Raises:
        InputFileError: not an LHE file, cut short, a broken event (its number and line are named), no events, or
            a scale that is not positive and not to be repaired.
    """
    path = Path(path)
    with open_packed(path) as stream:
        lines = Lines(path, io.TextIOWrapper(stream, encoding="utf-8", errors="replace"))
        expect_lhe(lines)
        start = read_head(lines)
        particles: list[NDArray[np.void]] = []
        offsets = [0]
        heads: list[tuple[Any, ...]] = []
        weights: list[dict[str, float]] = []
        tags: list[dict[str, str]] = []
        while limit is None or len(heads) < limit:
            block = next_block(lines, len(heads))
            if block is None:
                break
            head, rows = parse_event(block, lines)
            heads.append(head)
            weights.append(_further_weights(block, lines))
            tags.append(block.attributes)
            particles.append(np.array(rows, dtype=PARTICLE_TYPE))
            offsets.append(offsets[-1] + len(rows))
        if limit is None:
            for _ in lines.raw():  # the checksum of a packed file stands at its very end
                pass
    if not heads:
        raise InputFileError(f"{path} holds no events")
    names = tuple(weights[0])
    for index, found in enumerate(weights):
        if tuple(found) != names:
            raise InputFileError(f"{path}: event {index} has other weights than event 0", got=f"{len(found)} of them")
    columns = list(zip(*heads, strict=True))
    events = HardEvents(
        beams=start.beams,
        processes=start.processes,
        strategy=start.strategy,
        particles=np.concatenate(particles),
        offsets=np.array(offsets, dtype=np.int64),
        process=np.array(columns[0], dtype=np.int32),
        weight=np.array(columns[1], dtype=np.float64),
        scale=np.array(columns[2], dtype=np.float64),
        alpha_qed=np.array(columns[3], dtype=np.float64),
        alpha_qcd=np.array(columns[4], dtype=np.float64),
        weight_names=names,
        further_weights=np.array([list(found.values()) for found in weights]).reshape(len(heads), len(names)),
        slha=start.slha,
        header=start.header,
        attributes=tuple(tags) if any(tags) else (),
    )
    return _with_scales(events, path, scalup)


def inspect_lhe(path: Path | str) -> dict[str, Any]:
    """What an LHE file holds: events, beams, processes, cross-section, scales, weights, particles.

    Raises:
        InputFileError: as for :func:`read_lhe`; scales that are not positive are only counted.
    """
    events = read_lhe(path, scalup="repair")
    raw = _scales_as_written(Path(path))
    outgoing = events.particles["id"][events.particles["status"] == 1]
    identities, counts = np.unique(np.abs(outgoing), return_counts=True)
    return {
        "format": "LHE",
        "events": len(events),
        "beams": [events.beams.id_a, events.beams.id_b],
        "beam_energies_gev": [events.beams.energy_a, events.beams.energy_b],
        "weighting_strategy": events.strategy,
        "processes": [process.identity for process in events.processes],
        "xsec_pb": events.xsec,
        "scale_gev": {"min": float(raw.min()), "max": float(raw.max())},
        "events_without_scale": int((raw <= 0).sum()),
        "weights": {
            "sum": float(events.weight.sum()),
            "negative": int((events.weight < 0).sum()),
            "further": len(events.weight_names),
        },
        "particles_per_event": float(np.diff(events.offsets).mean()),
        "outgoing": {int(i): int(n) for i, n in zip(identities, counts, strict=True)},
        "sha256": file_digest(path),
    }


def _scales_as_written(path: Path) -> NDArray[np.float64]:
    scales: list[float] = []
    with open_packed(path) as stream:
        lines = Lines(path, io.TextIOWrapper(stream, encoding="utf-8", errors="replace"))
        while (block := next_block(lines, len(scales))) is not None:
            scales.append(parse_event(block, lines)[0][2])
    return np.array(scales)


def _further_weights(block: Block, lines: Lines) -> dict[str, float]:
    """The weights of an ``<rwgt>`` block by name, in their order; older kinds of weights are passed over."""
    if not any("<wgt" in line for line in block.lines):
        return {}
    try:
        return {name: number(value.strip()) for name, value in _FURTHER_WEIGHT.findall("".join(block.lines))}
    except ValueError as error:
        raise lines.wrong(f"event {block.index} has a weight that is not a number") from error


def _with_scales(events: HardEvents, path: Path, scalup: Literal["refuse", "repair"]) -> HardEvents:
    missing = np.flatnonzero(~(events.scale > 0))
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
