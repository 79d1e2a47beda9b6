"""Tables of events, and the flat layout of the public data set."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import awkward as ak
import hist
import numpy as np
import pytest
import uproot
from boost_histogram.serialization import from_uhi
from coffea.nanoevents import NanoEventsFactory
from numpy.testing import assert_array_equal

from rs3l_gnn.conventions import InvalidDataError
from rs3l_gnn.data import EventTables, event_numbers, format_of, read_published
from rs3l_gnn.inference import JetTagger, event_inputs
from rs3l_gnn.processors import AnalysisConfig, JetSchema, analyze

_KINEMATIC = ("pt", "relpt", "eta", "phi", "e", "rele", "d0", "dz", "dr")


@pytest.fixture(scope="module")
def flat_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty jets in the published layout, the first without candidates."""
    rng = np.random.default_rng(1)
    counts = np.concatenate([[0], rng.integers(1, 40, 39)])
    total = int(counts.sum())
    which = rng.integers(4, size=total)
    columns = {name: rng.normal(0, 0.5, total) for name in _KINEMATIC}
    columns |= {"charge": np.array([1, -1, 0, 0])[which], "pdgid": np.array([211, 13, 22, 0])[which]}
    pt, eta = rng.uniform(460, 900, 40), rng.uniform(-2, 2, 40)
    jets = {
        "jet_pt": pt,
        "jet_eta": eta,
        "jet_phi": np.zeros(40),
        "jet_e": np.hypot(pt * np.cosh(eta), 90.0),
        "jet_msd": rng.uniform(20, 150, 40),
        "jet_n2": rng.uniform(0.1, 0.5, 40),
    }
    content = {f"pfcand_{name}": ak.values_astype(ak.unflatten(v, counts), np.float32) for name, v in columns.items()}
    content |= {name: values.astype(np.float32) for name, values in jets.items()}
    content |= {"jettype": np.full(40, 1, np.int32), "vartype": np.full(40, -1, np.int32)}
    path = tmp_path_factory.mktemp("flat") / "flat.root"
    with uproot.recreate(path) as file:
        types = {key: v.dtype if isinstance(v, np.ndarray) else ak.type(v).content for key, v in content.items()}
        file.mktree("events", types)
        file["events"].extend(content)
    return path


def _events(path: Path) -> ak.Array:
    return NanoEventsFactory.from_root({str(path): "events"}, schemaclass=JetSchema, mode="virtual").events()


def test_the_flat_layout_gives_the_features_it_stores(flat_file: Path) -> None:
    events = _events(flat_file)
    assert format_of(events.fields).name == "published"
    inputs = event_inputs(events)
    views = next(iter(read_published(flat_file)))
    assert_array_equal(inputs.features, views.features)
    assert_array_equal(inputs.offsets, views.offsets)
    keep = ak.unflatten(np.arange(40) % 3 == 1, 1)
    some = event_inputs(events, selected=keep)
    assert some.n_jets == 13
    assert some.counts.tolist() == ak.sum(keep, axis=1).to_list()
    assert_array_equal(some.features[: some.offsets[1]], views.features[views.offsets[1] : views.offsets[2]])
    jets = EventTables(events).jets
    assert ak.flatten(jets.mass).to_numpy() == pytest.approx(views.mass, rel=1e-4)
    assert event_numbers(events) is None


def test_flat_files_are_analysed(flat_file: Path, tagger_path: Path, tmp_path: Path) -> None:
    fileset = tmp_path / "fileset.json"
    fileset.write_text(json.dumps({"pub": {"files": {str(flat_file): "events"}, "metadata": {"xsec": 1.0}}}))
    document = {"filesets": [fileset], "taggers": {"n2": "n2", "rs3l": str(tagger_path)}, "run": {"chunksize": 9}}
    report = analyze(AnalysisConfig.model_validate(document), tmp_path / "out")
    assert report["jets"] == 40
    written = json.loads((tmp_path / "out" / "histograms.json").read_text())["histograms"]["score_rs3l"]
    histogram: Any = hist.Hist(from_uhi(written))
    views = next(iter(read_published(flat_file)))
    scores = JetTagger(tagger_path).model.score(views.features, views.offsets)
    one = histogram[{"dataset": "pub", "channel": "signal", "variation": "nominal"}]
    expected: Any = hist.Hist(one.axes[0]).fill(scores)
    assert one.values() * 40 == pytest.approx(expected.values())
    assert (expected.values() > 0).sum() > 3
    shifted = document | {"systematics": {"candidates": [{"name": "ces", "kind": "energy_scale", "size": 0.1}]}}
    with pytest.raises(InvalidDataError, match="holds features, not candidates"):
        analyze(AnalysisConfig.model_validate(shifted), tmp_path / "shifted")
