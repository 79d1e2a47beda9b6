"""Event files of several formats become files of views: every event is found, whatever file and order it is in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from rs3l_gnn.conventions import FEATURE_NAMES, InvalidDataError, Rs3lError, parse_config
from rs3l_gnn.data import EventTables, PairConfig, jet_features, pair, read_views
from rs3l_gnn.data.event_format import find_branch

from .conftest import CmsFile, rows_of, write_events, write_fileset


def config_of(fileset: Path, **events: Any) -> PairConfig:
    return parse_config(PairConfig, {"events": {"filesets": [str(fileset)], **events}}, where="test")


def test_files_of_rs3l_simulate_give_the_same_views_as_their_directories(toy_directory: Path, tmp_path: Path) -> None:
    pair(PairConfig(directories=(toy_directory,)), tmp_path / "a.h5")
    filesets = [str(path) for path in sorted(toy_directory.rglob("fileset.json"))]
    report = pair(parse_config(PairConfig, {"events": {"filesets": filesets}}, where="test"), tmp_path / "b.h5")
    one, other = read_views(tmp_path / "a.h5"), read_views(tmp_path / "b.h5")
    assert one.variations == other.variations
    assert sorted(one.samples) == sorted(other.samples)
    for name in ("event", "vartype", "jettype", "pt", "eta", "phi", "mass", "msoftdrop", "n2b1", "weight"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    np.testing.assert_array_equal(one.features, other.features)
    np.testing.assert_array_equal(one.first, other.first)
    assert one.shower_weight_names == other.shower_weight_names
    np.testing.assert_array_equal(one.shower_weights, other.shower_weights)
    assert all(sum(report.partons["seed"].values()) == 60 for report in report.samples.values())  # type: ignore[attr-defined]


@pytest.mark.parametrize("match", ["anchor", "generator_jets", "delta_r", "leading"])
def test_every_event_of_a_cms_file_is_found_in_any_order(
    nano15: CmsFile, two_views: Callable[..., Path], tmp_path: Path, match: str
) -> None:
    n = len(nano15.events["event"])
    rng = np.random.default_rng(4)
    shuffled, kept = rng.permutation(n), rng.permutation(n)[:150]
    other = nano15.smeared()
    nominal_files = [rows_of(nano15.events, part) for part in np.array_split(shuffled, 3)]
    fileset = two_views(nominal_files, [rows_of(other, part) for part in np.array_split(kept, 4)])
    report = pair(config_of(fileset, jets={"match": match}), tmp_path / "v.h5").samples["tt"]
    assert report.found == {"herwig": 150}  # type: ignore[attr-defined]
    assert report.partons["herwig"] == {"agree": 150, "disagree": 0, "not compared": 0}  # type: ignore[attr-defined]
    with_jets = {int(nano15.events["event"][row]) for row in kept if len(nano15.events["FatJet"][int(row)])}
    views = read_views(tmp_path / "v.h5")
    if match in ("delta_r", "leading"):  # the copy has all jets where the original has them
        assert set(views.event.tolist()) == with_jets
    assert set(views.event.tolist()) <= with_jets
    assert report.pairs == views.n_events > 0  # type: ignore[attr-defined]
    np.testing.assert_array_equal(np.diff(views.first), 2)
    # Eta and phi are not smeared, so that the partner of a jet is the jet itself.
    if match != "leading":
        for name in ("eta", "phi", "mass"):
            values = getattr(views, name)
            np.testing.assert_array_equal(values[::2], values[1::2])
    counted = sum(report.without_partner["herwig"].values())  # type: ignore[attr-defined]
    assert counted == int(ak.sum(ak.num(nano15.events["FatJet"].pt))) - views.n_events


def test_particles_are_those_of_the_jets(pfnano: CmsFile, two_views: Callable[..., Path], tmp_path: Path) -> None:
    """Compared with the features of each event computed alone."""
    other = rows_of(pfnano.smeared(), range(9, -1, -1))
    fileset = two_views([rows_of(pfnano.events, range(4)), rows_of(pfnano.events, range(4, 10))], [other])
    pair(config_of(fileset, jets={"match": "delta_r"}), tmp_path / "v.h5")
    views = read_views(tmp_path / "v.h5")
    for kind, events in ((-1, pfnano.events), (3, other)):
        record = ak.zip(dict(events), depth_limit=1)
        tables = EventTables(record, "pfnano")
        features, offsets = jet_features(tables.jets, tables.candidates, tables.links, "pfnano")
        place = {
            (int(number), round(float(jet.eta), 4)): i
            for i, (number, jet) in enumerate(
                (number, jet) for number, jets in zip(events["event"], events["FatJet"], strict=True) for jet in jets
            )
        }
        for jet in np.flatnonzero(views.vartype == kind):
            mine = place[int(views.event[jet]), round(float(views.eta[jet]), 4)]
            got = views.features[views.offsets[jet] : views.offsets[jet + 1]]
            np.testing.assert_array_equal(got, features[offsets[mine] : offsets[mine + 1]])
    assert views.n_events == 24
    assert find_branch(record, "FatJet_pt") is not None


def test_flat_trees_and_any_name_of_a_variation(tmp_path: Path) -> None:
    """One jet an entry, keyed by two branches of one's own, with numbers beyond 32 bits."""
    rng = np.random.default_rng(2)
    n = 40
    number = 2**62 + rng.permutation(n).astype(np.int64)

    def tree(scale: float) -> dict[str, Any]:
        counts = rng.integers(1, 9, n)
        lists = {name: rng.normal(0, 0.1, counts.sum()) for name in ("p_eta", "p_phi")}
        lists["p_pt"] = rng.exponential(10, counts.sum()) * scale
        lists["p_charge"] = np.zeros(counts.sum())
        lists["p_id"] = np.full(counts.sum(), 22)
        columns = {name: ak.unflatten(values, counts) for name, values in lists.items()}
        jets = {"j_pt": rng.uniform(300, 900, n), "j_eta": np.zeros(n), "j_phi": np.zeros(n), "j_m": np.full(n, 80.0)}
        return {**columns, **jets, "number": number, "block": np.arange(n) % 3, "w": rng.normal(1, 0.1, n)}

    layout = {
        "jets": {"pt": "j_pt", "eta": "j_eta", "phi": "j_phi", "mass": "j_m"},
        "candidates": {"pt": "p_pt", "eta": "p_eta", "phi": "p_phi", "charge": "p_charge", "pdgId": "p_id"},
        "event": "number",
        "weight": "w",
        "radius": 0.8,
    }
    nominal, other = tree(1.0), tree(1.2)
    order = rng.permutation(n)
    files = [
        write_events(tmp_path / "a.root", nominal),
        write_events(tmp_path / "b.root", rows_of(other, order[:30])),
    ]
    view = {"resimulated_of": "mine", "variation": "sherpa_cluster"}
    fileset = write_fileset(tmp_path / "f.json", {"mine": (files[:1], {}), "theirs": (files[1:], view)})
    options = {"layout": layout, "event_key": ["block", "number"], "jets": {"match": "leading"}}
    pair(config_of(fileset, **options), tmp_path / "v.h5")
    views = read_views(tmp_path / "v.h5")
    assert [variation.name for variation in views.variations] == ["nominal", "sherpa_cluster"]
    kept = np.isin(np.arange(n), order[:30])
    assert views.event[::2].tolist() == number[kept].tolist()
    np.testing.assert_array_equal(views.weight[::2], nominal["w"][kept].astype(np.float32))
    np.testing.assert_array_equal(views.pt[1::2], other["j_pt"][kept].astype(np.float32))
    counts = np.diff(views.offsets)
    assert counts[1::2].tolist() == ak.num(other["p_pt"])[kept].tolist()


def test_delphes_files_go_through(shared_data: Path, tmp_path: Path) -> None:
    """The file is both views of itself."""
    path = shared_data / "delphes" / "delphes342.root"
    document = {
        "tt": {"files": {str(path): "Delphes"}},
        "again": {"files": {str(path): "Delphes"}, "metadata": {"resimulated_of": "tt", "variation": "seed"}},
    }
    (tmp_path / "f.json").write_text(json.dumps(document))
    report = pair(
        config_of(tmp_path / "f.json", jets={"radius": 0.8}, labels={"radius": 0.8}), tmp_path / "v.h5"
    ).samples["tt"]
    assert report.partons["seed"] == {"agree": 10, "disagree": 0, "not compared": 0}  # type: ignore[attr-defined]
    views = read_views(tmp_path / "v.h5")
    stored = uproot.open(path)["Delphes"]["FatJet/FatJet.PT"].array()
    assert set(views.pt.tolist()) <= set(ak.flatten(stored).tolist())
    assert views.n_events > 0
    for event in range(views.n_events):
        one, two = views.first[event], views.first[event] + 1
        assert views.pt[one] == views.pt[two]
        cuts = views.offsets[one : two + 2]
        np.testing.assert_array_equal(views.features[cuts[0] : cuts[1]], views.features[cuts[1] : cuts[2]])
    assert np.isnan(views.n2b1).all()


def test_bad_inputs_end_with_one_message(nano15: CmsFile, two_views: Callable[..., Path], tmp_path: Path) -> None:
    events = rows_of(nano15.events, range(0, 200, 4))
    other = rows_of(nano15.smeared(), range(0, 200, 4))
    output = tmp_path / "v.h5"

    def refused(match: str, *parts: Any, options: dict[str, Any] | None = None, **metadata: Any) -> None:
        with pytest.raises(Rs3lError, match=match):
            pair(config_of(two_views(*parts, **metadata), **(options or {})), output)
        assert not output.exists()

    def without(name: str, where: dict[str, Any] = events) -> dict[str, Any]:
        return {key: values for key, values in where.items() if key != name}

    refused("no generator particles .* set jets.match", [without("GenPart")], [other])
    refused("hold no jets with candidates", [without("PFCand")], [other])
    refused(
        "other_0.root lacks PFCand_pdgId",
        [events],
        [{**other, "PFCand": other["PFCand"][["pt", "eta", "phi", "mass"]]}],
    )
    refused("holds the event .* in .*nominal_0.root and in .*nominal_1.root", [events, rows_of(events, [7])], [other])
    refused("holds the event .* twice in .*other_0.root", [events], [rows_of(other, [1, 2, 1])])
    refused("no key|no numbers of events", [without("event")], [other])
    refused("lacks nothing_here, needed for the key", [events], [other], options={"event_key": ["nothing_here"]})
    refused(
        "does not fit into a file of views; got 9223372036854775809",
        [{**events, "event": events["event"] + np.uint64(2**63 + 1 - int(events["event"][0]))}],
        [other],
    )
    refused("variation .* of nothing", [events], [other], resimulated_of=None)
    refused("does not say its variation", [events], [other], variation=None)
    refused("isMC: false", [events], [other], isMC=False)
    refused("letters, digits and _ only", [events], [other], variation="herwig 7")
    refused("'tt_other' says that it re-simulates 'ttbar'", [events], [other], resimulated_of="ttbar")
    moved = {**other, "LHEPart": other["LHEPart"][np.roll(np.arange(50), 1)]}
    refused("50 of 50 events of 'tt_other' have other hard partons .LHEPart.", [events], [moved])
    refused("no jet has a partner", [events], [{**other, "event": other["event"] + np.uint64(10**9)}])
    refused("holds no LHEPart|no hardHash to compare", [events], [other], options={"partons": {"source": "hardHash"}})
    refused("no data set is left", [events], [other], options={"datasets": ["nobody"]})


def test_events_with_other_hard_partons_are_left_out_and_counted(
    nano15: CmsFile, two_views: Callable[..., Path], tmp_path: Path
) -> None:
    other = nano15.smeared()
    rows = np.arange(200)
    rows[:4] = [3, 2, 1, 0]
    other["LHEPart"] = other["LHEPart"][rows]
    fileset = two_views([nano15.events], [other])
    options = {"partons": {"max_mismatch": 0.02}, "jets": {"match": "delta_r"}}
    report = pair(config_of(fileset, **options), tmp_path / "v.h5").samples["tt"]
    assert report.partons["herwig"] == {"agree": 196, "disagree": 4, "not compared": 0}  # type: ignore[attr-defined]
    assert not np.isin(read_views(tmp_path / "v.h5").event, nano15.events["event"][:4]).any()


def test_radii_that_differ_are_refused(toy_directory: Path, toy_sample: Callable[..., Any], tmp_path: Path) -> None:
    paths = [toy_sample("qcd").write(tmp_path / f"{name}.root", name) for name in ("nominal", "seed")]
    with uproot.open(paths[1]) as file:
        metadata = json.loads(str(file["rs3l_metadata"]))
        tree = file["Events"]
        events = {name: tree[name].array(library="np") for name in ("run", "luminosityBlock", "event", "hardHash")}
        for collection in ("FatJet", "PFCands", "FatJetPFCands"):
            fields = [name for name in tree.keys() if name.startswith(f"{collection}_")]  # noqa: SIM118 - a tree
            events[collection] = ak.zip({name.partition("_")[2]: tree[name].array() for name in fields})
    metadata["jets"]["radius"] = 0.4
    write_events(paths[1], events, json.dumps(metadata))
    view = {"resimulated_of": "qcd", "variation": "seed"}
    fileset = write_fileset(tmp_path / "f.json", {"qcd": (paths[:1], {}), "seed": (paths[1:], view)})
    with pytest.raises(InvalidDataError, match="different radii do not go together; got 0.4, 0.8"):
        pair(config_of(fileset), tmp_path / "v.h5")


@pytest.mark.parametrize(("file", "missing"), [("pfnano", ()), ("nano15", ("tanh_d0", "tanh_dz"))])
def test_an_encoder_trains_on_event_files(
    file: str, missing: tuple[str, ...], request: pytest.FixtureRequest, two_views: Callable[..., Path], tmp_path: Path
) -> None:
    training = pytest.importorskip("rs3l_gnn.training")
    cms: CmsFile = request.getfixturevalue(file)
    n = len(cms.events["event"])
    fileset = two_views([cms.events], [rows_of(cms.smeared(), np.arange(n)[::-1])])
    pair(config_of(fileset, jets={"match": "delta_r"}), tmp_path / "v.h5")
    config = parse_config(
        training.PretrainConfig,
        {
            "views": [str(tmp_path / "v.h5")],
            "encoder": {
                "features": [name for name in FEATURE_NAMES if name not in missing],
                "width": 8,
                "layers": 1,
                "k": 4,
                "hidden": [8],
                "dim": 4,
            },
            "batch_events": 4,
            "splits": {"train": 0.6, "validation": 0.4, "test": 0.0},
            "trainer": {"epochs": 1},
        },
        where="test",
    )
    training.pretrain(config, tmp_path / "encoder")
    assert (tmp_path / "encoder" / "encoder.safetensors").is_file()


def test_selection_caps_and_weights(nano15: CmsFile, two_views: Callable[..., Path], tmp_path: Path) -> None:
    events = {**nano15.events, "own": np.arange(200, dtype=np.float32)}
    fileset = two_views([events], [{**nano15.smeared(), "own": np.arange(200, dtype=np.float32)}])
    options = {
        "jets": {"match": "delta_r", "max_jets": 1},
        "selection": {"pt_min": 180, "pt_max": 400, "abs_eta_max": 1.5},
        "labels": {"source": "branch", "branch": "FatJet_hadronFlavour", "values": {5: "B", 0: "Q"}},
        "weight": "own",
    }
    report = pair(config_of(fileset, **options), tmp_path / "a.h5").samples["tt"]
    views = read_views(tmp_path / "a.h5")
    assert ((views.pt > 180) & (views.pt < 400) & (np.abs(views.eta) < 1.5)).all()
    assert len(np.unique(views.event)) == views.n_events == report.pairs  # type: ignore[attr-defined]
    row = {int(number): i for i, number in enumerate(events["event"])}
    assert views.weight.tolist() == [row[int(number)] for number in views.event]
    capped = pair(config_of(fileset, **options, caps={"Q": 4}), tmp_path / "b.h5").samples["tt"]
    assert capped.labels == {**report.labels, "Q": 4}
    assert capped.beyond_caps == report.labels["Q"] - 4  # type: ignore[attr-defined]
    kept = read_views(tmp_path / "b.h5")
    assert set(kept.event) <= set(views.event)
    with pytest.raises(Rs3lError, match="caps: no jet is labelled 'quark'"):
        pair(config_of(fileset, **options, caps={"quark": 4}), tmp_path / "c.h5")
    with pytest.raises(Rs3lError, match="lacks mine, needed for the weights"):
        pair(config_of(fileset, **{**options, "weight": "mine"}), tmp_path / "c.h5")
