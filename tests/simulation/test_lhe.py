from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from rs3l_gnn.conventions import InputFileError, OutputError
from rs3l_gnn.simulation import HardEvents, inspect_lhe, read_lhe, write_lhe


@pytest.fixture(scope="module")
def lhe_file(hard_events: HardEvents, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lhe") / "hard.lhe.gz"
    write_lhe(path, hard_events, generator="test")
    return path


@pytest.fixture
def plain(lhe_file: Path) -> str:
    return gzip.decompress(lhe_file.read_bytes()).decode()


def _save(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "some.lhe"
    path.write_text(text)
    return path


def test_what_is_written_is_read(lhe_file: Path, hard_events: HardEvents) -> None:
    back = read_lhe(lhe_file)
    assert np.array_equal(back.particles, hard_events.particles)
    assert np.array_equal(back.offsets, hard_events.offsets)
    assert back.scale == pytest.approx(hard_events.scale, rel=1e-9)
    assert back.beams == hard_events.beams
    assert back.xsec == pytest.approx(hard_events.xsec, rel=1e-8)
    assert len(read_lhe(lhe_file, limit=4)) == 4


def test_the_same_events_give_the_same_bytes(lhe_file: Path, hard_events: HardEvents, tmp_path: Path) -> None:
    write_lhe(tmp_path / "again.lhe.gz", hard_events, generator="test")
    assert (tmp_path / "again.lhe.gz").read_bytes() == lhe_file.read_bytes()
    with pytest.raises(OutputError, match="exists already"):
        write_lhe(lhe_file, hard_events, generator="test")


def test_pylhe_reads_our_files(lhe_file: Path, hard_events: HardEvents) -> None:
    pylhe = pytest.importorskip("pylhe")
    events = list(pylhe.LHEFile.fromfile(str(lhe_file)).events)
    assert len(events) == len(hard_events)
    first = hard_events.event(0)
    assert [p.px for p in events[0].particles] == pytest.approx(first["px"].tolist())
    assert events[0].eventinfo.scale == pytest.approx(hard_events.scale[0], rel=1e-9)
    assert [int(p.status) for p in events[0].particles] == first["status"].tolist()


def test_madgraph(shared_data: Path) -> None:
    path = shared_data / "lhe" / "madgraph5-3.5.8-pp_to_jj.lhe.gz"
    events = read_lhe(path)
    assert len(events) == 1000
    assert events.beams.energy_a == 6500
    assert events.scale[0] == pytest.approx(24.38747)
    assert events.event(0)["px"][2] == pytest.approx(23.145962266)
    assert events.xsec == pytest.approx(6.996707e8)
    assert len(events.weight_names) == 145
    assert events.weight_names[0] == "1"
    assert events.further_weights[0, 0] == pytest.approx(7.5079318e8)


def test_powheg(shared_data: Path) -> None:
    path = shared_data / "lhe" / "powheg-box-v2-Zj.lhe"
    events = read_lhe(path)
    assert len(events) == 100
    assert (events.beams.id_a, events.beams.id_b) == (2212, -2212)
    assert events.event(0)["id"].tolist() == [2, -2, 23, 11, -11, 21, 21]
    found = inspect_lhe(path)
    assert found["events"] == 100
    assert found["xsec_pb"] == pytest.approx(139.15706)  # its mean weight; the grid gave 141.9 +- 21.6
    assert found["outgoing"][11] == 200


def test_fortran_numbers(plain: str, tmp_path: Path, hard_events: HardEvents) -> None:
    scale = f"{hard_events.scale[0]:.10e}"
    path = _save(tmp_path, plain.replace(scale, scale.replace("e", "D")))
    assert read_lhe(path).scale[0] == pytest.approx(hard_events.scale[0])


def test_attributes_and_comments_are_passed_over(plain: str, tmp_path: Path, hard_events: HardEvents) -> None:
    text = plain.replace("<event>", '<event npLO=" 1 ">', 1).replace("</event>", "# a comment\n</event>", 1)
    assert np.array_equal(read_lhe(_save(tmp_path, text)).particles, hard_events.particles)


def test_further_weights(plain: str, tmp_path: Path, hard_events: HardEvents) -> None:
    block = "<rwgt>\n<wgt id='up'> 1.5D+00 </wgt>\n<wgt id=\"down\">0.5</wgt>\n</rwgt>\n</event>"
    events = read_lhe(_save(tmp_path, plain.replace("</event>", block)))
    assert events.weight_names == ("up", "down")
    assert events.further_weights.tolist() == [[1.5, 0.5]] * len(hard_events)
    assert events.part(3, 5).further_weights.shape == (2, 2)
    write_lhe(tmp_path / "again.lhe.gz", events, generator="test")
    assert read_lhe(tmp_path / "again.lhe.gz").further_weights.tolist() == events.further_weights.tolist()
    with pytest.raises(InputFileError, match="event 1 has other weights than event 0"):
        read_lhe(_save(tmp_path, plain.replace("</event>", block, 1)))


def test_no_lhe_file(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="is not an LHE file"):
        read_lhe(_save(tmp_path, "pt,eta\n1,2\n"))
    with pytest.raises(InputFileError, match="cannot read .*: No such file"):
        read_lhe(tmp_path / "absent.lhe")


def test_a_cut_file_is_refused(plain: str, lhe_file: Path, tmp_path: Path) -> None:
    middle = plain.index("<event>", len(plain) // 2) + 60
    with pytest.raises(InputFileError, match=r"is cut short in event \d+"):
        read_lhe(_save(tmp_path, plain[:middle]))
    between = plain.rindex("</event>") + len("</event>\n")
    with pytest.raises(InputFileError, match="is cut short after 30 events"):
        read_lhe(_save(tmp_path, plain[:between]))
    packed = tmp_path / "cut.lhe.gz"
    packed.write_bytes(lhe_file.read_bytes()[:-200])
    with pytest.raises(InputFileError, match="damaged gzip file"):
        read_lhe(packed)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<init>\n", "<start>\n", "has events before its <init>"),
        ("2212 2212", "2212", "<init> block is broken"),
        ("</event>\n<event>", "<event>", "event 0 has no end"),
        ("25 2 1 2", "25 2 1 99", "a mother that it does not have"),
        ("25 2 1 2", "25 two 1 2", "event 0 is broken"),
        ("\n12 -1 ", "\n13 ", "event 0 is broken"),
    ],
)
def test_broken_files_are_named(plain: str, tmp_path: Path, old: str, new: str, message: str) -> None:
    if old not in plain:  # the number of particles of the first event
        head = plain[plain.index("<event>\n") + 8 :].split(" ", 1)[0]
        old, new = f"<event>\n{head} ", f"<event>\n{int(head) + 1} "
    with pytest.raises(InputFileError, match=message):
        read_lhe(_save(tmp_path, plain.replace(old, new, 1)))


def test_an_event_without_scale_is_refused_or_repaired(plain: str, tmp_path: Path, hard_events: HardEvents) -> None:
    path = _save(tmp_path, plain.replace(f"{hard_events.scale[3]:.10e}", "0.0"))
    with pytest.raises(InputFileError, match=r"event 3 has no scale.*SCALUP = 0.*'repair'"):
        read_lhe(path)
    repaired = read_lhe(path, scalup="repair")
    rows = hard_events.event(3)
    higgs, z = rows[rows["id"] == 25][0], rows[rows["id"] == 23][0]
    largest = max(np.sqrt(p["m"] ** 2 + p["px"] ** 2 + p["py"] ** 2) for p in (higgs, z))
    assert repaired.scale[3] == pytest.approx(largest)
    assert inspect_lhe(path)["events_without_scale"] == 1


def test_a_file_without_events(plain: str, tmp_path: Path) -> None:
    text = plain[: plain.index("<event>")] + "</LesHouchesEvents>\n"
    with pytest.raises(InputFileError, match="holds no events"):
        read_lhe(_save(tmp_path, text))


def test_one_wrong_byte_in_a_packed_file(lhe_file: Path, tmp_path: Path) -> None:
    whole = lhe_file.read_bytes()
    path = tmp_path / "flipped.lhe.gz"
    for place in np.linspace(20, len(whole) - 2, 15).astype(int):
        packed = bytearray(whole)
        packed[place] ^= 0x5A
        path.write_bytes(packed)
        with pytest.raises(InputFileError, match=r"flipped.lhe.gz"):
            read_lhe(path)


@pytest.mark.parametrize("wrong", ["nan", "inf"])
def test_numbers_that_are_none(plain: str, tmp_path: Path, hard_events: HardEvents, wrong: str) -> None:
    start = plain.index("\n", plain.index("<event>\n") + 8) + 1
    fields = plain[start : plain.index("\n", start)].split()
    fields[9] = wrong
    changed = plain[:start] + " ".join(fields) + plain[plain.index("\n", start) :]
    with pytest.raises(InputFileError, match="event 0"):
        read_lhe(_save(tmp_path, changed))


def test_header_and_attributes_travel(plain: str, tmp_path: Path, hard_events: HardEvents) -> None:
    header = "<MGRunCard>\n 1 = ickkw\n</MGRunCard>"
    slha = "BLOCK MASS\n 25 1.250000e+02 # mh"
    text = plain.replace(
        "</header>", f"<SLHA version='1'>\n{slha}\n</SLHA>\n{header}\n</header>\n<!-- hdamp 100\n<init>\n-->"
    )
    text = text.replace("<event>", "<event npLO=' 2 ' note=\"it's &lt; 3\">", 1)
    events = read_lhe(_save(tmp_path, text))
    assert events.slha == slha
    assert events.header == f"{header}\n\n<!-- hdamp 100\n<init>\n-->"
    assert events.attributes[:2] == ({"npLO": " 2 ", "note": "it's < 3"}, {})
    assert len(events.attributes) == len(hard_events)
    assert events.part(0, 1).attributes == events.attributes[:1]
    assert events.part(1, 3).slha == slha
    write_lhe(tmp_path / "again.lhe.gz", events, generator="test")
    again = read_lhe(tmp_path / "again.lhe.gz")
    assert (again.slha, again.header, again.attributes) == (events.slha, events.header, events.attributes)
    assert np.array_equal(again.particles, hard_events.particles)


def test_a_file_without_header(lhe_file: Path) -> None:
    events = read_lhe(lhe_file)
    assert (events.slha, events.header, events.attributes) == ("", "", ())
