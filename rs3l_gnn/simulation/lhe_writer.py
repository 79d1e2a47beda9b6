"""Les Houches event files, written."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

from rs3l_gnn.conventions import atomic_file
from rs3l_gnn.simulation.hard_events import HardEvents

__all__ = ["write_lhe"]


def write_lhe(path: Path | str, events: HardEvents, *, generator: str, force: bool = False) -> None:
    """Write hard events as an LHE 3 file, gzipped when the name ends in ``.gz``.

    The same events give the same bytes. Momenta have 17 digits, so that reading gives the same numbers back.

    Raises:
        OutputError: the file exists and ``force`` is False, or cannot be written.
    """
    text = io.StringIO()
    text.write('<LesHouchesEvents version="3.0">\n<header>\n</header>\n<init>\n')
    beams = events.beams
    text.write(f"{beams.id_a} {beams.id_b} {beams.energy_a:.8e} {beams.energy_b:.8e} 0 0 0 0 ")
    text.write(f"{events.strategy} {len(events.processes)}\n")
    for process in events.processes:
        text.write(f"{process.xsec:.8e} {process.error:.8e} {process.maximum:.8e} {process.identity}\n")
    text.write(f"<generator name='{generator}'>{generator}</generator>\n</init>\n")
    for index in range(len(events)):
        rows = events.event(index)
        text.write(f"<event>\n{len(rows)} {events.process[index]} {events.weight[index]:.10e} ")
        text.write(f"{events.scale[index]:.10e} {events.alpha_qed[index]:.10e} {events.alpha_qcd[index]:.10e}\n")
        for row in rows.tolist():
            numbers = " ".join(f"{value:.17g}" for value in row[6:12])
            text.write(" ".join(str(value) for value in row[:6]) + f" {numbers} {row[12]:g}\n")
        if events.weight_names:
            pairs = zip(events.weight_names, events.further_weights[index].tolist(), strict=True)
            weights = "\n".join(f"<wgt id='{name}'> {value:.10e} </wgt>" for name, value in pairs)
            text.write(f"<rwgt>\n{weights}\n</rwgt>\n")
        text.write("</event>\n")
    text.write("</LesHouchesEvents>\n")
    raw = text.getvalue().encode()
    with atomic_file(path, force=force) as partial:
        # No time stamp and no name in the gzip header, so that equal events give equal files.
        partial.write_bytes(gzip.compress(raw, compresslevel=6, mtime=0) if Path(path).suffix == ".gz" else raw)
