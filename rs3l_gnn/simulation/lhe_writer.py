"""Les Houches event files, written."""

from __future__ import annotations

import gzip
from contextlib import ExitStack
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from rs3l_gnn.conventions import atomic_file
from rs3l_gnn.simulation.hard_events import HardEvents

__all__ = ["write_lhe"]


def write_lhe(path: Path | str, events: HardEvents, *, generator: str, force: bool = False) -> None:
    """Write hard events as an LHE 3 file, gzipped when the name ends in ``.gz``.

    The same events give the same bytes. Momenta have 17 digits, so that reading gives the same numbers back.

    Raises:
        OutputError: the file exists and ``force`` is False, or cannot be written.
    """
    beams = events.beams
    slha = f"<slha>\n{events.slha}\n</slha>\n" if events.slha else ""
    header = f"{events.header}\n" if events.header else ""
    head = [
        f'<LesHouchesEvents version="3.0">\n<header>\n{slha}{header}</header>\n<init>\n',
        f"{beams.id_a} {beams.id_b} {beams.energy_a:.8e} {beams.energy_b:.8e} 0 0 0 0 ",
        f"{events.strategy} {len(events.processes)}\n",
        *(f"{p.xsec:.8e} {p.error:.8e} {p.maximum:.8e} {p.identity}\n" for p in events.processes),
        f"<generator name='{generator}'>{generator}</generator>\n{_stated(events)}</init>\n",
    ]
    with atomic_file(path, force=force) as partial, partial.open("wb") as raw, ExitStack() as stack:
        # No time stamp and no name in the gzip header, so that equal events give equal files.
        packed = gzip.GzipFile("", "wb", 6, raw, 0) if Path(path).suffix == ".gz" else None
        stream = raw if packed is None else stack.enter_context(packed)
        stream.write("".join(head).encode())
        for index in range(len(events)):
            stream.write(_event(events, index).encode())
        stream.write(b"</LesHouchesEvents>\n")


def _stated(events: HardEvents) -> str:
    xsec = events.stated_xsec
    if xsec is None:
        return ""
    error = "" if xsec.error is None else f" error='{xsec.error!r}'"
    return f"<xsecinfo neve='{len(events)}' totxsec='{xsec.value!r}'{error} from='{_quoted(xsec.source)}' />\n"


def _event(events: HardEvents, index: int) -> str:
    rows = events.event(index)
    attributes = events.attributes[index] if events.attributes else {}
    tag = "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items())
    text = [
        f"<event{tag}>\n{len(rows)} {events.process[index]} {events.weight[index]:.10e} ",
        f"{events.scale[index]:.10e} {events.alpha_qed[index]:.10e} {events.alpha_qcd[index]:.10e}\n",
    ]
    for row in rows.tolist():
        numbers = " ".join(f"{value:.17g}" for value in row[6:12])
        text.append(" ".join(str(value) for value in row[:6]) + f" {numbers} {row[12]:g}\n")
    if events.weight_names:
        pairs = zip(events.weight_names, events.further_weights[index].tolist(), strict=True)
        weights = "\n".join(f"<wgt id='{_quoted(name)}'> {value:.10e} </wgt>" for name, value in pairs)
        text.append(f"<rwgt>\n{weights}\n</rwgt>\n")
    return "".join([*text, "</event>\n"])


def _quoted(name: str) -> str:
    return escape(name, {"'": "&apos;"})
