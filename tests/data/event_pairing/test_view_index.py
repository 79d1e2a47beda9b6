"""Events and jets of a view without particles, from toy files and read once more with uproot in a loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from rs3l_gnn.conventions import NOMINAL, ConfigError, InvalidDataError, JetType, MissingBranchError
from rs3l_gnn.data.event_pairing.config import EventPairConfig
from rs3l_gnn.data.event_pairing.event_files import EventFile
from rs3l_gnn.data.event_pairing.file_index import FileIndex
from rs3l_gnn.data.event_pairing.labels import OneLabel, StoredLabels
from rs3l_gnn.data.event_pairing.read_plan import ReadPlan
from rs3l_gnn.data.event_pairing.view_index import ViewFiles, ViewIndex

from .conftest import write_events

N = 20


@pytest.fixture(scope="module")
def files(toy_sample: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two files with the same numbers of events and other hard partons."""
    out = tmp_path_factory.mktemp("index")
    return [toy_sample("hbb", n_events=N, run_seed=seed).write(out / f"{seed}.root") for seed in (1, 2)]


def _view(*paths: Path, layout: str | None = None) -> ViewFiles:
    return ViewFiles("hbb", NOMINAL, tuple(EventFile.look(str(path), "Events", layout) for path in paths), {})


def _plan(*, partons: str | None = None, flags: bool = False, stored: bool = False, **config: Any) -> ReadPlan:
    labels = StoredLabels() if stored else OneLabel(JetType.UNMATCHED)
    return ReadPlan(EventPairConfig.model_validate(config), partons, False, flags, labels, None, {})


def index_of(view: ViewFiles, plan: ReadPlan) -> ViewIndex:
    return ViewIndex.join(view, [FileIndex.read(file, plan, nominal=True) for file in view.files])


def test_every_jet_is_in_its_event(files: list[Path]) -> None:
    plan = _plan(partons="hardHash", flags=True, stored=True, event_key=["hardHash"], selection={"pt_min": 500})
    index = index_of(_view(*files), plan)
    assert index.first_row.tolist() == [0, N, 2 * N]
    assert index.n_events == 2 * N
    expected, hashes = [], []
    for start, path in zip((0, N), files, strict=True):
        tree = uproot.open(f"{path}:Events")
        hashes += tree["hardHash"].array().to_list()
        names = ("pt", "eta", "phi", "mass", "msoftdrop", "n2b1", "jettype", "anchor")
        jets = [tree[f"FatJet_{name}"].array().to_list() for name in names]
        for event in range(N):
            for place, jet in enumerate(zip(*(column[event] for column in jets), strict=True)):
                expected += [(start + event, place, *jet)] if jet[0] > 500 else []
    assert 0 < len(expected) < 2 * N
    table = index.jets
    assert table.is_anchor is not None
    numbers = [table.numbers[name].tolist() for name in ("pt", "eta", "phi", "mass", "msoftdrop", "n2b1")]
    columns = [table.row.tolist(), table.place.tolist(), *numbers, table.jettype.tolist(), table.is_anchor.tolist()]
    assert list(zip(*columns, strict=True)) == expected
    assert set(table.jettype) == {JetType.H_BB}
    assert index.events.keys.tolist() == [[number] for number in hashes]
    assert index.events.number.tolist() == list(range(N)) * 2
    assert index.events.partons is not None
    assert index.events.partons.kinds.tolist() == hashes
    assert index.anchors is None
    assert index.generator_eta is None


def test_a_view_without_a_file_is_that_of_the_others(files: list[Path], toy_sample: Callable[..., Any]) -> None:
    third = toy_sample("hbb", n_events=N, run_seed=3).write(files[0].parent / "3.root")
    plan = _plan(partons="hardHash", flags=True, stored=True, event_key=["hardHash"], scores={"mine": "jet.pt"})
    whole, expected = index_of(_view(*files, third), plan), index_of(_view(files[0], third), plan)
    index, left = whole.without([1])
    assert index.first_row.tolist() == [0, N, 2 * N]
    assert index.view == expected.view
    assert whole.jets.row[left].tolist() == [row + N * (row >= N) for row in expected.jets.row.tolist()]
    np.testing.assert_equal(asdict(index.jets), asdict(expected.jets))
    np.testing.assert_equal(asdict(index.events), asdict(expected.events))
    with pytest.raises(InvalidDataError, match="'hbb' has no events in files that can be read"):
        index.without([0, 1])


def test_weights_are_those_of_the_generator_or_of_a_branch(files: list[Path]) -> None:
    index = index_of(_view(files[0]), _plan())
    assert index.events.weight.tolist() == [1.0] * N
    assert index.events.keys.tolist() == [[1, 1, event] for event in range(N)]  # run, luminosity block, event
    index = index_of(_view(files[0]), _plan(weight="event"))
    assert index.events.weight.tolist() == list(range(N))


def test_the_same_event_twice_is_refused(files: list[Path]) -> None:
    with pytest.raises(InvalidDataError, match=r"'hbb' holds the event \(1, 1, \d+\) in .*1\.root and in .*2\.root"):
        index_of(_view(*files), _plan())
    with pytest.raises(InvalidDataError, match=r"holds the event \(1\) twice in .*1\.root; name the file once, or"):
        index_of(_view(files[0]), _plan(event_key=["run"]))


def _events(**more: Any) -> dict[str, Any]:
    """Three events with one jet each and no candidates."""
    one = ak.unflatten(np.ones(3, np.float32), np.ones(3, np.int64))
    none = ak.unflatten(np.zeros(0, np.float32), np.zeros(3, np.int64))
    candidates = ("pt", "eta", "phi", "mass", "pdgId", "charge", "d0", "dz")
    return {
        "run": np.ones(3, np.uint32),
        "luminosityBlock": np.ones(3, np.uint32),
        "event": np.arange(3, dtype=np.uint64),
        "genWeight": np.ones(3, np.float32),
        "FatJet": ak.zip(dict.fromkeys(("pt", "eta", "phi", "mass"), one)),
        "PFCands": ak.zip(dict.fromkeys(candidates, none)),
        "FatJetPFCands": ak.zip(dict.fromkeys(("jetIdx", "pFCandsIdx"), ak.values_astype(none, np.int32))),
        **more,
    }


def _with_jet(**fields: float) -> ak.Array:
    """Jets of three events, of which the second one has these numbers."""
    columns = {name: [1.0, fields.get(name, 1.0), 1.0] for name in ("pt", "eta", "phi", "mass")}
    one = np.ones(3, np.int64)
    return ak.zip({name: ak.unflatten(np.array(values, np.float32), one) for name, values in columns.items()})


@pytest.mark.parametrize(
    ("more", "config", "message"),
    [
        ({"event": np.array([0, 2**63, 1], np.uint64)}, {}, "number of event 1 does not fit .*got 9223372036854775808"),
        ({"genWeight": np.array([1, 1, np.nan], np.float32)}, {}, "the weight of event 2 is nan"),
        ({"FatJet": _with_jet(eta=np.inf)}, {}, "the eta of a jet behind entry 0 is not finite"),
        ({"mine": np.array([1, -4, 2], np.int32)}, {"event_key": ["mine"]}, "mine of the key is negative; got -4"),
        ({"mine": np.arange(3.0)}, {"event_key": ["mine"]}, "mine of the key holds no whole number"),
    ],
)
def test_numbers_that_cannot_be_are_refused(
    tmp_path: Path, more: dict[str, Any], config: dict[str, Any], message: str
) -> None:
    path = write_events(tmp_path / "a.root", _events(**more))
    with pytest.raises(InvalidDataError, match=rf"a\.root.*{message}"):
        index_of(_view(path, layout="pfnano"), _plan(**config))


def test_a_view_without_events_is_refused(tmp_path: Path) -> None:
    path = write_events(tmp_path / "a.root", {name: values[:0] for name, values in _events().items()})
    with pytest.raises(InvalidDataError, match="data set 'hbb' has no events"):
        index_of(_view(path, layout="pfnano"), _plan())


def test_generator_jets_have_one_jet_each(tmp_path: Path) -> None:
    """Three events: one near, one too far, none there; eta of all is 1 and phi of the jets 1."""
    eta = ak.Array([[1.1], [3.0], []])
    phi = ak.Array([[0.8], [1.0], []])
    events = _events(
        GenJetAK8=ak.zip({"eta": ak.values_astype(eta, np.float32), "phi": ak.values_astype(phi, np.float32)})
    )
    view = _view(write_events(tmp_path / "a.root", events), layout="pfnano")
    config = EventPairConfig.model_validate({"jets": {"match": "generator_jets", "radius": 0.4}})
    names = ("GenJetAK8_eta", "GenJetAK8_phi")
    plan = ReadPlan(config, None, False, False, OneLabel(JetType.UNMATCHED), names, {})
    index = index_of(view, plan)
    assert index.generator_eta is not None
    assert index.generator_phi is not None
    np.testing.assert_allclose(index.generator_eta, [1.1, np.nan, np.nan], rtol=1e-6)
    np.testing.assert_allclose(index.generator_phi, [0.8, np.nan, np.nan], rtol=1e-6)


def test_a_condition_on_branches_of_jets_and_events(slim_data: Path) -> None:
    """On NanoAOD, against a loop over its events."""
    path = slim_data / "cms" / "nano_tt_v15.root"
    tree = uproot.open(path)["Events"]
    names = ("FatJet_pt", "FatJet_nConstituents", "FatJet_mass")
    expected: list[tuple[int, int, float]] = []
    for event, (vertices, pt, n, mass) in enumerate(
        zip(tree["PV_npvsGood"].array(), *(tree[name].array() for name in names), strict=True)
    ):
        expected += [
            (event, place, float(mass[place]))
            for place in range(len(pt))
            if pt[place] > 180 and n[place] > 40 and vertices > 25
        ]
    assert 0 < len(expected) < 40
    where = "jet.nConstituents > 40 and PV_npvsGood > 25"
    index = index_of(_view(path), _plan(selection={"pt_min": 180, "where": where}))
    table = index.jets
    assert list(zip(table.row.tolist(), table.place.tolist(), table.numbers["mass"].tolist(), strict=True)) == expected

    def refused(error: type[Exception], match: str, text: str) -> None:
        with pytest.raises(error, match=match):
            index_of(_view(path), _plan(selection={"where": text}))

    refused(MissingBranchError, "lacks the branch jet.jetId, needed for the selection", "jet.jetId >= 2")
    refused(ConfigError, r"selection\.where gives numbers where a condition is needed", "PV_npvsGood")
    refused(ValueError, "where gives numbers, and a condition is needed", "PV_npvsGood + 1")
    refused(ConfigError, r"selection\.where has a value for each object of PFCand", "PFCand.pt > 1")
