"""Events that a network was trained on are refused in an analysis unless out of fold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import torch
import uproot

from rs3l_gnn.conventions import ConfigError, InvalidDataError, SplitFractions, event_hash
from rs3l_gnn.conventions.seen_events import SEEN_EVENTS, seen_record
from rs3l_gnn.inference import JetTagger
from rs3l_gnn.models import EdgeConvConfig, Head, HeadConfig, Tagger, make_encoder, save_tagger
from rs3l_gnn.processors import AnalysisConfig, analyze, tag_files


def _trained(path: Path, splits: SplitFractions, *samples: str, seed: int = 0) -> str:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = make_encoder(EdgeConvConfig(width=16, layers=1, k=4, hidden=(8,), dim=4))
        tagger = Tagger(encoder, Head(HeadConfig(hidden=()), dim=4))
    save_tagger(path, tagger, provenance={SEEN_EVENTS: [seen_record("fine-tuning", samples, splits)]}, force=True)
    return str(path)


def _run(filesets: list[Path], tmp_path: Path, tagger: Any, **more: Any) -> dict[str, Any]:
    document = {"filesets": filesets, "datasets": ["qcd_nominal"], "taggers": {"net": tagger}, "skims": True, **more}
    return analyze(AnalysisConfig.model_validate(document), tmp_path / "out")


def test_refused_before_the_work(toy_filesets: list[Path], tmp_path: Path) -> None:
    net = _trained(tmp_path / "net.safetensors", SplitFractions(), "qcd")
    with pytest.raises(
        InvalidDataError, match=r"the network net was trained on events of sample 'qcd' .*split: test"
    ) as e:
        _run(toy_filesets, tmp_path, net)
    numbers = np.arange(60)
    seen = int((event_hash("qcd", numbers) < 0.7).sum())
    assert f"got {seen} such events" in str(e.value)
    with pytest.raises(InvalidDataError, match="the network net was trained"):
        _run(toy_filesets, tmp_path, net, split="test", fractions={"train": 0.3, "validation": 0.1, "test": 0.6})
    assert not (tmp_path / "out").exists()


def test_what_is_allowed(toy_filesets: list[Path], tmp_path: Path) -> None:
    net = _trained(tmp_path / "net.safetensors", SplitFractions(), "qcd")
    assert "seen_in_training" not in _run(toy_filesets, tmp_path / "a", net, split="test")
    assert "seen_in_training" not in _run(toy_filesets, tmp_path / "b", net, datasets=["hbb_nominal"])
    report = _run(toy_filesets, tmp_path / "c", net, allow_training_events=True)
    seen = int((event_hash("qcd", np.arange(60)) < 0.7).sum())
    assert report["seen_in_training"] == {"net": seen}
    written = json.loads((tmp_path / "c" / "out" / "histograms.json").read_text())
    assert written["provenance"]["seen_in_training"] == {"net": seen}


def test_events_of_another_simulation_get_another_name(toy_filesets: list[Path], tmp_path: Path) -> None:
    net = _trained(tmp_path / "net.safetensors", SplitFractions(), "qcd")
    renamed = _run(toy_filesets, tmp_path / "a", net, sample_names={"qcd": "later"})
    allowed = _run(toy_filesets, tmp_path / "b", net, allow_training_events=True)
    assert "seen_in_training" not in renamed
    one, other = (json.loads((tmp_path / name / "out" / "histograms.json").read_text()) for name in "ab")
    assert list(one["datasets"]) == ["later"]
    assert one["datasets"]["later"]["sumw"] == other["datasets"]["qcd"]["sumw"]
    assert renamed["jets"] == allowed["jets"] > 0
    with pytest.raises(ConfigError, match="sample_names: no such sample; got zjet; allowed: qcd"):
        _run(toy_filesets, tmp_path / "c", net, sample_names={"zjet": "later"})


def test_folds_score_every_event_by_the_network_that_left_it_out(toy_filesets: list[Path], tmp_path: Path) -> None:
    files = [
        _trained(tmp_path / f"{fold}.safetensors", SplitFractions(folds=3, fold=fold), "qcd", seed=fold)
        for fold in range(3)
    ]
    report = _run(toy_filesets, tmp_path, {"kind": "folds", "files": files})
    assert "seen_in_training" not in report
    skim = ak.from_parquet(tmp_path / "out" / "skims" / "qcd_nominal.parquet")
    file = toy_filesets[0].parent / "nominal_0000.root"
    expected = []
    for fold, network in enumerate(files):
        tag_files([file], JetTagger(network), tmp_path / f"{fold}.parquet")
        table = ak.from_parquet(tmp_path / f"{fold}.parquet")
        expected.append(dict(zip(table.event.to_list(), table.score.to_list(), strict=True)))
    assert len(skim) > 40
    used = set()
    for event, score in zip(skim.event.to_list(), skim.score_net.to_list(), strict=True):
        fold = int(event_hash("qcd", [event])[0] * 3)
        assert score == expected[fold][event]
        used.add(fold)
    assert used == {0, 1, 2}
    with uproot.open(file) as opened:
        assert opened["Events"].num_entries == 60
    both = [*files[:2], _trained(tmp_path / "all.safetensors", SplitFractions(folds=3, fold=2), "qcd", "hbb")]
    _run(toy_filesets, tmp_path / "more", {"kind": "folds", "files": both})
