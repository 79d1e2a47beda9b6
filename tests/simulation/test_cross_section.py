from __future__ import annotations

import gzip
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import pythia8mc

from rs3l_gnn.conventions import InputFileError
from rs3l_gnn.simulation import inspect_lhe, read_lhe, write_lhe
from rs3l_gnn.simulation.cross_section import CrossSection

WEIGHTED = [1, 2, 3, 4, 5, 0.5, 7, 2]


def _of_pythia(path: Path) -> tuple[float, float]:
    """Cross-section and error in pb that Pythia's own reader gives."""
    pythia = pythia8mc.Pythia("", False)
    for setting in (
        "Beams:frameType=4",
        f"Beams:LHEF={path}",
        "PartonLevel:all=off",
        "HadronLevel:all=off",
        "Print:quiet=on",
        "LesHouches:matchInOut=off",
        "Check:event=off",
    ):
        assert pythia.readString(setting)
    assert pythia.init()
    while pythia.next():
        pass
    info = pythia.infoPython()
    return info.sigmaGen() * 1e9, info.sigmaErr() * 1e9


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("strategy", "expected"), [(1, 3.0625), (2, 3.0), (3, 3.0), (4, 3.0625)])
def test_each_idwtup_as_pythia_reads_it(strategy: int, expected: float, sign: int, lhe_of: Callable[..., Path]) -> None:
    options = {"strategy": sign * strategy, "processes": ["3 0.5 7 1"]}
    path = lhe_of(WEIGHTED * 5, **options)
    mine = read_lhe(path).cross_section()
    assert mine.value == pytest.approx(expected, rel=1e-9)
    assert mine.value == pytest.approx(_of_pythia(path)[0], rel=1e-9)
    assert mine.error == pytest.approx(0.5 if strategy in (2, 3) else _scatter(WEIGHTED * 5))


def test_of_two_values_that_agree_the_better_known(lhe_of: Callable[..., Path]) -> None:
    events = read_lhe(lhe_of(WEIGHTED * 5, strategy=4, processes=["3 0.1 7 1"]))
    assert events.cross_section().value == 3.0
    assert events.cross_section().error == 0.1


def _scatter(weights: Sequence[float]) -> float:
    mean = sum(weights) / len(weights)
    return math.sqrt(sum((w - mean) ** 2 for w in weights) / len(weights) / (len(weights) - 1))


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("powheg-box-v2-Zj.lhe", "mean weight"),
        ("pylhe-testfile-powheg-box-v2-trijet.lhe", "mean weight"),
        ("pylhe-testfile-madgraph-2.0.0-wbj.lhe", "XSECUP"),
        ("pylhe-testfile-madgraph-2.2.1-Z-mlm.lhe.gz", "XSECUP"),
    ],
)
def test_files_of_generators_as_pythia_reads_them(name: str, source: str, shared_data: Path) -> None:
    path = shared_data / "lhe" / name
    found = read_lhe(path, limit=1000).cross_section()
    assert found.source == source
    assert found.value == pytest.approx(_of_pythia(path)[0], rel=1e-6)


def test_a_mean_that_its_signs_leave_open(shared_data: Path) -> None:
    """Six events of +-1.1e7 pb: 3.7e6 +- 4.3e6 pb for Pythia; POWHEG's integral of 7217 +- 887 pb says more."""
    path = shared_data / "lhe" / "pylhe-testfile-powheg-box-v2-hvq.lhe"
    assert _of_pythia(path) == pytest.approx((3.7151e6, 4.29e6), rel=1e-3)
    found = read_lhe(path).cross_section()
    assert (found.value, found.error, found.source) == (7217.2, 887.364, "XSECUP")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("lhe/pylhe-testfile-sherpa-3.0.1-eejjj.lhe", 206.622), ("sherpa/sherpa-3.0.3-Zj.lhe.gz", 2.18113)],
)
def test_sherpa_by_weights_over_trials(name: str, expected: float, shared_data: Path, tmp_path: Path) -> None:
    path = shared_data / name
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    weights, trials = 0.0, 0
    for event in text.split("<event")[1:]:
        trials += int(re.search(r"trials='(\d+)'", event)[1])  # type: ignore[index] # every event has it
        weights += float(event.split("\n")[1].split()[2])
    events = read_lhe(path)
    assert weights / trials == pytest.approx(expected, rel=1e-5)
    assert events.xsec == pytest.approx(weights / trials, rel=1e-9)
    # Trials without an event have weight 0, whatever the others weigh: a binomial error.
    share = len(events) / trials
    error = events.weight[0] * math.sqrt(share * (1 - share) / trials)
    assert events.cross_section().error == pytest.approx(error, rel=1e-2)
    write_lhe(tmp_path / "hard.lhe.gz", events, generator="test")
    assert read_lhe(tmp_path / "hard.lhe.gz").xsec == pytest.approx(events.xsec, rel=1e-9)
    half = read_lhe(path, limit=len(events) // 2).cross_section()
    assert half.error is not None
    assert abs(half.value - events.xsec) < 3 * half.error


@pytest.mark.parametrize(
    "process", ["-1 -1 1 1", "1 1e14 1 1", "1 1 1 1", "nan 0 1 1", "inf 0 1 1", "0 0 1 1", "5 nan 1 1", "2 3 1 1"]
)
def test_a_placeholder_is_no_cross_section(process: str, lhe_of: Callable[..., Path]) -> None:
    unweighted = lhe_of(strategy=3, processes=[process])
    with pytest.raises(InputFileError, match=r"some.lhe: its <init> block states no cross-section.*samples.mine.xsec"):
        read_lhe(unweighted).cross_section(where="some.lhe", key="samples.mine.xsec")
    found = inspect_lhe(unweighted)
    assert found["xsec_pb"] is None
    assert "states no cross-section" in found["xsec_problem"]
    weighted = read_lhe(lhe_of([4, 6, 8], strategy=-4, processes=[process]))
    assert weighted.xsec == pytest.approx(6)


def test_one_event_of_a_generator_may_be_its_own_error(lhe_of: Callable[..., Path]) -> None:
    assert read_lhe(lhe_of([1], processes=["0.37 0.37 1 1"])).xsec == pytest.approx(0.37)


def test_numbers_that_contradict_each_other(lhe_of: Callable[..., Path]) -> None:
    path = lhe_of([2.5] * 4, strategy=-4)
    with pytest.raises(
        InputFileError, match=r"mean weight is 2.5 pb; got XSECUP = \(10 \+- 0.1\) pb; .*event_norm = sum"
    ):
        read_lhe(path).cross_section()
    path = lhe_of([2.5] * 7, strategy=-4)
    with pytest.raises(InputFileError, match=r"contradicts itself(?!.*event_norm)"):
        read_lhe(path).cross_section()


def test_weights_that_add_up_to_nothing(lhe_of: Callable[..., Path]) -> None:
    for weights in ((1, -1), (0, 0), (-1, -1)):
        with pytest.raises(InputFileError, match="do not add up to anything positive"):
            read_lhe(lhe_of(weights, strategy=-4)).cross_section()


def test_several_processes_that_are_still_to_be_accepted(lhe_of: Callable[..., Path]) -> None:
    two = ["3 0.1 7 1", "4 0.1 7 2"]
    with pytest.raises(InputFileError, match="one process a file"):
        read_lhe(lhe_of(WEIGHTED, strategy=2, processes=two)).cross_section()
    assert read_lhe(lhe_of([1, 1], strategy=2, processes=two)).xsec == pytest.approx(7)
    with pytest.raises(InputFileError, match="IDWTUP has no meaning; got 7"):
        read_lhe(lhe_of(strategy=7)).cross_section()


@pytest.mark.parametrize("trials", ["trials='x'", "trials='-1'", "trials='nan'", ""])
def test_trials_that_are_none(trials: str, lhe_of: Callable[..., Path]) -> None:
    path = lhe_of([1, 1], tags=["trials='3'", trials])
    with pytest.raises(InputFileError, match="event 1 has no number of trials"):
        read_lhe(path).cross_section()


def test_what_the_file_or_the_user_states(lhe_of: Callable[..., Path], tmp_path: Path) -> None:
    text = (
        lhe_of([2.5] * 4, strategy=-4)
        .read_text()
        .replace("</init>", "<xsecinfo neve='4' totxsec=\"1.5D+01\"/>\n</init>")
    )
    events = read_lhe(lhe_of(text=text))
    assert events.cross_section() == CrossSection(15.0, None, "<xsecinfo>")
    mean = CrossSection(0.1 + 0.2, 1 / 3, "mean weight")
    write_lhe(tmp_path / "hard.lhe.gz", replace(events, stated_xsec=mean), generator="test")
    assert read_lhe(tmp_path / "hard.lhe.gz", limit=1).cross_section() == mean
    with pytest.raises(InputFileError, match=r"<xsecinfo> states no cross-section; got totxsec='-1'"):
        read_lhe(lhe_of(text=text.replace("1.5D+01", "-1")))
