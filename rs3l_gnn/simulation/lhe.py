"""Les Houches event files (arXiv:hep-ph/0609017, arXiv:1405.1067), read: versions 1 to 3, plain or gzipped."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import InputFileError, file_digest
from rs3l_gnn.simulation.hard_events import PARTICLE_TYPE, Beams, HardEvents, LheProcess

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
    with _opened(path) as stream:
        lines = _Lines(path, stream)
        _expect_lhe(lines)
        beams, strategy, processes = _read_init(lines)
        particles: list[NDArray[np.void]] = []
        offsets = [0]
        heads: list[tuple[Any, ...]] = []
        weights: list[dict[str, float]] = []
        while limit is None or len(heads) < limit:
            block = _next_event(lines, len(heads))
            if block is None:
                break
            head, rows = _parse_event(block, lines, len(heads))
            heads.append(head)
            weights.append(_further_weights(block, lines, len(weights)))
            particles.append(np.array(rows, dtype=PARTICLE_TYPE))
            offsets.append(offsets[-1] + len(rows))
        if limit is None:
            for _ in lines:  # the checksum of a packed file stands at its very end
                pass
    if not heads:
        raise InputFileError(f"{path} holds no events")
    names = tuple(weights[0])
    for index, found in enumerate(weights):
        if tuple(found) != names:
            raise InputFileError(f"{path}: event {index} has other weights than event 0", got=f"{len(found)} of them")
    columns = list(zip(*heads, strict=True))
    events = HardEvents(
        beams=beams,
        processes=processes,
        strategy=strategy,
        particles=np.concatenate(particles),
        offsets=np.array(offsets, dtype=np.int64),
        process=np.array(columns[0], dtype=np.int32),
        weight=np.array(columns[1], dtype=np.float64),
        scale=np.array(columns[2], dtype=np.float64),
        alpha_qed=np.array(columns[3], dtype=np.float64),
        alpha_qcd=np.array(columns[4], dtype=np.float64),
        weight_names=names,
        further_weights=np.array([list(found.values()) for found in weights]).reshape(len(heads), len(names)),
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
    with _opened(path) as stream:
        lines = _Lines(path, stream)
        while (block := _next_event(lines, len(scales))) is not None:
            scales.append(_parse_event(block, lines, len(scales))[0][2])
    return np.array(scales)


class _Lines:
    """Lines of a file with their number, for messages."""

    def __init__(self, path: Path, stream: IO[str]) -> None:
        self.path, self.number = path, 0
        self._stream = stream

    def __iter__(self) -> Iterator[str]:
        for line in self._stream:
            self.number += 1
            yield line

    def wrong(self, what: str, *, got: object = None) -> InputFileError:
        return InputFileError(f"{self.path}, line {self.number}: {what}", got=got)


@contextmanager
def _opened(path: Path) -> Iterator[IO[str]]:
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            stream: Any = gzip.GzipFile(fileobj=raw) if packed else raw
            yield io.TextIOWrapper(stream, encoding="utf-8", errors="replace")
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputFileError(f"{path} is a damaged gzip file: {error}", hint="copy it again") from error
    except OSError as error:
        raise InputFileError(f"cannot read {path}: {error.strerror or error}") from error


def _expect_lhe(lines: _Lines) -> None:
    for line in lines:
        if "<LesHouchesEvents" in line:
            return
        if line.strip() and not line.lstrip().startswith(("<?xml", "<!--", "#")):
            break
    raise InputFileError(f"{lines.path} is not an LHE file: it does not begin with <LesHouchesEvents>")


def _read_init(lines: _Lines) -> tuple[Beams, int, tuple[LheProcess, ...]]:
    for line in lines:
        if line.lstrip().startswith(("<init>", "<init ")):
            break
    else:
        raise lines.wrong("the file ends before its <init> block")
    numbers = iter(lines)
    try:
        head = next(numbers).split()
        beams = Beams(int(head[0]), int(head[1]), _double(head[2]), _double(head[3]))
        strategy, n_processes = int(head[8]), int(head[9])
        processes = []
        for _ in range(n_processes):
            row = next(numbers).split()
            processes.append(LheProcess(int(row[3]), _double(row[0]), _double(row[1]), _double(row[2])))
    except (StopIteration, IndexError, ValueError) as error:
        raise lines.wrong("the <init> block is broken") from error
    return beams, strategy, tuple(processes)


def _next_event(lines: _Lines, index: int) -> list[str] | None:
    """Lines of the next event, or None at the proper end of the file."""
    block: list[str] | None = None
    for line in lines:
        start = line.lstrip()
        if start.startswith("</event>"):
            if block is None:
                raise lines.wrong("</event> without <event>")
            return block
        if start.startswith(("<event>", "<event ")):
            if block is not None:
                raise lines.wrong(f"event {index} has no end")
            block = []
        elif block is not None:
            block.append(line)
        elif start.startswith("</LesHouchesEvents>"):
            return None
    where = f"in event {index}" if block is not None else f"after {index} events"
    raise InputFileError(
        f"{lines.path} is cut short {where}: it ends without </LesHouchesEvents>",
        hint="copy it again, or ask for fewer events",
    )


def _parse_event(block: list[str], lines: _Lines, index: int) -> tuple[tuple[Any, ...], list[tuple[Any, ...]]]:
    rows = [line.split() for line in block if line.strip() and not line.lstrip().startswith(("#", "<"))]
    try:
        n_particles = int(rows[0][0])
        head = (int(rows[0][1]), *(_double(rows[0][column]) for column in range(2, 6)))
        particles = [
            (*(int(row[column]) for column in range(6)), *(_double(row[column]) for column in range(6, 13)))
            for row in (rows[number] for number in range(1, n_particles + 1))
        ]
    except (IndexError, ValueError) as error:
        raise lines.wrong(f"event {index} is broken: too few lines or columns, or not a number") from error
    if not np.isfinite([value for row in particles for value in row[6:11]]).all():
        raise lines.wrong(f"event {index} has a momentum that is not finite")
    if any(not 0 <= mother <= n_particles for row in particles for mother in row[2:4]):
        raise lines.wrong(f"event {index} names a mother that it does not have")
    return head, particles


def _further_weights(block: list[str], lines: _Lines, index: int) -> dict[str, float]:
    """The weights of an ``<rwgt>`` block by name, in their order; older kinds of weights are passed over."""
    if not any("<wgt" in line for line in block):
        return {}
    try:
        return {name: _double(value.strip()) for name, value in _FURTHER_WEIGHT.findall("".join(block))}
    except ValueError as error:
        raise lines.wrong(f"event {index} has a weight that is not a number") from error


def _double(text: str) -> float:
    """A number, in Fortran's spelling too (1.5D+02)."""
    return float(text.replace("D", "E").replace("d", "e"))


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
