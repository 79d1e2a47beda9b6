from __future__ import annotations

from pathlib import Path

import pytest

from rs3l_gnn.conventions import InputFileError
from rs3l_gnn.simulation.hepmc_scan import count_events

START, END = "HepMC::Version 3.02.05\nHepMC::Asciiv3-START_EVENT_LISTING\n", "HepMC::Asciiv3-END_EVENT_LISTING\n"
EVENT = "E 0 1 3\nU GEV MM\n"
GOOD = "P 1 0 21 0 0 7 7 0 4\nV -1 0 [1]\nP 2 -1 21 0 0 3 3 0 1\nP 3 2 21 0 0 4 4 0 1\n"
CYCLE = "P 1 -1 21 0 0 7 7 0 4\nV -1 0 [1]\nP 2 -1 21 0 0 3 3 0 1\n"


def _write(path: Path, *events: str) -> Path:
    path.write_text(START + "".join(EVENT + event for event in events) + END)
    return path


def test_events_are_counted(tmp_path: Path) -> None:
    assert count_events(_write(tmp_path / "a", GOOD, GOOD, GOOD)) == 3


def test_a_vertex_may_name_particles_behind_it(tmp_path: Path) -> None:
    """Sherpa writes them so."""
    assert count_events(_write(tmp_path / "a", "V -1 0 [1,2]\nP 1 0 21 0 0 7 7 0 4\nP 2 0 21 0 0 7 7 0 4\n")) == 1


@pytest.mark.parametrize("event", [CYCLE, "P 1 1 21 0 0 7 7 0 4\n", "V -1 0 [1]\nP 1 2 21 0 0 7 7 0 4\nP 2 -1 21\n"])
def test_particles_that_come_from_themselves_end_the_process_of_the_library(event: str, tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match=r"in event 2, from 1, particles come from themselves"):
        count_events(_write(tmp_path / "a", GOOD, event))


def test_an_event_that_says_so_may_have_cycles(tmp_path: Path) -> None:
    assert count_events(_write(tmp_path / "a", "A 0 cycles 1\n" + CYCLE)) == 1


def test_sherpas_events_with_cycles(shared_data: Path) -> None:
    assert count_events(shared_data / "sherpa" / "sherpa-3.0.3-Zj.hepmc.gz") == 80


@pytest.mark.parametrize(
    "line", ["P 1\n", "P a 0 21\n", "V -1 0\n", "V -1 0 [1,b]\n", "V -1 0 [99999999999]\n", "P 2147483648 0 21\n"]
)
def test_a_line_that_is_no_particle_or_vertex(line: str, tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match=f"event 1, from 1, has a broken line: {line[:3]}"):
        count_events(_write(tmp_path / "a", line))


@pytest.mark.parametrize("line", ["V -9 0 [77]\n", "P 2 77 21 0 0 7 7 0 1\n"])
def test_what_comes_from_an_absent_particle(line: str, tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="something comes from particle 77, which is not there"):
        count_events(_write(tmp_path / "a", line))


def test_without_its_end(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(START + EVENT + GOOD)
    with pytest.raises(InputFileError, match="ends without END_EVENT_LISTING"):
        count_events(tmp_path / "a")


OLD_START = "HepMC::Version 2.06.09\nHepMC::IO_GenEvent-START_EVENT_LISTING\n"
OLD_EVENT = "E 0 0 0 0 0 0 0 1 1 2 0 0\n"
OLD_VERTEX = "V -1 0 0 0 0 0 1 1 0\n"
OLD_PARTICLE = "P 1 21 0 0 7 7 0 4 0 0 -1 0\n"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (OLD_EVENT + OLD_VERTEX + OLD_PARTICLE, "0 vertices and 1 particles are missing"),
        (OLD_EVENT, "1 vertices and 0 particles are missing"),
        (OLD_EVENT + OLD_VERTEX + 3 * OLD_PARTICLE, "event 1, from 1, has a broken line: P 1 21"),
        (OLD_PARTICLE + OLD_EVENT + OLD_VERTEX + 2 * OLD_PARTICLE, "event 0, from 1, has a broken line: P 1 21"),
        (OLD_EVENT + OLD_VERTEX + OLD_PARTICLE + OLD_VERTEX, "event 1, from 1, has a broken line: V -1"),
        (OLD_EVENT + OLD_VERTEX.replace("-1", "0"), "event 1, from 1, has a broken line: V 0"),
        (OLD_EVENT + OLD_VERTEX.replace("-1", "-4294967296"), "event 1, from 1, has a broken line: V -4294967296"),
    ],
)
def test_counts_of_version_2(lines: str, message: str, tmp_path: Path) -> None:
    """The library believes them, and ends the process where they are wrong."""
    path = tmp_path / "a"
    path.write_text(OLD_START + OLD_EVENT + OLD_VERTEX + 2 * OLD_PARTICLE + "HepMC::IO_GenEvent-END_EVENT_LISTING\n")
    assert count_events(path) == 1
    path.write_text(OLD_START + lines + "HepMC::IO_GenEvent-END_EVENT_LISTING\n")
    with pytest.raises(InputFileError, match=message):
        count_events(path)
