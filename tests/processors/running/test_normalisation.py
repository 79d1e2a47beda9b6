"""What a weight is multiplied by: trees Runs, splits, extensions, data; each against sums over the file's branches."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import hist
import numpy as np
import pytest
import uproot
from boost_histogram.serialization import from_uhi
from coffea import processor

from rs3l_gnn.conventions import ConfigError, InvalidDataError, Split, SplitFractions, split_of
from rs3l_gnn.processors import AnalysisConfig, JetSchema, ProcessorConfig, TaggingProcessor, analyze

N_EVENTS, XSEC = 60, 10.0


@pytest.fixture
def write(toy_sample: Any, tmp_path: Path, rewritten: Callable[..., Path]) -> Callable[..., Path]:
    """Write events with uneven weights, some of them only, and a tree Runs of all."""

    def _write(name: str, *, keep: slice = slice(None), runs: dict[str, Any] | None = None, seed: int = 1) -> Path:
        source = toy_sample("qcd", n_events=N_EVENTS, run_seed=seed).write(tmp_path / f"all_{name}")

        def change(branches: dict[str, Any]) -> dict[str, Any]:
            weights = ak.values_astype(1.0 + branches["event"] % 7, np.float32)
            return {key: values[keep] for key, values in (branches | {"genWeight": weights}).items()}

        path = rewritten(source, tmp_path / name, change)
        if runs is not None:
            with uproot.update(path) as file:
                file.mktree("Runs", {key: np.asarray(values).dtype for key, values in runs.items()})
                file["Runs"].extend({key: np.asarray(values) for key, values in runs.items()})
        return path

    return _write


def _weights(path: Path) -> tuple[Any, Any, Any]:
    """Numbers and weights of the events of a file, and which of them have a jet."""
    with uproot.open(path) as file:
        events = file["Events"].arrays(["event", "genWeight", "FatJet_pt", "FatJet_eta"])
    passed = ak.any((events.FatJet_pt > 450) & (abs(events.FatJet_eta) < 2.5), axis=1)
    return events.event.to_numpy(), events.genWeight.to_numpy().astype(float), passed.to_numpy()


def _run(folder: Path, document: dict[str, Any], **more: Any) -> tuple[dict[str, Any], Any]:
    (folder / "fileset.json").write_text(json.dumps(document))
    config = AnalysisConfig.model_validate({"filesets": [folder / "fileset.json"], **more})
    analyze(config, folder / "out", force=True)
    written = json.loads((folder / "out" / "histograms.json").read_text())
    return written["datasets"], hist.Hist(from_uhi(written["histograms"]["pt"]))


def _total(histogram: Any, dataset: str) -> float:
    one = histogram[{"dataset": dataset, "channel": "signal", "variation": "nominal"}]
    return float(one.sum(flow=True).value)


def _dataset(path: Path, **metadata: Any) -> dict[str, Any]:
    return {"files": {path.name: "Events"}, "metadata": {"process": "qcd", "xsec": XSEC, **metadata}}


@pytest.mark.parametrize("branch", ["genEventSumw", "genEventSumw_"])
def test_a_skim_is_normalised_by_the_events_it_was_made_from(
    write: Callable[..., Path], tmp_path: Path, branch: str
) -> None:
    everything = float((1.0 + np.arange(N_EVENTS) % 7).sum())
    runs = {branch: [0.25 * everything, 0.75 * everything], "genEventCount": [20, 40]}
    path = write("skim.root", keep=slice(0, 30), runs=runs)
    _, weight, passed = _weights(path)
    datasets, histogram = _run(tmp_path, {"qcd": _dataset(path)}, run={"chunksize": 7})
    assert _total(histogram, "qcd") == pytest.approx(XSEC * weight[passed].sum() / everything)
    record = datasets["qcd"]["filesets"]["qcd"]
    assert (record["sumw_source"], record["sumw_used"]) == ("runs", pytest.approx(everything))
    assert record["sumw_processed"] == pytest.approx(weight.sum())
    # A part of a file stands for that part of its sum.
    datasets, histogram = _run(tmp_path, {"qcd": _dataset(path)}, run={"chunksize": 15, "limit_chunks": 1})
    first = slice(0, 15)
    expected = XSEC * weight[first][passed[first]].sum() / (everything / 2)
    assert _total(histogram, "qcd") == pytest.approx(expected)
    # What the metadata say must agree; it is not asked about a part of the files.
    _run(tmp_path, {"qcd": _dataset(path, sumw=everything * 1.00001)})
    wrong = {"qcd": _dataset(path, sumw=float(weight.sum()))}
    with pytest.raises(ConfigError, match="'qcd' contradict the trees Runs"):
        _run(tmp_path, wrong)
    _run(tmp_path, wrong, run={"limit_files": 1})


def test_the_sum_of_a_skim_in_a_runner_of_ones_own(write: Callable[..., Path]) -> None:
    path = write("skim.root", keep=slice(10, 40), runs={"genEventSumw": [240.0]})
    run = processor.Runner(
        executor=processor.IterativeExecutor(status=False, compression=None, retries=0), schema=JetSchema, chunksize=13
    )
    fileset = {"qcd": {"files": {str(path): "Events"}, "metadata": {"xsec": XSEC}}}
    out = run(fileset, TaggingProcessor(ProcessorConfig()))
    _, weight, passed = _weights(path)
    assert _total(out["histograms"]["pt"], "qcd") == pytest.approx(XSEC * weight[passed].sum() / 240)


def test_a_tree_runs_of_other_events_is_refused(write: Callable[..., Path], tmp_path: Path) -> None:
    path = write("a.root", runs={"genEventSumw": [30.0], "genEventCount": [30]})
    with pytest.raises(InvalidDataError, match=r"a\.root counts fewer events than the file holds; got 30"):
        _run(tmp_path, {"qcd": _dataset(path)})


def test_a_file_of_cms_says_its_sum(shared_data: Path, tmp_path: Path) -> None:
    path = shared_data / "cms" / "pfnano.root"
    document = {"tt": {"files": {str(path): "Events"}, "metadata": {"xsec": XSEC}}}
    datasets, _ = _run(tmp_path, document, jet={"pt_min": 170})
    with uproot.open(path) as file:
        expected = file["Runs/genEventSumw"].array().to_list()
    record = datasets["tt"]["filesets"]["tt"]
    assert (record["sumw_source"], [record["sumw_used"]]) == ("runs", expected)


def test_a_split_is_scaled_by_the_weights_it_keeps(write: Callable[..., Path], tmp_path: Path) -> None:
    path = write("a.root")
    event, weight, passed = _weights(path)
    kept = split_of("qcd", event, SplitFractions()) == Split.TEST
    datasets, histogram = _run(tmp_path, {"qcd": _dataset(path)}, split="test")
    assert _total(histogram, "qcd") == pytest.approx(XSEC * weight[kept & passed].sum() / weight[kept].sum())
    share = weight[kept].sum() / weight.sum()
    assert abs(share - 0.3) > 0.005
    assert datasets["qcd"]["filesets"]["qcd"]["split_share"] == pytest.approx(share)
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    # The kept events stand for the whole cross-section.
    assert report["cutflow"]["qcd"]["split"]["normalised"] == pytest.approx(XSEC)


def test_an_extension_shares_the_normalisation(write: Callable[..., Path], tmp_path: Path) -> None:
    paths = [write("a.root"), write("b.root", keep=slice(0, 25), seed=2)]
    (_, first, passed), (_, second, also) = map(_weights, paths)
    document = {
        "tt": _dataset(paths[0], sample="tt"),
        "tt_ext1": _dataset(paths[1], sample="tt"),
    }
    datasets, histogram = _run(tmp_path, document)
    total = first.sum() + second.sum()
    assert _total(histogram, "tt") == pytest.approx(XSEC * (first[passed].sum() + second[also].sum()) / total)
    assert datasets["tt"]["sumw"] == pytest.approx(total)
    document["tt_ext1"]["metadata"]["xsec"] = 2 * XSEC
    with pytest.raises(ConfigError, match=r"'tt' and 'tt_ext1' of the sample 'tt' cannot .*xsec 10.0 and .*20.0"):
        _run(tmp_path, document)
    document["tt_ext1"]["metadata"] |= {"xsec": XSEC, "isMC": False}
    with pytest.raises(ConfigError, match="got simulation with xsec 10.0 and data"):
        _run(tmp_path, document)
    for entry in document.values():
        entry["metadata"] = {"process": "tt", "xsec": XSEC}
    with pytest.raises(ConfigError, match="'tt' and 'tt_ext1' look like a sample and its extension"):
        _run(tmp_path, document)


def test_data_have_weight_one(write: Callable[..., Path], tmp_path: Path) -> None:
    """Pseudo-data made of simulation, with everything on that simulation gets."""
    path = write("a.root", runs={"genEventSumw": [1e6]})
    _, weight, passed = _weights(path)
    document = {
        "data": {"files": {path.name: "Events"}, "metadata": {"isMC": "false", "xsec": XSEC}},
        "qcd": _dataset(path, sample="qcd"),
    }
    systematics = {"ps_order": ["isrUp", "isrDown"], "ps_weights": False, "momenta": {"mass": {"scale": {"up": 1.1}}}}
    datasets, histogram = _run(tmp_path, document, split="test", systematics=systematics)
    assert _total(histogram, "data") == passed.sum() > 40
    one = histogram[{"dataset": "data", "channel": "signal", "variation": "nominal"}]
    assert one.sum(flow=True).variance == passed.sum()
    assert weight[passed].sum() > 2 * passed.sum()
    data = datasets["data"]
    assert (data["variations"], data["isMC"], data["normalised"]) == (["nominal"], False, False)
    assert data["filesets"]["data"]["sumw_source"] == "counted"
    assert datasets["qcd"]["normalised"] is True
