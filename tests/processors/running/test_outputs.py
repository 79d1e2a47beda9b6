"""The documents an analysis writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot

from rs3l_gnn.processors.running.exact import Variable, empty_hist
from rs3l_gnn.processors.running.outputs import histogram_document, write_root


def _histogram() -> Any:
    histogram = empty_hist(["qcd"], ["sr"], ["nominal", "fsrUp"], Variable("score", "Score", 2, 0.0, 1.0))
    histogram.fill(dataset="qcd", channel="sr", variation="nominal", score=[0.2, 0.7], weight=[1.0, 3.0])
    return histogram


def test_the_document_is_plain_json() -> None:
    summary = {"histograms": {"s": _histogram()}, "datasets": {}, "variations": {}, "models": {}, "paired": {}}
    document = histogram_document(summary, complete=False, provenance={"seed": np.int64(3)})
    assert json.loads(json.dumps(document)) == document
    assert document["complete"] is False
    assert document["provenance"] == {"seed": 3}
    assert document["histograms"]["s"]["storage"]["values"][0][0][0] == [0.0, 1.0, 3.0, 0.0]
    with pytest.raises(ValueError, match="Out of range float"):
        histogram_document(summary | {"datasets": {"qcd": {"xsec": np.nan}}}, complete=True, provenance={})
    with pytest.raises(TypeError, match="set has no place in JSON"):
        histogram_document(summary | {"models": {"a": {1}}}, complete=True, provenance={})


def test_root_files_hold_filled_histograms_with_errors(tmp_path: Path) -> None:
    write_root(tmp_path / "h.root", {"score": _histogram()}, {})
    with uproot.open(tmp_path / "h.root") as file:
        assert file.keys(cycle=False, filter_classname="TH1*") == ["score/sr/qcd/nominal"]
        one = file["score/sr/qcd/nominal"]
        assert one.values().tolist() == [1.0, 3.0]
        assert one.variances().tolist() == [1.0, 9.0]
