from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rs3l_gnn.conventions import InputFileError
from rs3l_gnn.simulation import inspect_lhe, read_lhe

SLHA = "<slha>\nBLOCK MASS\n 25 125.0 # written on {day}\n</slha>\n"


def test_files_one_after_another(lhe_text: Callable[..., str], lhe_of: Callable[..., Path]) -> None:
    first = lhe_text([1, 2], header=SLHA.format(day="Monday"), tags=["npLO='1'", ""])
    second = lhe_text([3, 4, 5], header=SLHA.format(day="Tuesday"))
    for between in ("", "\n\n# exit values of the random numbers\n", '<?xml version="1.0"?>\n'):
        path = lhe_of(text=first.rstrip("\n") + between + second + "\n")
        events = read_lhe(path)
        assert events.weight.tolist() == [1, 2, 3, 4, 5]
        assert events.attributes == ({"npLO": "1"}, {}, {}, {}, {})
        assert inspect_lhe(path)["files_joined"] == 2
        assert read_lhe(path, limit=4).weight.tolist() == [1, 2, 3, 4]
        assert read_lhe(path, limit=2).weight.tolist() == [1, 2]


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_packed_members(pack: Callable[[bytes], bytes], lhe_text: Callable[..., str], tmp_path: Path) -> None:
    path = tmp_path / "some.lhe.gz"
    path.write_bytes(pack(lhe_text([1, 2]).encode()) + pack(lhe_text([3]).encode()))
    assert read_lhe(path).weight.tolist() == [1, 2, 3]
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputFileError, match="is a damaged"):
        read_lhe(path)


def test_cross_sections_of_runs_are_averaged_by_events(
    lhe_text: Callable[..., str], lhe_of: Callable[..., Path]
) -> None:
    """As the weights of such files average: the mean of 10 pb (30 events) and 10.6 pb (10 events) is 10.15 pb."""
    for strategy in (3, -4):
        ones = strategy == 3
        a = lhe_text([1 if ones else 10] * 30, strategy=strategy, processes=["10 0.3 10 1"])
        b = lhe_text([1 if ones else 10.6] * 10, strategy=strategy, processes=["10.6 0.4 12 1"])
        events = read_lhe(lhe_of(text=a + b))
        process = events.processes[0]
        assert process.xsec == pytest.approx(10.15)
        assert process.error == pytest.approx(np.hypot(0.3 * 30, 0.4 * 10) / 40)
        assert process.maximum == 12
        assert events.xsec == pytest.approx(10.15)
        if strategy == -4:
            assert events.weight.mean() == pytest.approx(10.15)


def test_parts_of_one_run_and_placeholders(lhe_text: Callable[..., str], lhe_of: Callable[..., Path]) -> None:
    same = read_lhe(lhe_of(text=lhe_text([1]) + lhe_text([1, 1])))
    assert same.cross_section().error == 0.1
    processes = ["10 0.3 1 1", "0 0 1 2"]
    second = lhe_text([1], processes=["10 0.3 1 1", "2 2 1 2"])
    with_zero = read_lhe(lhe_of(text=lhe_text([1], processes=processes) + second))
    assert with_zero.xsec == pytest.approx(11)
    unusable = read_lhe(lhe_of(text=lhe_text([1]) + lhe_text([1], processes=["-1 -1 1 1"])))
    with pytest.raises(InputFileError, match="states no cross-section"):
        unusable.cross_section()
    trials = read_lhe(
        lhe_of(
            text=lhe_text([6], processes=["1 1 1 1"], tags=["trials='2'"])
            + lhe_text([3], processes=["1 1 1 1"], tags=["trials='4'"])
        )
    )
    assert trials.xsec == pytest.approx(9 / 6)


@pytest.mark.parametrize(
    ("options", "change", "message"),
    [
        ({"strategy": 4}, ("", ""), "differ in IDWTUP; got 3 and then 4"),
        ({}, ("2212 2212", "2212 -2212"), r"differ in beams; got \(2212, 2212\) and then \(2212, -2212\)"),
        ({}, ("6500 6500", "7000 7000"), "differ in beam energies"),
        ({}, ("0 0 1 1 3", "0 0 1 2 3"), "differ in PDF sets"),
        ({"processes": ["10 0.1 1 2"]}, ("", ""), r"differ in processes; got \[1\] and then \[2\]"),
        ({"processes": ["20 0.1 1 1"]}, ("", ""), "differ in the cross-section of process 1; got 10 .* and then 20 "),
        ({"header": SLHA.replace("125.0", "126.0")}, ("", ""), "differ in <slha>; simulate them as samples of their"),
    ],
)
def test_what_does_not_agree_is_named(
    options: dict[str, object],
    change: tuple[str, str],
    message: str,
    lhe_text: Callable[..., str],
    lhe_of: Callable[..., Path],
) -> None:
    second = lhe_text([1], **{"header": SLHA, **options}).replace(*change, 1)
    path = lhe_of(text=lhe_text([1, 1], header=SLHA) + second)
    with pytest.raises(InputFileError, match=rf"line \d+: files put one after another {message}"):
        read_lhe(path)
    assert len(read_lhe(path, limit=2)) == 2


def test_events_after_the_end(lhe_text: Callable[..., str], lhe_of: Callable[..., Path]) -> None:
    text = lhe_text([1, 1])
    last = text.rindex("<event>")
    with pytest.raises(InputFileError, match="events after the end tag, without <LesHouchesEvents>"):
        read_lhe(lhe_of(text=text + text[last:]))
    with pytest.raises(InputFileError, match="cut short after 3 events"):
        read_lhe(lhe_of(text=text + text[:last]))
