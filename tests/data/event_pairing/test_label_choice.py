"""Which labels the jets of a sample get, from files that exist as lists of branches alone."""

from __future__ import annotations

import zlib
from typing import Any

import pytest

from rs3l_gnn.conventions import ConfigError, JetLabel, JetType, MissingBranchError, get_variation
from rs3l_gnn.data.event_pairing.config import EventPairConfig
from rs3l_gnn.data.event_pairing.event_files import EventFile
from rs3l_gnn.data.event_pairing.label_choice import choose_labels, label_number
from rs3l_gnn.data.event_pairing.labels import BranchLabels, ExpressionLabels, HistoryLabels, OneLabel, StoredLabels
from rs3l_gnn.data.event_pairing.sample_views import SampleViews
from rs3l_gnn.data.event_pairing.view_index import ViewFiles
from rs3l_gnn.data.format_registry import get_format

GENERATED = tuple(f"GenPart_{name}" for name in ("pdgId", "pt", "eta", "phi", "genPartIdxMother", "statusFlags"))
MINE = JetLabel("MY_QCD", 1000 + zlib.crc32(b"MY_QCD") % 31768)


def _sample(
    *branches: tuple[str, ...],
    metadata: tuple[dict[str, Any], ...] = ({}, {}),
    radius: float | None = 0.8,
    labels: tuple[JetLabel, ...] = (),
) -> SampleViews:
    """A nominal view and another one, each of one file with these branches."""
    form = get_format("pfnano")
    views = []
    for name, names, known in zip(("nominal", "seed"), branches, metadata, strict=True):
        known_names = {branch: branch for branch in names}
        file = EventFile(f"{name}.root", "Events", form, known_names, 10, form.domain(radius), labels, name)
        views.append(ViewFiles(f"tt_{name}", get_variation(name), (file,), known))
    return SampleViews("tt", tuple(views))


def _config(**labels: Any) -> EventPairConfig:
    return EventPairConfig.model_validate({"labels": labels})


def test_what_all_files_have_is_found() -> None:
    stored = _sample(("FatJet_jettype", *GENERATED), ("FatJet_jettype", *GENERATED), labels=(MINE,))
    assert choose_labels(stored, _config()) == StoredLabels(own=(MINE,))
    assert choose_labels(_sample(GENERATED, GENERATED), _config()) == HistoryLabels(0.8)
    assert choose_labels(_sample((), ()), _config()) == OneLabel(JetType.UNMATCHED)
    named = _sample(GENERATED, GENERATED, metadata=({"jettype": "TOP_BQQ"}, {}))
    assert choose_labels(named, _config()) == OneLabel(JetType.TOP_BQQ)
    for other in (GENERATED, ("FatJet_jettype",)):
        with pytest.raises(MissingBranchError, match=r"nominal\.root has .* to label jets by, seed\.root has not"):
            choose_labels(_sample(other, ()), _config())


def test_what_is_asked_for_is_taken() -> None:
    sample = _sample(("FatJet_jettype", *GENERATED), ("FatJet_jettype", *GENERATED))
    assert choose_labels(sample, _config(source="none")) == OneLabel(JetType.UNMATCHED)
    assert choose_labels(sample, _config(source="history", radius=0.6)) == HistoryLabels(0.6)
    chosen = choose_labels(sample, _config(source="branch", branch="x", values={5: "B", 0: "MY_QCD"}))
    assert isinstance(chosen, BranchLabels)
    assert (chosen.branch, chosen.values, chosen.own) == ("x", {5: 3, 0: MINE.number}, (MINE,))
    conditions = {"MY_QCD": "jet.nBHadrons == 0", "G_BB": "jet.nBHadrons >= 2"}
    chosen = choose_labels(sample, _config(source="expressions", expressions=conditions))
    assert isinstance(chosen, ExpressionLabels)
    assert {number: one.source for number, one in chosen.conditions.items()} == {
        MINE.number: "jet.nBHadrons == 0",
        7: "jet.nBHadrons >= 2",
    }
    assert chosen.own == (MINE,)


def test_the_radius_must_be_known_for_a_history() -> None:
    with pytest.raises(ConfigError, match="the radius of the jets of 'tt_nominal' is not known; set labels.radius"):
        choose_labels(_sample(GENERATED, GENERATED, radius=None), _config())


def test_metadata_name_one_label() -> None:
    own = _sample((), (), metadata=({"jettype": "MY_QCD"}, {"jettype": "MY_QCD"}))
    assert choose_labels(own, _config(source="dataset")) == OneLabel(MINE.number, own=(MINE,))
    with pytest.raises(ConfigError, match="'tt_seed' says jettype C, and 'tt_nominal' of the same events Q"):
        choose_labels(_sample((), (), metadata=({"jettype": "Q"}, {"jettype": "C"})), _config())
    unnamed: tuple[dict[str, Any], ...] = ({}, {"jettype": 3})
    for nominal in unnamed:
        with pytest.raises(ConfigError, match="the metadata of data set 'tt_nominal' name no jettype"):
            choose_labels(_sample((), (), metadata=(nominal, {"jettype": "C"})), _config())


def test_numbers_of_labels() -> None:
    assert label_number("H_BB", ()) == 4
    assert label_number("MY_QCD", (MINE,)) == MINE.number
    with pytest.raises(ConfigError, match="caps: no jet is labelled 'MY_QCD'; allowed: UNMATCHED, Q, "):
        label_number("MY_QCD", ())
