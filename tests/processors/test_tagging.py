"""The processor itself: merges, empty chunks, coffea's own Runner, channels, the files of CMS."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
from coffea import processor
from coffea.nanoevents import NanoEventsFactory
from coffea.processor import accumulate

from rs3l_gnn.conventions import KINEMATIC_FEATURES, InvalidDataError
from rs3l_gnn.inference import load_tagger
from rs3l_gnn.models.frozen import FrozenEncoder
from rs3l_gnn.processors import AnalysisConfig, JetSchema, ProcessorConfig, TaggingProcessor, analyze, summarise

METADATA = {
    "dataset": "qcd_nominal",
    "sample": "qcd",
    "process": "qcd",
    "xsec": 2.0,
    "psweight_names": ["isrUp", "isrDown"],
}


def _events(path: Path, **metadata: Any) -> Any:
    return NanoEventsFactory.from_root(
        {str(path): "Events"}, schemaclass=JetSchema, mode="virtual", metadata={**METADATA, **metadata}
    ).events()


@pytest.fixture(scope="module")
def config(tagger_path: Path) -> ProcessorConfig:
    return ProcessorConfig.model_validate(
        {
            "taggers": {"n2": "n2", "rs3l": str(tagger_path)},
            "channels": [
                {"name": "signal", "cuts": {"score_n2": [0.8, 1.0]}},
                {"name": "control", "cuts": {"score_n2": [None, 0.8], "mass": [20, None]}},
            ],
        }
    )


def test_merged_chunks_equal_the_whole(config: ProcessorConfig, toy_directory: Path) -> None:
    events = _events(toy_directory / "qcd" / "nominal_0000.root")
    mine = TaggingProcessor(config)
    whole = mine.process(events)["qcd_nominal"]
    parts = [mine.process(events[start:stop]) for start, stop in ((40, 60), (0, 13), (13, 40))]
    merged = accumulate(parts)["qcd_nominal"]
    for name, histogram in whole["histograms"].items():
        assert merged["histograms"][name].sumw == histogram.sumw
        assert merged["histograms"][name].sumw2 == histogram.sumw2
    assert merged["sumw"] == whole["sumw"]
    assert merged["cutflow"]["events"] == whole["cutflow"]["events"]
    assert merged["models"] == whole["models"]


def test_taggers_on_one_encoder_embed_jets_once(toy_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """robust-hbb is strong-hbb with another last layer; each scores as it does alone."""
    events = _events(toy_directory / "qcd" / "nominal_0000.root")
    names = ("strong-hbb", "default-hbb", "robust-hbb")
    alone = {
        name: TaggingProcessor(ProcessorConfig.model_validate({"taggers": {"mine": name}})).process(events)
        for name in names
    }
    made: list[str] = []
    embed = FrozenEncoder.embed

    def recording(encoder: FrozenEncoder, *jets: Any) -> Any:
        made.append(encoder.digest)
        return embed(encoder, *jets)

    monkeypatch.setattr(FrozenEncoder, "embed", recording)
    taggers = {name.replace("-", "_"): name for name in names}
    found = TaggingProcessor(ProcessorConfig.model_validate({"taggers": taggers})).process(events)["qcd_nominal"]
    assert made == [load_tagger(name).encoder.digest for name in names[:2]]
    assert list(found["models"]) == list(taggers)
    for name in taggers:
        one = alone[taggers[name]]["qcd_nominal"]["histograms"]["score_mine"]
        assert found["histograms"][f"score_{name}"].sumw == one.sumw


def test_an_empty_chunk_gives_zeros(config: ProcessorConfig, toy_directory: Path) -> None:
    events = _events(toy_directory / "qcd" / "nominal_0000.root")
    out = TaggingProcessor(config).process(events[:0])["qcd_nominal"]
    assert all(not histogram.sumw.values().any() for histogram in out["histograms"].values())
    assert (out["events"], out["jets"], out["scored_jets"]) == (0, 0, 0)


def test_channels_share_the_events_out(config: ProcessorConfig, toy_directory: Path) -> None:
    events = _events(toy_directory / "hbb" / "nominal_0000.root", dataset="hbb", sample="hbb")
    mine = TaggingProcessor(config)
    summary = mine.postprocess(mine.process(events))
    assert summary is not None
    jets = events.FatJet[(events.FatJet.pt > 450) & (abs(events.FatJet.eta) < 2.5)]
    leading = [jet[0] for jet in jets if len(jet)]
    signal = [jet for jet in leading if 1 - jet.n2b1 / 0.5 >= 0.8]
    control = [jet for jet in leading if 1 - jet.n2b1 / 0.5 < 0.8 and jet.msoftdrop >= 20]
    assert len(signal) > 5
    flow = summary["cutflow"]["hbb"]
    assert flow["jet"]["events"] == len(leading)
    assert flow["channel signal"]["events"] == len(signal)
    assert flow["channel control"]["events"] == len(control)
    mass = summary["histograms"]["mass"]
    filled = mass[{"dataset": "hbb", "channel": "signal", "variation": "nominal"}].sum(flow=True).value
    assert filled == pytest.approx(2.0 * len(signal) / 60)
    assert flow["channel signal"]["normalised"] == pytest.approx(filled)


def test_it_runs_in_coffeas_own_runner(config: ProcessorConfig, toy_directory: Path) -> None:
    """The way of an analyst who has a Runner already: histograms come out ready."""
    fileset = {
        "qcd": {
            "files": {str(toy_directory / "qcd" / "nominal_0000.root"): "Events"},
            "metadata": {key: value for key, value in METADATA.items() if key != "dataset"},
        }
    }
    run = processor.Runner(
        executor=processor.IterativeExecutor(status=False, compression=None, retries=0), schema=JetSchema, chunksize=25
    )
    out = run(fileset, TaggingProcessor(config))
    score = out["histograms"]["score_rs3l"]
    assert [axis.name for axis in score.axes] == ["dataset", "channel", "variation", "score"]
    assert list(score.axes["variation"]) == ["nominal", "psISRDown", "psISRUp"]
    assert 0 < score[{"variation": "nominal"}].sum(flow=True).value < 2.0


def test_it_pickles_small_and_keeps_no_results(config: ProcessorConfig, toy_directory: Path) -> None:
    mine = TaggingProcessor(config)
    before = pickle.dumps(mine)
    assert len(before) < 10_000
    events = _events(toy_directory / "qcd" / "nominal_0000.root")
    first, second = mine.process(events), pickle.loads(before).process(events)  # noqa: S301 - our own bytes
    assert pickle.dumps(mine) == before
    assert (
        first["qcd_nominal"]["histograms"]["score_rs3l"].sumw == second["qcd_nominal"]["histograms"]["score_rs3l"].sumw
    )


def test_files_that_disagree_are_refused(config: ProcessorConfig, toy_directory: Path) -> None:
    mine = TaggingProcessor(config)
    path = toy_directory / "qcd" / "nominal_0000.root"
    out = accumulate([mine.process(_events(path)), mine.process(_events(path, xsec=3.0))])
    with pytest.raises(Exception, match="disagree on its metadata"):
        summarise(config, out)


def _cms(tmp_path: Path, file: Path, tagger: Path | None, **more: Any) -> AnalysisConfig:
    fileset = tmp_path / "fileset.json"
    fileset.write_text(json.dumps({"cms": {"files": {str(file): "Events"}}}))
    taggers = {"n2": "n2"} | ({"mine": str(tagger)} if tagger else {})
    return AnalysisConfig.model_validate({"filesets": fileset, "taggers": taggers, "jet": {"pt_min": 170}, **more})


def test_pfnano_of_cms_runs_through(shared_data: Path, tagger_path: Path, tmp_path: Path) -> None:
    file = shared_data / "cms" / "pfnano.root"
    report = analyze(_cms(tmp_path, file, tagger_path), tmp_path / "out")
    assert (report["events"], report["jets_in_files"]) == (10, 24)
    assert report["cutflow"]["cms"]["jet"]["events"] == report["jets"] > 5
    assert set(report["branches"]) == {
        "event",
        "genWeight",
        "nFatJet",
        "nPFCands",
        "nFatJetPFCands",
        *(f"FatJet_{name}" for name in ("pt", "eta", "phi", "mass", "msoftdrop", "n2b1", "rawFactor")),
        *(f"PFCands_{name}" for name in ("pt", "eta", "phi", "mass", "charge", "pdgId", "d0", "dz")),
        *(f"FatJetPFCands_{name}" for name in ("jetIdx", "pFCandsIdx")),
    }


def test_n2_alone_needs_no_candidates(slim_data: Path, tmp_path: Path) -> None:
    """A NanoAOD file without candidates, with corrections of its jets and weights."""
    wanted = ("run", "luminosityBlock", "event", "genWeight")
    with uproot.open(slim_data / "cms" / "nano_tt_v15.root") as source:
        names = [f"FatJet_{name}" for name in ("pt", "eta", "phi", "msoftdrop", "n2b1")]
        arrays = source["Events"].arrays([*wanted, *names])
    jets = ak.zip({name.removeprefix("FatJet_"): arrays[name] for name in names})
    content = {**{name: arrays[name] for name in wanted}, "FatJet": jets}
    with uproot.recreate(tmp_path / "plain.root") as file:
        file.mktree("Events", {name: ak.type(values).content for name, values in content.items()})
        file["Events"].extend(content)
    mass = {"resolution": 0.1, "resolution_factor": {"nominal": 1.1}}
    report = analyze(
        _cms(tmp_path, tmp_path / "plain.root", None, systematics={"momenta": {"mass": mass}}), tmp_path / "out"
    )
    passed = ak.any((arrays.FatJet_pt > 170) & (abs(arrays.FatJet_eta) < 2.5), axis=1)
    assert report["cutflow"]["cms"]["jet"]["events"] == ak.sum(passed) > 10
    assert not any(name.startswith("nPF") for name in report["branches"])


def test_a_data_set_with_a_dummy_goes_on_without_shower_weights(
    slim_data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """PFNano of Run 2 with one dummy entry beside NanoAOD with four."""
    files = {"old": "pfnano.root", "new": "nano_tt_v15.root"}
    document = {
        name: {"files": {str(slim_data / "cms" / file): "Events"}, "metadata": {"xsec": 1.0}}
        for name, file in files.items()
    }
    (tmp_path / "two.json").write_text(json.dumps(document))
    config = {
        "filesets": [tmp_path / "two.json"],
        "jet": {"pt_min": 170},
        "systematics": {"ps_order": ["isr:muRfac=2", "fsr:muRfac=2", "isr:muRfac=0.5", "fsr:muRfac=0.5"]},
    }
    report = analyze(AnalysisConfig.model_validate(config), tmp_path / "out")
    assert report["without_shower_weights"] == ["old"]
    assert caplog.text.count("no shower weights") == 1
    datasets = json.loads((tmp_path / "out" / "histograms.json").read_text())["datasets"]
    assert datasets["old"]["variations"] == ["nominal"]
    assert datasets["new"]["variations"] == ["nominal", "psFSRDown", "psFSRUp", "psISRDown", "psISRUp"]
    assert datasets["old"]["filesets"]["old"]["shower_weights"] is False


def test_nanoaod_needs_a_network_without_tracks(
    slim_data: Path, tagger_path: Path, make_tagger: Callable[..., Path], tmp_path: Path
) -> None:
    file = slim_data / "cms" / "nano_tt_v15.root"
    with pytest.raises(InvalidDataError, match=r"needs tanh_d0, tanh_dz, which the format of .*nano_tt_v15\.root"):
        analyze(_cms(tmp_path, file, tagger_path), tmp_path / "out")
    report = analyze(_cms(tmp_path, file, make_tagger(features=KINEMATIC_FEATURES)), tmp_path / "out")
    assert report["events"] == 200
    assert report["jets"] > 10
    assert not {"PFCand_charge", "PFCand_d0"} & set(report["branches"])
    assert np.isfinite(report["jets_per_second"])
