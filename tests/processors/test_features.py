"""Networks of several sets of features in one analysis and in a table of scores."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
from coffea.nanoevents import NanoEventsFactory

from rs3l_gnn.conventions import FEATURE_SETS, InvalidDataError
from rs3l_gnn.inference import JetTagger, event_inputs
from rs3l_gnn.processors import AnalysisConfig, JetSchema, analyze, tag_files
from rs3l_gnn.processors.running.execution import warm_up

MORE = ("puppi_weight", *FEATURE_SETS["nano"])


def _config(folder: Path, file: Path, taggers: dict[str, str], **more: Any) -> AnalysisConfig:
    (folder / "fileset.json").write_text(
        json.dumps({"tt": {"files": {str(file): "Events"}, "metadata": {"xsec": 1.0}}})
    )
    document = {"filesets": [folder / "fileset.json"], "taggers": taggers, "jet": {"pt_min": 200}, **more}
    return AnalysisConfig.model_validate(document)


def test_networks_of_other_features_share_a_job(
    slim_data: Path, tagger_path: Path, make_tagger: Callable[..., Path], tmp_path: Path
) -> None:
    file = slim_data / "cms" / "pfnano.root"
    paths = {"paper": str(tagger_path), "more": str(make_tagger(features=MORE))}
    shift = {"candidates": [{"name": "ces", "kind": "energy_scale", "size": 0.01}]}
    report = analyze(_config(tmp_path, file, paths, systematics=shift), tmp_path / "both")
    assert {"PFCands_puppiWeight", "PFCands_d0"} <= set(report["branches"])
    both = json.loads((tmp_path / "both" / "histograms.json").read_text())["histograms"]
    for name, path in paths.items():
        alone = analyze(_config(tmp_path, file, {name: path}, systematics=shift), tmp_path / name)
        assert alone["jets"] == report["jets"] > 5
        one = json.loads((tmp_path / name / "histograms.json").read_text())["histograms"]
        assert one[f"score_{name}"] == both[f"score_{name}"]


def test_a_file_that_cannot_feed_a_network_ends_before_the_first_event(
    slim_data: Path, make_tagger: Callable[..., Path], tmp_path: Path
) -> None:
    file = slim_data / "cms" / "nano_tt_v15.root"
    path = make_tagger(features=MORE)
    message = r"needs puppi_weight, which the format of .*nano_tt_v15\.root does not have"
    with pytest.raises(InvalidDataError, match=message):
        analyze(_config(tmp_path, file, {"more": str(path)}), tmp_path / "out")
    with pytest.raises(InvalidDataError, match=message):
        tag_files([file], JetTagger(path), tmp_path / "scores.parquet")
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "scores.parquet").exists()


def test_a_table_of_scores(slim_data: Path, make_tagger: Callable[..., Path], tmp_path: Path) -> None:
    file, tagger = slim_data / "cms" / "pfnano.root", JetTagger(make_tagger(features=MORE))
    tag_files([file], tagger, tmp_path / "scores.parquet")
    events = NanoEventsFactory.from_root({str(file): "Events"}, schemaclass=JetSchema, mode="virtual").events()
    inputs = event_inputs(events, features=MORE)
    found = ak.from_parquet(tmp_path / "scores.parquet").score.to_numpy()
    np.testing.assert_array_equal(found, tagger.model.score(inputs.features, inputs.offsets))


def test_workers_are_warmed_up_with_whatever_a_network_takes(make_tagger: Callable[..., Path]) -> None:
    taggers = [
        JetTagger(make_tagger(features=features)) for features in (MORE, FEATURE_SETS["nano"], ("puppi_weight",))
    ]
    assert warm_up(taggers) > 0
