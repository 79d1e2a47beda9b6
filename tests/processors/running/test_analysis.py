"""The whole analysis: same bits from every executor, right numbers, refused inputs, marked outputs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import hist
import numpy as np
import pytest
import uproot
from boost_histogram.serialization import from_uhi
from coffea.util import load
from uhi.io import from_sparse

from rs3l_gnn.conventions import (
    ConfigError,
    FitError,
    InputFileError,
    InvalidDataError,
    MissingBranchError,
    OutputError,
    Split,
    SplitFractions,
    split_of,
)
from rs3l_gnn.fits import FitConfig, fit
from rs3l_gnn.inference import JetInputs, JetTagger, jet_inputs
from rs3l_gnn.processors import AnalysisConfig, analyze

Read = Callable[[Path], dict[str, Any]]
Rewrite = Callable[..., Path]


def _histogram(document: dict[str, Any], name: str, section: str = "histograms") -> Any:
    return hist.Hist(from_uhi(from_sparse(document[section][name])))


def _config(filesets: list[Path], tagger: Path | None = None, **more: Any) -> AnalysisConfig:
    taggers = {"n2": "n2"} | ({"rs3l": str(tagger)} if tagger else {})
    return AnalysisConfig.model_validate(
        {"filesets": filesets, "taggers": taggers, "score": {"bins": 10, "start": 0, "stop": 1}, **more}
    )


@pytest.fixture(scope="module")
def reference(toy_filesets: list[Path], tagger_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Output of one plain run."""
    output = tmp_path_factory.mktemp("analysis") / "iterative"
    analyze(_config(toy_filesets, tagger_path), output)
    return output


@pytest.mark.parametrize(
    "run",
    [
        {"executor": "iterative", "chunksize": 17},
        {"executor": "futures", "workers": 2, "chunksize": 23},
        {"executor": "dask", "workers": 2, "chunksize": 31},
    ],
    ids=lambda run: run["executor"],
)
def test_every_executor_and_chunk_size_gives_the_same_bits(
    run: dict[str, Any], *, reference: Path, toy_filesets: list[Path], tagger_path: Path, tmp_path: Path, written: Read
) -> None:
    report = analyze(_config(toy_filesets, tagger_path, run=run), tmp_path / "out")
    assert written(tmp_path / "out") == written(reference)
    assert report["complete"] is True
    assert report["executor"] == run["executor"]
    assert report["workers"] == run.get("workers", 1)
    assert report["chunks"] == 8 * -(-60 // run["chunksize"])
    assert report["events"] == 480
    assert (report["seconds"]["warm_up"] is None) == (run["executor"] == "iterative")


def test_whole_numbers_of_16_bits_are_another_network(
    reference: Path, toy_filesets: list[Path], tagger_path: Path, tmp_path: Path, written: Read
) -> None:
    """Histograms move a little, and what is added to those of the other precision has two models."""
    fast = {"precision": "int16"}
    for name, chunksize in (("one", 60), ("other", 17)):
        run = {"executor": "iterative", "chunksize": chunksize}
        analyze(_config(toy_filesets, tagger_path, run=run, **fast), tmp_path / name)
    document, exact = written(tmp_path / "one"), written(reference)
    assert written(tmp_path / "other") == document
    assert document["models"]["n2"] == exact["models"]["n2"]
    tagger = JetTagger(tagger_path, precision="int16")
    assert document["models"]["rs3l"] == [tagger.digest] != exact["models"]["rs3l"]
    for name in ("mass", "pt", "score_n2"):
        assert document["histograms"][name] == exact["histograms"][name]
    means = []
    for found in (document, exact):
        values = _histogram(found, "score_rs3l").project("score").values()
        means.append(np.average(np.arange(len(values)), weights=values))
    assert means[0] == pytest.approx(means[1], abs=0.05)  # bins


def test_the_contents_are_those_of_a_plain_loop(
    reference: Path, toy_directory: Path, tagger_path: Path, written: Read
) -> None:
    document = written(reference)
    tagger = JetTagger(tagger_path)
    histograms = {name: _histogram(document, name) for name in document["histograms"]}
    for file, variation, column in (
        ("nominal", "nominal", None),
        ("nominal", "psISRUp", 0),
        ("fsrRenHi", "fsrDown", None),
    ):
        with uproot.open(toy_directory / "qcd" / f"{file}_0000.root") as opened:
            events = opened["Events"].arrays()
        filled: dict[str, list[float]] = {"score_n2": [], "score_rs3l": [], "mass": [], "pt": []}
        weights = []
        for event in events:
            best = None
            for jet, pt in enumerate(event["FatJet_pt"]):
                good = pt > 450 and abs(event["FatJet_eta"][jet]) < 2.5
                if good and (best is None or pt > event["FatJet_pt"][best]):
                    best = jet
            if best is None:
                continue
            constituents = [
                int(c)
                for j, c in zip(event["FatJetPFCands_jetIdx"], event["FatJetPFCands_pFCandsIdx"], strict=True)
                if j == best
            ]
            fields = ("pt", "eta", "phi", "mass", "charge", "pdgId", "d0", "dz")
            candidates = ak.Array([[[{name: event[f"PFCands_{name}"][c] for name in fields} for c in constituents]]])
            jets = ak.Array([[{name: event[f"FatJet_{name}"][best] for name in ("pt", "eta", "phi", "mass")}]])
            filled["score_rs3l"].append(float(tagger.score(jet_inputs(jets, candidates))[0]))
            filled["score_n2"].append(1 - event["FatJet_n2b1"][best] / 0.5)
            filled["mass"].append(event["FatJet_msoftdrop"][best])
            filled["pt"].append(event["FatJet_pt"][best])
            weights.append((1.0 if column is None else event["PSWeight"][column]) / 60)
        assert len(weights) > 40
        for name, values in filled.items():
            one = histograms[name][{"dataset": "qcd", "channel": "signal", "variation": variation}]
            expected: Any = hist.Hist(one.axes[0], storage=hist.storage.Weight()).fill(values, weight=weights)
            np.testing.assert_allclose(one.view(flow=True).value, expected.view(flow=True).value, rtol=1e-6)
            np.testing.assert_allclose(one.view(flow=True).variance, expected.view(flow=True).variance, rtol=1e-6)


def test_the_document_says_what_a_fit_needs(reference: Path, tagger_path: Path) -> None:
    document = json.loads((reference / "histograms.json").read_text())
    assert (document["format"], document["version"], document["complete"]) == ("rs3l-histograms", 1, True)
    assert list(document["histograms"]) == ["score_n2", "score_rs3l", "mass", "pt"]
    axes = _histogram(document, "score_rs3l").axes
    assert [axis.name for axis in axes] == ["dataset", "channel", "variation", "score"]
    assert list(axes["dataset"]) == ["hbb", "qcd"]
    assert list(axes["variation"]) == list(document["variations"])
    assert set(axes["variation"]) == {"nominal", "seed", "fsrUp", "fsrDown", "psISRUp", "psISRDown"}
    assert document["variations"]["fsrUp"]["factor"] == 1.414
    assert document["variations"]["psISRUp"]["kind"] == "weight"
    qcd = document["datasets"]["qcd"]
    assert (qcd["process"], qcd["xsec"], qcd["sumw"], qcd["resimulated"]) == (
        "qcd",
        1.0,
        60.0,
        ["fsrDown", "fsrUp", "seed"],
    )
    assert document["models"] == {"n2": ["n2"], "rs3l": [JetTagger(tagger_path).digest]}


def test_paired_covariances_have_the_right_margins(reference: Path) -> None:
    document = json.loads((reference / "histograms.json").read_text())
    joint = _histogram(document, "score_rs3l", "paired")
    assert [axis.name for axis in joint.axes] == ["dataset", "channel", "variation", "score", "score_varied"]
    assert set(joint.axes["variation"]) == {"fsrUp", "fsrDown", "seed", "psISRUp", "psISRDown"}
    nominal = _histogram(document, "score_rs3l")[{"dataset": "qcd", "channel": "signal", "variation": "nominal"}]
    one = joint[{"dataset": "qcd", "channel": "signal", "variation": "seed"}]
    # Equal weights, so the covariance with the partner is at most the variance, bin by bin.
    assert (one.view(flow=True).sum(axis=1) <= nominal.view(flow=True).variance * (1 + 1e-9)).all()
    assert one.sum() > 0.9 * nominal.variances().sum()  # nearly every event passes in both


_STRANGER = """
import json, sys

class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("rs3l_gnn", "processors"):
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Block())
import hist
from coffea.util import load
from uhi.io.json import object_hook

stored = load(sys.argv[1])["histograms"]["score_rs3l"]
with open(sys.argv[2]) as file:
    read = hist.Hist(json.load(file, object_hook=object_hook)["histograms"]["score_rs3l"])
assert type(stored) is type(read) is hist.Hist
print(json.dumps([float(one.sum(flow=True).value) for one in (stored, read)]))
"""


def test_histograms_open_without_this_package(reference: Path) -> None:
    files = [str(reference / name) for name in ("output.coffea", "histograms.json")]
    command = [sys.executable, "-c", _STRANGER, *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=reference)  # noqa: S603  # our own script
    assert done.returncode == 0, done.stderr
    stored, read = json.loads(done.stdout)
    with uproot.open(reference / "histograms.root") as file:
        keys = [key for key in file.keys(cycle=False, filter_classname="TH1*") if key.startswith("score_rs3l/")]
        total = sum(float(file[key].values(flow=True).sum()) for key in keys)
    assert stored == pytest.approx(total)
    assert read == pytest.approx(total)


def test_all_files_are_written_and_agree(reference: Path) -> None:
    assert sorted(path.name for path in reference.iterdir()) == [
        "config.yaml",
        "histograms.json",
        "histograms.root",
        "output.coffea",
        "report.json",
    ]
    stored = load(str(reference / "output.coffea"))["histograms"]["score_rs3l"]
    one = stored[{"dataset": "hbb", "channel": "signal", "variation": "fsrUp"}]
    with uproot.open(reference / "histograms.root") as file:
        values = file["score_rs3l/signal/hbb/fsrUp"].values()
        assert "score_rs3l/signal/qcd/nominal" in file
    assert np.array_equal(values, one.values())
    assert values.sum() > 0.5


def test_the_split_keeps_its_side_and_the_normalisation(
    toy_filesets: list[Path], tmp_path: Path, written: Read
) -> None:
    analyze(_config(toy_filesets, split="test"), tmp_path / "out")
    document = written(tmp_path / "out")
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    on_side = (split_of("qcd", np.arange(60), SplitFractions()) == Split.TEST).sum()
    assert report["cutflow"]["qcd_nominal"]["split"]["events"] == on_side
    scale = document["datasets"]["qcd"]["filesets"]["qcd_fsrRenHi"]["scale"]
    assert scale == pytest.approx(1 / on_side)
    mass = _histogram(document, "mass")
    selected = report["cutflow"]["qcd_nominal"]["jet"]["events"]
    filled = mass[{"dataset": "qcd", "channel": "signal", "variation": "nominal"}].sum(flow=True).value
    assert filled == pytest.approx(selected * scale)


def _copy(toy_directory: Path, tmp_path: Path) -> Path:
    shutil.copytree(toy_directory / "qcd", tmp_path / "qcd")
    return tmp_path / "qcd" / "fileset.json"


def test_a_truncated_file_fails_or_is_skipped_and_reported(toy_directory: Path, tmp_path: Path, written: Read) -> None:
    fileset = _copy(toy_directory, tmp_path)
    bad = fileset.parent / "seed_0000.root"
    bad.write_bytes(bad.read_bytes()[:20_000])
    with pytest.raises(InputFileError, match=r"seed_0000\.root"):
        analyze(_config([fileset]), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    report = analyze(_config([fileset], run={"skip_bad_files": True}), tmp_path / "out")
    assert report["complete"] is False
    assert [Path(entry["file"]).name for entry in report["skipped_files"]] == ["seed_0000.root"]
    document = written(tmp_path / "out")
    assert document["complete"] is False
    assert document["datasets"]["qcd"]["resimulated"] == ["fsrDown", "fsrUp"]


def test_a_file_damaged_inside_fails_or_is_reported(toy_directory: Path, tmp_path: Path) -> None:
    fileset = _copy(toy_directory, tmp_path)
    bad = fileset.parent / "nominal_0000.root"
    with uproot.open(bad) as opened:
        key = opened["Events"]["FatJet_pt"].basket_key(0)
        start, length = key.fSeekKey + key.fKeylen, key.fNbytes - key.fKeylen
    content = bytearray(bad.read_bytes())
    content[start : start + length] = b"\xff" * length
    bad.write_bytes(bytes(content))
    with pytest.raises(InputFileError, match=r"nominal_0000\.root, events 0 to 60"):
        analyze(_config([fileset]), tmp_path / "out")
    report = analyze(_config([fileset], run={"skip_bad_files": True}), tmp_path / "out")
    assert report["complete"] is False
    assert "nominal_0000.root" in report["failed_chunks"][0]["chunk"]


def test_missing_branches_are_listed_with_what_was_found(
    toy_directory: Path, tmp_path: Path, rewritten: Rewrite
) -> None:
    fileset = _copy(toy_directory, tmp_path)
    path = fileset.parent / "seed_0000.root"
    with uproot.recreate(path) as file:
        file.mktree("Events", {"run": "u4", "luminosityBlock": "u4", "event": "u8", "FatJet": "var * {pt: float32}"})
    with pytest.raises(MissingBranchError, match="lacks FatJet_eta, FatJet_msoftdrop"):
        analyze(_config([fileset]), tmp_path / "out")
    gone = ("FatJet_msoftdrop", "FatJet_n2b1")
    rewritten(
        toy_directory / "qcd" / "seed_0000.root",
        path,
        lambda branches: {name: values for name, values in branches.items() if name not in gone},
    )
    with pytest.raises(MissingBranchError, match=r"lacks FatJet_msoftdrop, FatJet_n2b1; got") as caught:
        analyze(_config([fileset]), tmp_path / "out")
    assert "FatJet_phi" in str(caught.value)


def test_a_file_without_events_gives_zeros(toy_sample: Any, tmp_path: Path) -> None:
    toy_sample("qcd", n_events=5).write(tmp_path / "full.root")
    with uproot.open(tmp_path / "full.root") as opened:
        arrays = opened["Events"].arrays()
        tree = {name: arrays[name][:0] for name in arrays.fields if not name.startswith("n")}
        types = {name: ak.type(value).content for name, value in tree.items()}
    with uproot.recreate(tmp_path / "empty.root") as file:
        file.mktree("Events", types)
    fileset = tmp_path / "fileset.json"
    document = {
        name: {"files": {f"{name}.root": "Events"}, "metadata": {"process": name, "xsec": 1.0}}
        for name in ("full", "empty")
    }
    fileset.write_text(json.dumps(document))
    with uproot.open(tmp_path / "empty.root") as opened:
        assert opened["Events"].num_entries == 0
    report = analyze(_config([fileset]), tmp_path / "out")
    assert report["cutflow"]["empty"]["events"] == {"events": 0, "weights": 0.0, "normalised": 0.0}
    assert report["cutflow"]["full"]["events"]["normalised"] == pytest.approx(1.0)


def test_limits_leave_the_output_incomplete_but_normalised(
    toy_filesets: list[Path], tmp_path: Path, written: Read
) -> None:
    report = analyze(_config(toy_filesets, run={"chunksize": 20, "limit_chunks": 1}), tmp_path / "out")
    assert (report["complete"], report["chunks"], report["chunks_left_out"]) == (False, 8, 16)
    # Twenty events stand for the whole cross section.
    assert written(tmp_path / "out")["datasets"]["qcd"]["filesets"]["qcd_nominal"]["scale"] == pytest.approx(1 / 20)


def test_outputs_are_not_overwritten(reference: Path, toy_filesets: list[Path]) -> None:
    with pytest.raises(OutputError, match="exists already"):
        analyze(_config(toy_filesets), reference)


@pytest.mark.parametrize(
    ("branch", "value", "message"),
    [
        ("PFCands_pt", np.nan, "candidate pt must be > 0"),
        ("PFCands_phi", np.nan, "is not finite"),
        ("FatJetPFCands_pFCandsIdx", 10_000, "points to candidate 10000"),
        ("genWeight", np.nan, "weights .* not usable"),
    ],
)
def test_nonsense_in_the_files_is_named(
    branch: str,
    value: float,
    message: str,
    *,
    toy_sample: Any,
    tagger_path: Path,
    tmp_path: Path,
    rewritten: Rewrite,
) -> None:
    path = toy_sample("qcd", n_events=4).write(tmp_path / "a.root")
    number = np.array(value, dtype=np.float32 if np.isnan(value) else np.int32)
    rewritten(
        path, tmp_path / "bad.root", lambda branches: branches | {branch: ak.zeros_like(branches[branch]) + number}
    )
    (tmp_path / "fileset.json").write_text(json.dumps({"qcd": {"files": {"bad.root": "Events"}}}))
    with pytest.raises(InvalidDataError, match=message) as caught:
        analyze(_config([tmp_path / "fileset.json"], tagger_path), tmp_path / "out")
    assert "bad.root, events 0 to 4" in str(caught.value)


def test_an_unknown_data_set_pattern_is_refused(toy_filesets: list[Path], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no data set is left; got top\*"):
        analyze(_config(toy_filesets, datasets=["top*"]), tmp_path / "out")


def test_jets_with_no_and_with_one_candidate(
    toy_sample: Any, tagger_path: Path, tmp_path: Path, written: Read, rewritten: Rewrite
) -> None:
    path = toy_sample("hbb", n_events=12).write(tmp_path / "a.root")

    def thinned(branches: dict[str, Any]) -> dict[str, Any]:
        """Events 0 to 3 keep no candidate of their jet, events 4 to 7 the first one."""
        event, place = branches["event"], ak.local_index(branches["FatJetPFCands_jetIdx"])
        kept = (event >= 8) | ((event >= 4) & (place == 0))
        links = {name: branches[name][kept] for name in branches if name.startswith("FatJetPFCands_")}
        return branches | links

    rewritten(path, tmp_path / "thin.root", thinned)
    (tmp_path / "fileset.json").write_text(json.dumps({"hbb": {"files": {"thin.root": "Events"}}}))
    shifts = [{"name": "trk", "kind": "tracking_efficiency", "size": 0.5}]
    config = _config([tmp_path / "fileset.json"], tagger_path, systematics={"candidates": shifts})
    report = analyze(config, tmp_path / "out")
    assert report["complete"] is True
    with uproot.open(path) as opened:
        n_jets = int(ak.sum(ak.num(opened["Events"]["FatJet_pt"].array())))
    assert report["jets"] == n_jets >= 9
    scores = _histogram(written(tmp_path / "out"), "score_rs3l")[{"dataset": "hbb", "channel": "signal"}]
    assert scores[{"variation": "nominal"}].sum().value == n_jets
    empty = JetInputs(np.zeros((0, 15), np.float32), np.zeros(2, np.int64), np.ones(1, np.int64))
    (bare,) = JetTagger(tagger_path).score(empty)
    assert scores[{"variation": "nominal"}].values()[int(bare * 10)] >= 3


def test_a_fit_refuses_an_incomplete_run(toy_filesets: list[Path], tmp_path: Path) -> None:
    analyze(_config(toy_filesets, run={"limit_chunks": 1, "chunksize": 30}), tmp_path / "out")
    document = {
        "inputs": tmp_path / "out" / "histograms.json",
        "histogram": "score_n2",
        "samples": {"hbb": {"signal": True}, "qcd": {}},
    }
    with pytest.raises(FitError, match="the run is not complete"):
        fit(FitConfig.model_validate(document), tmp_path / "fit")
