"""Small packed files that hold a line or an event of any size: one message, and little memory."""

from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rs3l_gnn.conventions import InputFileError
from rs3l_gnn.simulation.hepmc_file import read_events
from rs3l_gnn.simulation.lhe import read_lhe
from rs3l_gnn.workflows.inspection import describe

MB = 2**20
UNPACKED = 100 * MB
"""Bytes of each bomb; a reader that held them would need as many and more."""
MEMORY = 70 * MB
INIT = "<init>\n2212 2212 6500 6500 0 0 0 0 3 1\n1 1 1 1\n</init>\n"
HEAD = f"<LesHouchesEvents>\n{INIT}<event>\n"
PARTICLE = "21 -1 0 0 501 502 0 0 10 10 0 0 9\n"


def _bomb(path: Path, start: str, filling: str) -> Path:
    """A gzip file of which each part can be read, and that has no end."""
    block = (filling * (MB // len(filling) + 1)).encode()
    with gzip.open(path, "wb", compresslevel=6) as stream:
        stream.write(start.encode())
        for _ in range(UNPACKED // len(block) + 1):
            stream.write(block)
    assert path.stat().st_size < MB
    return path


@contextmanager
def _little_memory() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < MEMORY
    finally:
        tracemalloc.stop()


LHE = {
    "line of the header": ("<LesHouchesEvents>\n<header>\n", "x", "a line of 4 MB or more"),
    "header": (
        "<LesHouchesEvents>\n<header>\n",
        "text" * 9 + "\n",
        "what stands before an <init> block is larger",
    ),
    "init": ("<LesHouchesEvents>\n<init>\n", "1 1 1 1\n", "the <init> block is larger than 4 MB"),
    "line of an event": (f"{HEAD}3 1 1 1 1 1\n", "1 ", "a line of 4 MB or more"),
    "particles": (f"{HEAD}9000000 1 1 1 1 1\n", PARTICLE, "event 0 is larger than 16 MB"),
    "tags": (f"{HEAD}{PARTICLE}<rwgt>\n", "<wgt id='a'>1</wgt>\n", "event 0 is larger than 16 MB"),
    "comment": (f"{HEAD}{PARTICLE}<!--\n", "x\n", "event 0 is larger than 16 MB"),
}


@pytest.mark.parametrize("name", LHE)
def test_an_lhe_file_larger_than_any_generator_writes(name: str, tmp_path: Path) -> None:
    start, filling, message = LHE[name]
    path = _bomb(tmp_path / "a.lhe.gz", start, filling)
    with _little_memory(), pytest.raises(InputFileError, match=f"a.lhe.gz, line .*{message}"):
        read_lhe(path, limit=10)


HEPMC = "HepMC::Version 3.02.05\nHepMC::Asciiv3-START_EVENT_LISTING\n"
EVENT = "E 1 1 2\nU GEV MM\nP 1 0 2212 0 0 1 1 0 4\n"


@pytest.mark.parametrize(
    ("start", "filling", "message"),
    [
        (f"{HEPMC}{EVENT}A 0 a ", "x", "a line of more than 4 MB after event 1"),
        pytest.param(
            f"{HEPMC}{EVENT * 3}",
            "P 1 0 2212 0 0 1 1 0 4\n",
            "more than 64 MB in event 3, from 1",
            marks=pytest.mark.slow,  # three million lines
        ),
    ],
    ids=["line", "event"],
)
def test_a_hepmc_file_larger_than_any_generator_writes(start: str, filling: str, message: str, tmp_path: Path) -> None:
    path = _bomb(tmp_path / "a.hepmc.gz", start, filling)
    with _little_memory(), pytest.raises(InputFileError, match=message):
        next(read_events(path))


def test_inspection_holds_no_line_of_any_length(tmp_path: Path) -> None:
    path = _bomb(tmp_path / "a.hepmc.gz", f"{HEPMC}{EVENT}A 0 a ", "x")
    with _little_memory(), pytest.raises(InputFileError, match="line 6: a line of 4 MB or more.*after 1 events"):
        describe(path)
