"""Matching of views by hard event."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot

from rs3l_gnn.conventions import (
    ConfigError,
    InputFileError,
    InvalidDataError,
    JetDomain,
    OutputError,
    UnknownVariationError,
)
from rs3l_gnn.data import PairConfig, PairReport, Views, ViewsFile, pair, read_views
from rs3l_gnn.data.simulated import SimulatedFile


def write(toy_sample: Callable[..., Any], folder: Path, variation: str, **options: Any) -> Path:
    path: Path = toy_sample("qcd", **options).write(folder / "qcd" / f"{variation}_0000.root", variation)
    return path


def test_views_stand_by_event_with_nominal_first(views: Views) -> None:
    assert views.samples == ("hbb", "qcd")
    for event in range(views.n_events):
        mine = slice(views.first[event], views.first[event + 1])
        assert views.vartype[mine].tolist() == [-1, 0, 1, 2]
        assert len(set(views.event[mine])) == len(set(views.sample[mine])) == 1
    assert set(views.jettype[views.sample == 0]) == {4}
    assert set(views.jettype[views.sample == 1]) == {1}


def test_the_file_says_what_kind_of_jets_it_holds(toy_sample: Callable[..., Any], tmp_path: Path) -> None:
    for variation in ("nominal", "seed"):
        write(toy_sample, tmp_path, variation)
    pair(PairConfig(directories=(tmp_path / "qcd",)), tmp_path / "views.h5")
    with ViewsFile(tmp_path / "views.h5") as file:
        pt = file.index.pt
        expected = JetDomain(0.8, min(450.0, float(pt.min())), float(pt.max()), ("pfnano",), ())
        assert file.domain == expected


def test_each_view_holds_its_own_particles(views: Views, toy_sample: Callable[..., Any]) -> None:
    for jet in (0, 5, views.n_jets - 1):
        variation = next(v.name for v in views.variations if v.vartype == views.vartype[jet])
        row = toy_sample(views.samples[views.sample[jet]]).jet(int(views.event[jet]), variation)
        got = np.exp(views.features[views.offsets[jet] : views.offsets[jet + 1], 0])
        np.testing.assert_allclose(got, np.sort(row["pt"])[::-1], rtol=1e-5)


def test_shower_weights_are_those_of_the_nominal_files(views: Views, toy_directory: Path) -> None:
    assert views.shower_weight_names == ("isrUp", "isrDown")
    assert views.shower_weights is not None
    for number, name in enumerate(views.samples):
        tree = uproot.open(toy_directory / name / "nominal_0000.root")["Events"]
        table = dict(zip(tree["event"].array().tolist(), tree["PSWeight"].array().tolist(), strict=True))
        for jet in np.flatnonzero(views.sample == number):
            expected = table[int(views.event[jet])] if views.vartype[jet] == -1 else [np.nan, np.nan]
            np.testing.assert_array_equal(views.shower_weights[jet], expected)


def test_the_report_counts(paired: tuple[Path, PairReport], toy_sample: Callable[..., Any]) -> None:
    path, report = paired
    passed = sum(toy_sample("qcd").jet(event, "nominal") is not None for event in range(60))
    qcd = report.samples["qcd"]
    assert (qcd.hard_events, qcd.nominal, qcd.matched, qcd.complete) == (60, passed, passed, passed)
    assert qcd.match_efficiency == pytest.approx(passed / 60)
    assert report.matched == sum(sample.matched for sample in report.samples.values())
    document = json.loads(path.with_suffix(".report.json").read_text())
    assert document["views"] == report.views == 4 * report.matched
    assert set(document["provenance"]["inputs"]) >= {"qcd/nominal_0000.root", "hbb/seed_0000.root"}


def test_views_may_be_missing_and_chunks_need_not_align(toy_sample: Callable[..., Any], tmp_path: Path) -> None:
    """The seed run stops after 20 of 50 events and the other variation after 30: 30 events remain."""
    write(toy_sample, tmp_path, "nominal", n_events=50)
    write(toy_sample, tmp_path, "seed", n_events=20)
    write(toy_sample, tmp_path, "fsrRenHi", n_events=30)
    report = pair(PairConfig(directories=(tmp_path,)), tmp_path / "v.h5")
    views = read_views(tmp_path / "v.h5")
    alive = [event for event in range(50) if toy_sample("qcd").jet(event, "nominal") is not None]
    assert views.event[views.is_nominal()].tolist() == [event for event in alive if event < 30]
    assert report.samples["qcd"].complete == sum(event < 20 for event in alive)
    assert report.samples["qcd"].matched_with["fsrRenHi"] == views.n_events
    qcd = report.samples["qcd"]
    assert (qcd.hard_events, qcd.in_all) == (50, 20)
    assert qcd.simulated == {"nominal": 50, "seed": 20, "fsrRenHi": 30}
    assert qcd.complete_efficiency == qcd.complete / 20
    assert qcd.match_efficiencies["fsrRenHi"] == qcd.matched_with["fsrRenHi"] / 30
    per_event = {int(views.event[views.first[i]]): views.first[i + 1] - views.first[i] for i in range(views.n_events)}
    assert all(count == (3 if event < 20 else 2) for event, count in per_event.items())


def test_variations_may_stand_in_another_output(toy_sample: Callable[..., Any], tmp_path: Path) -> None:
    """Variations that were added later, for the first events, in a directory without a nominal file."""
    for variation in ("nominal", "seed"):
        write(toy_sample, tmp_path / "first", variation, n_events=50)
    write(toy_sample, tmp_path / "added", "fsrRenHi", n_events=20)
    directories = (tmp_path / "added", tmp_path / "first")
    report = pair(PairConfig(directories=directories), tmp_path / "v.h5").samples["qcd"]
    alive = [event for event in range(50) if toy_sample("qcd").jet(event, "nominal") is not None]
    assert (report.hard_events, report.matched) == (50, len(alive))
    assert report.matched_with == {"seed": len(alive), "fsrRenHi": sum(event < 20 for event in alive)}
    views = read_views(tmp_path / "v.h5")
    assert views.event[views.vartype == 1].tolist() == [event for event in alive if event < 20]
    write(toy_sample, tmp_path / "added", "fsrRenHi", n_events=20, run_seed=2)
    with pytest.raises(InvalidDataError, match="has other hard partons in variation 'fsrRenHi' than in nominal"):
        pair(PairConfig(directories=directories), tmp_path / "w.h5")


def test_only_the_wanted_variations_are_kept(toy_directory: Path, tmp_path: Path) -> None:
    pair(PairConfig(directories=(toy_directory,), variations=("seed",)), tmp_path / "v.h5")
    assert set(read_views(tmp_path / "v.h5").vartype) == {-1, 0}
    with pytest.raises(UnknownVariationError, match="unknown variation 'sed' in variations"):
        pair(PairConfig(directories=(toy_directory,), variations=("sed",)), tmp_path / "w.h5")


def test_samples_may_have_other_names(toy_directory: Path, views: Views, tmp_path: Path) -> None:
    """Events are known by sample and number: those of another simulation must not be taken for the trained ones."""
    settings = {"directories": (toy_directory,), "sample_names": {"qcd": "later_qcd"}}
    pair(PairConfig.model_validate(settings), tmp_path / "v.h5")
    renamed = read_views(tmp_path / "v.h5")
    assert renamed.samples == ("hbb", "later_qcd")
    np.testing.assert_array_equal(renamed.features, views.features)
    np.testing.assert_array_equal(renamed.event, views.event)
    filesets = [str(path) for path in sorted(toy_directory.rglob("fileset.json"))]
    as_events = {"events": {"filesets": filesets}, "sample_names": {"qcd": "later_qcd"}}
    pair(PairConfig.model_validate(as_events), tmp_path / "e.h5")
    assert sorted(read_views(tmp_path / "e.h5").samples) == ["hbb", "later_qcd"]
    for wrong, message in (
        ({"zjet": "later"}, r"sample_names: no such sample; got zjet; allowed: hbb, qcd"),
        ({"qcd": "hbb"}, r"sample_names: two samples would have one name; got hbb"),
    ):
        for inputs in ({"directories": [toy_directory]}, {"events": {"filesets": filesets}}):
            with pytest.raises(ConfigError, match=message):
                pair(PairConfig.model_validate({**inputs, "sample_names": wrong}), tmp_path / "w.h5")


def test_other_hard_partons_are_found(toy_sample: Callable[..., Any], tmp_path: Path) -> None:
    write(toy_sample, tmp_path, "nominal")
    write(toy_sample, tmp_path, "seed", run_seed=2)
    with pytest.raises(InvalidDataError, match=r"event 0 of sample 'qcd' has other hard partons in variation 'seed'"):
        pair(PairConfig(directories=(tmp_path,)), tmp_path / "v.h5")
    assert not (tmp_path / "v.h5").exists()


def test_the_same_events_twice_are_found(toy_sample: Callable[..., Any], tmp_path: Path) -> None:
    for folder in ("a", "b"):
        write(toy_sample, tmp_path / folder, "nominal")
        write(toy_sample, tmp_path / folder, "seed")
    with pytest.raises(InvalidDataError, match="comes twice in variation 'nominal'"):
        pair(PairConfig(directories=(tmp_path,)), tmp_path / "v.h5")


def test_useless_input_is_refused(toy_sample: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="nothing to pair"):
        pair(PairConfig(), tmp_path / "v.h5")
    write(toy_sample, tmp_path / "a", "seed")
    with pytest.raises(InputFileError, match="sample 'qcd' has no nominal file; got seed"):
        pair(PairConfig(directories=(tmp_path / "a",)), tmp_path / "v.h5")
    write(toy_sample, tmp_path / "b", "nominal")
    with pytest.raises(InputFileError, match="no event has a nominal and another view"):
        pair(PairConfig(directories=(tmp_path / "b",)), tmp_path / "v.h5")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b"]


def test_an_existing_output_stops_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "v.h5").touch()
    with pytest.raises(OutputError, match="exists already"):
        pair(PairConfig(directories=(tmp_path / "nowhere",)), tmp_path / "v.h5")


def test_particles_are_read_once_for_each_file(toy_directory: Path, tmp_path: Path, monkeypatch: Any) -> None:
    """Linear: the number of particle reads is the number of files."""
    reads = []
    original = SimulatedFile.read

    def counted(self: SimulatedFile, *args: Any, **options: Any) -> Any:
        reads.append(self.path)
        return original(self, *args, **options)

    monkeypatch.setattr(SimulatedFile, "read", counted)
    pair(PairConfig(directories=(toy_directory,)), tmp_path / "v.h5")
    assert sorted(reads) == sorted(toy_directory.rglob("*.root"))


def damage(path: Path, place: float) -> None:
    content = bytearray(path.read_bytes())
    start = int(place * len(content))
    content[start : start + 200] = bytes(byte ^ 0xA5 for byte in content[start : start + 200])
    path.write_bytes(content)


@pytest.mark.parametrize("variation", ["nominal", "seed"])
def test_damaged_files_are_named_and_leave_nothing(
    toy_sample: Callable[..., Any], tmp_path: Path, variation: str
) -> None:
    files = {name: write(toy_sample, tmp_path / "in", name) for name in ("nominal", "seed")}
    path, whole = files[variation], files[variation].read_bytes()
    config = PairConfig(directories=(tmp_path / "in",))
    for kept in (0, 10, 100, 1000, len(whole) // 2):
        path.write_bytes(whole[:kept])
        with pytest.raises(InputFileError, match=f"{variation}_0000.root cannot be read as a ROOT file"):
            pair(config, tmp_path / "v.h5")
    refused = 0
    for place in np.linspace(0.0, 0.95, 20):  # some parts of a file are read by nobody
        path.write_bytes(whole)
        damage(path, place)
        with contextlib.suppress(InputFileError, InvalidDataError):
            pair(config, tmp_path / "v.h5")
            (tmp_path / "v.h5").unlink()
            (tmp_path / "v.report.json").unlink()
            continue
        refused += 1
        assert [entry.name for entry in tmp_path.iterdir()] == ["in"]
    assert refused >= 9
    path.write_bytes(whole)
    assert pair(config, tmp_path / "v.h5").matched > 0


_FULL = """
import resource, sys
from rs3l_gnn.conventions import OutputError
from rs3l_gnn.data import PairConfig, pair

resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
try:
    pair(PairConfig(directories=(sys.argv[1],)), "v.h5", force=True)
except OutputError as error:
    sys.exit(f"OutputError: {error}")
"""


def test_a_full_disk_is_said_and_the_old_file_stays(toy_directory: Path, tmp_path: Path) -> None:
    pytest.importorskip("resource", reason="needs limits of a process")
    config = PairConfig(directories=(toy_directory,))
    matched = pair(config, tmp_path / "v.h5").matched
    before = (tmp_path / "v.h5").read_bytes()
    for limit in (10_000, len(before) // 2, len(before) - 100):  # in the first block, in the middle, at the close
        run = subprocess.run(  # noqa: S603  # our own interpreter and script
            [sys.executable, "-c", _FULL, str(toy_directory), str(limit)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 1, run.stderr
        assert run.stderr.endswith("OutputError: cannot write v.h5: File too large; nothing was left behind\n")
        assert {path.name for path in tmp_path.iterdir()} == {"v.h5", "v.report.json"}
        assert (tmp_path / "v.h5").read_bytes() == before
    assert pair(config, tmp_path / "v.h5", force=True).matched == matched
