"""Labels from branches, expressions, metadata and the generator, through the whole verb."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rs3l_gnn.conventions import JetType, Rs3lError, parse_config
from rs3l_gnn.data import PairConfig, Views, pair, read_views

from .conftest import CmsFile

TwoViews = Callable[..., Path]


def _paired(fileset: Path, output: Path, labels: dict[str, Any]) -> tuple[Views, Any]:
    events = {"filesets": [str(fileset)], "jets": {"match": "delta_r"}, "labels": labels}
    report = pair(parse_config(PairConfig, {"events": events}, where="test"), output, force=True)
    return read_views(output), report.samples["tt"]


def _field(file: CmsFile, name: str) -> dict[tuple[int, float], int]:
    """A field of the jets by event number and eta."""
    return {
        (int(number), float(np.float32(jet["eta"]))): int(jet[name])
        for number, jets in zip(file.events["event"], file.events["FatJet"].to_list(), strict=True)
        for jet in jets
    }


def test_labels_from_a_branch_and_from_expressions_agree(nano15: CmsFile, two_views: TwoViews, tmp_path: Path) -> None:
    fileset = two_views([nano15.events], [nano15.smeared()])
    by_branch = {"source": "branch", "branch": "FatJet_hadronFlavour", "values": {5: "B", 4: "C"}}
    texts = {"B": "jet.hadronFlavour == 5", "C": "FatJet_hadronFlavour == 4 and event > 0"}
    one, report = _paired(fileset, tmp_path / "a.h5", by_branch)
    two, _ = _paired(fileset, tmp_path / "b.h5", {"source": "expressions", "expressions": texts})
    flavour = _field(nano15, "hadronFlavour")
    expected = [
        {5: JetType.B, 4: JetType.C}.get(flavour[int(number), float(eta)], JetType.UNMATCHED)
        for number, eta in zip(one.event, one.eta, strict=True)
    ]
    assert one.jettype.tolist() == two.jettype.tolist() == expected
    assert report.labels == {kind.name: expected[::2].count(kind) for kind in (JetType.UNMATCHED, JetType.C, JetType.B)}
    assert report.other_label == {"herwig": 0}


def test_the_generator_labels_jets(nano15: CmsFile, two_views: TwoViews, tmp_path: Path) -> None:
    views, report = _paired(two_views([nano15.events], [nano15.smeared()]), tmp_path / "v.h5", {})
    np.testing.assert_array_equal(views.jettype[::2], views.jettype[1::2])
    flavour = _field(nano15, "hadronFlavour")
    ghosts = {JetType.B, JetType.G_BB, JetType.C, JetType.G_CC}
    decays = {JetType.TOP_BQQ, JetType.TOP_BQ, JetType.TOP_QQ}
    for number, eta, kind in zip(views.event, views.eta, views.jettype, strict=True):
        mine = flavour[int(number), float(eta)]
        if kind in ghosts:
            assert mine == (5 if kind in {JetType.B, JetType.G_BB} else 4)
        elif kind not in decays:
            assert mine == 0
    assert sum(report.labels.values()) == views.n_events
    assert report.labels["TOP_BQQ"] > 0


def test_one_label_for_a_data_set(pfnano: CmsFile, two_views: TwoViews, tmp_path: Path) -> None:
    fileset = two_views([pfnano.events], [pfnano.smeared()])
    text = fileset.read_text()
    fileset.write_text(text.replace('"metadata": {}', '"metadata": {"jettype": "Q"}'))
    views, _ = _paired(fileset, tmp_path / "v.h5", {})
    assert set(views.jettype) == {JetType.Q}
    fileset.write_text(fileset.read_text().replace('"variation"', '"jettype": "B", "variation"'))
    with pytest.raises(Rs3lError, match="'tt_other' says jettype B, and 'tt' of the same events Q"):
        _paired(fileset, tmp_path / "v.h5", {})
    fileset.write_text(text.replace('"metadata": {}', '"metadata": {"jettype": "MY_QCD"}'))
    views, report = _paired(fileset, tmp_path / "v.h5", {})
    assert [label.name for label in views.labels] == ["MY_QCD"]
    assert set(views.jettype) == {views.labels[0].number}
    assert report.labels == {"MY_QCD": views.n_events}
    fileset.write_text(text.replace('"variation"', '"jettype": "B", "variation"'))
    with pytest.raises(Rs3lError, match="metadata of data set 'tt' name no jettype"):
        _paired(fileset, tmp_path / "v.h5", {})


def test_labels_that_one_view_lacks_are_refused(nano15: CmsFile, two_views: TwoViews, tmp_path: Path) -> None:
    smeared = nano15.smeared()
    plain = {name: values for name, values in smeared.items() if name != "GenPart"}
    fewer = {**smeared, "FatJet": smeared["FatJet"][["pt", "eta", "phi", "mass"]]}

    def refused(other: dict[str, Any], labels: dict[str, Any], match: str) -> None:
        with pytest.raises(Rs3lError, match=match):
            _paired(two_views([nano15.events], [other]), tmp_path / "v.h5", labels)

    refused(plain, {}, "nominal_0.root has generator particles to label jets by, .*other_0.root has not")
    refused(plain, {"source": "history"}, "other_0.root has no generator particles")
    branch = {"source": "branch", "branch": "FatJet_hadronFlavour", "values": {5: "B"}}
    refused(fewer, branch, "other_0.root lacks the branch FatJet_hadronFlavour")
    refused(smeared, {**branch, "branch": "GenJetAK8_hadronFlavour"}, "a value for each object of GenJetAK8")
    refused(smeared, {"source": "expressions", "expressions": {"B": "jet.hadronFlavour"}}, "gives numbers")
    refused(smeared, {"source": "branch"}, "needs branch and values")
    refused(smeared, {**branch, "values": {5: "b jet"}}, "letters, digits and _ only, got 'b jet'")
    refused(smeared, {"source": "expressions", "expressions": {"B": "import os"}}, "labels|expression")
