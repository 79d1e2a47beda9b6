"""Which hard events of simulated files are matched: sets of numbers read with uproot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import uproot

from rs3l_gnn.conventions import InputFileError, InvalidDataError
from rs3l_gnn.data.matching import MatchedSample
from rs3l_gnn.data.simulated import SimulatedFile

VARIATIONS = ("nominal", "seed", "fsrRenHi")


@pytest.fixture(scope="module")
def paths(toy_sample: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """60 events of two variations, 30 of the third, and files of another sample and another run."""
    out = tmp_path_factory.mktemp("matching")
    found = {
        name: toy_sample("qcd", n_events=30 if name == "fsrRenHi" else 60).write(out / f"{name}.root", name)
        for name in VARIATIONS
    }
    found["other"] = toy_sample("hbb", n_events=5).write(out / "other.root")
    found["wrong"] = toy_sample("qcd", n_events=60, run_seed=2).write(out / "wrong.root", "seed")
    return found


def _passed(path: Path) -> set[int]:
    """Events with an anchor jet."""
    tree = uproot.open(f"{path}:Events")
    jets = zip(tree["event"].array().to_list(), tree["FatJet_anchor"].array().to_list(), strict=True)
    return {event for event, anchors in jets if any(anchors)}


def _collect(paths: dict[str, Path], *names: str) -> MatchedSample:
    return MatchedSample.collect("qcd", [SimulatedFile.open(paths[name]) for name in names])


def test_events_are_those_of_sets(paths: dict[str, Path]) -> None:
    sample = _collect(paths, "seed", "other", "nominal", "fsrRenHi")
    nominal, seed, fsr = (_passed(paths[name]) for name in VARIATIONS)
    assert sample.matched.tolist() == sorted(nominal & (seed | fsr))
    assert [file.variation.name for file in sample.nominal] == ["nominal"]
    report = sample.report()
    assert (report.hard_events, report.nominal, report.matched) == (60, len(nominal), len(nominal & (seed | fsr)))
    assert (report.in_all, report.complete) == (30, len(nominal & seed & fsr))
    assert report.simulated == {"seed": 60, "nominal": 60, "fsrRenHi": 30}
    assert report.passed == {"seed": len(seed), "nominal": len(nominal), "fsrRenHi": len(fsr)}
    assert report.matched_with == {"seed": len(nominal & seed), "fsrRenHi": len(nominal & fsr)}
    assert report.match_efficiencies["fsrRenHi"] == len(nominal & fsr) / 30
    assert report.complete_efficiency == len(nominal & seed & fsr) / 30


def test_members_of_a_file(paths: dict[str, Path]) -> None:
    sample = _collect(paths, *VARIATIONS)
    events, files = sample.members(sample.nominal[0])
    assert events.tolist() == sample.matched.tolist()
    assert {file.variation.name for file in files} == set(VARIATIONS)


def test_nominal_alone_matches_nothing(paths: dict[str, Path]) -> None:
    sample = _collect(paths, "nominal")
    assert sample.matched.tolist() == []
    assert (sample.report().complete, sample.report().match_efficiency) == (0, 0.0)
    assert sample.members(sample.nominal[0])[1] == []


def test_what_does_not_belong_together_is_refused(paths: dict[str, Path]) -> None:
    with pytest.raises(InputFileError, match="sample 'qcd' has no nominal file; got seed"):
        _collect(paths, "seed", "other")
    with pytest.raises(InvalidDataError, match=r"event 0 of sample 'qcd' has other hard partons .* \(60 such events\)"):
        _collect(paths, "nominal", "wrong")
    with pytest.raises(InvalidDataError, match="event 0 of sample 'qcd' comes twice in variation 'seed'"):
        _collect(paths, "nominal", "seed", "seed")
