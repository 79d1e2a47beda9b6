"""Scores against a slow computation, independence of chunks, pickling, refusals."""

from __future__ import annotations

import math
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import torch
import uproot
from numpy.typing import NDArray

from rs3l_gnn.conventions import (
    FEATURE_NAMES,
    KINEMATIC_FEATURES,
    CheckpointError,
    ConfigError,
    InvalidDataError,
    JetDomain,
)
from rs3l_gnn.inference import JetInputs, JetTagger, cache, jet_inputs
from rs3l_gnn.models import (
    Discriminant,
    EdgeConvConfig,
    Head,
    HeadConfig,
    Tagger,
    load_tagger,
    make_encoder,
    save_tagger,
)
from rs3l_gnn.models.particle_encoder import EdgeConvEncoder

FIELDS = ("pt", "eta", "phi", "mass", "charge", "pdgId", "d0", "dz")


def _arrays(path: Path) -> tuple[ak.Array, ak.Array, ak.Array]:
    with uproot.open(path) as file:
        arrays = file["Events"].arrays(filter_name=["FatJet_*", "PFCands_*", "FatJetPFCands_*"])
    fields = [name for name in ("pt", "eta", "phi", "mass", "rawFactor") if f"FatJet_{name}" in arrays.fields]
    jets = ak.zip({name: arrays[f"FatJet_{name}"] for name in fields})
    candidates = ak.zip({name: arrays[f"PFCands_{name}"] for name in FIELDS})
    links = ak.zip({"jetIdx": arrays["FatJetPFCands_jetIdx"], "pFCandsIdx": arrays["FatJetPFCands_pFCandsIdx"]})
    return jets, candidates, links


def slow_features(jet: dict[str, float], candidates: list[dict[str, float]]) -> NDArray[np.float64]:
    """The 15 features of a PFNano jet, one candidate after another, as the publication words them."""
    raw = 1 - jet.get("rawFactor", 0.0)  # CMS stores corrected jets
    pt_jet = jet["pt"] * raw
    energy = math.hypot(pt_jet * math.cosh(jet["eta"]), max(jet["mass"] * raw, 0.0))
    rows = []
    for c in sorted(candidates, key=lambda c: -c["pt"])[:100]:
        e = math.hypot(c["pt"] * math.cosh(c["eta"]), max(c["mass"], 0.0))
        deta = c["eta"] - jet["eta"]
        dphi = math.remainder(c["phi"] - jet["phi"], 2 * math.pi)
        charged, kind = c["charge"] != 0, abs(c["pdgId"])
        no_track = c["d0"] == -1 and c["dz"] == -1
        d0, dz = (0.0, 0.0) if no_track or not charged else (10 * c["d0"], 10 * c["dz"])  # cm -> mm
        photon, muon, electron = kind in (22, 2) and not charged, kind == 13 and charged, kind == 11 and charged
        rows.append(
            [
                math.log(c["pt"]),
                math.log(c["pt"] / pt_jet),
                deta,
                dphi,
                math.log(e),
                math.log(e / energy),
                c["charge"],
                math.tanh(d0),
                math.tanh(dz),
                math.hypot(deta, dphi),
                photon,
                muon,
                electron,
                charged and not muon and not electron,
                not charged and not photon,
            ]
        )
    return np.array(rows, dtype=np.float64).reshape(-1, 15)


def slow_score(tagger: Tagger, x: NDArray[np.float64]) -> float:
    """One jet through the network in double precision, with every edge written out."""
    weights = {name: value.double().numpy() for name, value in tagger.state_dict().items()}

    def linear(name: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(values @ weights[f"{name}.weight"].T + weights[f"{name}.bias"])

    def elu(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(values > 0, values, np.expm1(np.minimum(values, 0)))

    config = tagger.encoder.config
    assert isinstance(config, EdgeConvConfig)
    h: NDArray[np.float64] = elu(linear("encoder.particle.2", elu(linear("encoder.particle.0", x))))
    for layer in range(config.layers):
        new = np.empty_like(h)
        for i in range(len(h)):
            distance = ((h - h[i]) ** 2).sum(axis=1)
            near = np.argsort(distance, kind="stable")[: config.k]
            edges = np.concatenate([np.repeat(h[i][None], len(near), axis=0), h[near] - h[i]], axis=1)
            new[i] = elu(linear(f"encoder.layers.{layer}.nn.0", edges)).max(axis=0)
        h = new
    z = h.sum(axis=0)
    outputs = sorted(
        {name.rpartition(".")[0] for name in weights if name.startswith("encoder.output.")},
        key=lambda name: int(name.rpartition(".")[2]),
    )
    for name in outputs:
        z = linear(name, z if name == outputs[0] else elu(z))
    z = z / np.linalg.norm(z)
    hidden = np.maximum(linear("head.mlp.0", z), 0)
    return float(1 / (1 + np.exp(-linear("head.mlp.2", hidden)[0])))


@pytest.mark.parametrize("source", ["cms", "toys"])
def test_scores_agree_with_a_slow_computation(source: str, tagger_path: Path, request: pytest.FixtureRequest) -> None:
    if source == "cms":
        path = request.getfixturevalue("shared_data") / "cms" / "pfnano.root"
    else:
        path = request.getfixturevalue("toy_directory") / "hbb" / "nominal_0000.root"
    jets, candidates, links = (array[:20] for array in _arrays(path))
    scores = JetTagger(tagger_path)(jets, candidates, links)
    assert ak.num(scores).to_list() == ak.num(jets.pt).to_list()
    assert ak.flatten(scores).to_numpy().dtype == np.float32
    network = load_tagger(tagger_path)
    compared = 0
    for event, event_jets in enumerate(jets.to_list()):
        rows, table = candidates[event].to_list(), links[event].to_list()
        for index, jet in enumerate(event_jets):
            mine = [rows[link["pFCandsIdx"]] for link in table if link["jetIdx"] == index]
            assert scores[event][index] == pytest.approx(slow_score(network, slow_features(jet, mine)), abs=1e-6)
            compared += 1
    assert compared == (24 if source == "cms" else ak.sum(ak.num(jets.pt)))


def _events_of_several_jets() -> tuple[ak.Array, ak.Array, ak.Array]:
    """Six events with 0 to 3 jets at pT that do not fall, two candidates and more each, links in random order."""
    rng = np.random.default_rng(8)
    jets, candidates, links = [], [], []
    for n_jets in (3, 0, 2, 1, 3, 2):
        rows: list[dict[str, Any]] = []
        table: list[dict[str, Any]] = []
        tied: list[dict[str, int]] = []
        for index in range(n_jets):
            eta, phi = rng.uniform(-1, 1), -2.0 + 2.0 * index
            rows.append({"pt": rng.uniform(450, 900), "eta": eta, "phi": phi, "mass": 60.0})
            for _ in range(rng.integers(2, 9)):
                tied.append({"jetIdx": index, "pFCandsIdx": len(table)})
                charge = int(rng.integers(-1, 2))
                place = {"eta": eta + rng.normal(0, 0.1), "phi": phi + rng.normal(0, 0.1)}
                kind = {"charge": charge, "pdgId": 211 * charge or 22, "d0": 0.001 * charge, "dz": 0.0, "mass": 0.0}
                table.append({"pt": rng.exponential(50) + 1, **place, **kind})
        jets.append(rows)
        candidates.append(table)
        links.append([tied[i] for i in rng.permutation(len(tied))])
    return ak.Array(jets), ak.Array(candidates), ak.Array(links)


CUTS: dict[str, Callable[[ak.Array], ak.Array]] = {
    "masked": lambda jets: jets[jets.pt > 600],
    "sorted": lambda jets: jets[ak.argsort(jets.pt, axis=1, ascending=False)],
    "picked": lambda jets: jets[ak.argmax(jets.pt, axis=1, keepdims=True)],
    "reversed": lambda jets: jets[:, ::-1],
    "second": lambda jets: jets[:, 1:2],
    "twice": lambda jets: ak.concatenate([jets, jets], axis=1),
}


@pytest.mark.parametrize("cut", CUTS)
def test_jets_that_were_cut_or_sorted_keep_their_candidates(cut: str, tagger_path: Path) -> None:
    jets, candidates, links = _events_of_several_jets()
    network, expected = load_tagger(tagger_path), []
    for event, table in enumerate(links.to_list()):
        mine = [
            [candidates[event][link["pFCandsIdx"]].to_list() for link in table if link["jetIdx"] == i] for i in range(3)
        ]
        scores = [slow_score(network, slow_features(jet, mine[i])) for i, jet in enumerate(jets[event].to_list())]
        expected.append(scores)
    jets = ak.with_field(jets, ak.local_index(jets.pt), "jetIdx")
    some = CUTS[cut](jets)
    scores = JetTagger(tagger_path)(some, candidates, links)
    # The oracle goes the same way as a column of the jets.
    wanted = CUTS[cut](ak.with_field(jets, ak.Array(expected), "score")).score
    assert ak.num(scores).to_list() == ak.num(wanted).to_list()
    assert ak.is_none(scores, axis=1).to_list() == ak.is_none(wanted, axis=1).to_list()
    np.testing.assert_allclose(ak.flatten(ak.drop_none(scores)), ak.flatten(ak.drop_none(wanted)), atol=1e-6)
    assert len(np.unique(ak.flatten(ak.drop_none(scores)))) > 2
    z = JetTagger(tagger_path).embed(some, candidates, links)
    assert ak.is_none(z, axis=1).to_list() == ak.is_none(wanted, axis=1).to_list()


@pytest.mark.parametrize("cut", [name for name in CUTS if name != "twice"])
def test_without_their_index_such_jets_are_refused(cut: str, tagger_path: Path) -> None:
    jets, candidates, links = _events_of_several_jets()
    tagger = JetTagger(tagger_path)
    assert ak.num(tagger(jets, candidates, links)).to_list() == [3, 0, 2, 1, 3, 2]
    with pytest.raises(InvalidDataError, match=r'"jetIdx"\] = ak.local_index'):
        tagger(CUTS[cut](jets), candidates, links)


def test_one_jet_an_event_without_lists_is_refused(tagger_path: Path) -> None:
    jets, candidates, links = _events_of_several_jets()
    with pytest.raises(InvalidDataError, match="must be lists of jets"):
        JetTagger(tagger_path)(ak.firsts(jets), candidates, links)
    nested = ak.Array([[[row] for row in event] for event in candidates.to_list()])
    with pytest.raises(InvalidDataError, match="one list for each jet"):
        JetTagger(tagger_path)(jets, nested)


@pytest.mark.parametrize("names", [FEATURE_NAMES[::-1], ("charge", "delta_r", "log_pt")])
def test_inputs_in_another_order_are_picked_once(names: tuple[str, ...], make_tagger: Callable[..., Path]) -> None:
    path = make_tagger(features=names)
    inputs, network = _random_inputs(12), load_tagger(path)
    columns = [FEATURE_NAMES.index(name) for name in names]
    jets = [inputs.features[a:b] for a, b in zip(inputs.offsets[:-1], inputs.offsets[1:], strict=True)]
    expected = [slow_score(network, jet[:, columns].astype(np.float64)) for jet in jets]
    tagger = JetTagger(path)
    np.testing.assert_allclose(tagger.score(inputs), expected, atol=1e-6)
    # What an evaluation calls.
    np.testing.assert_allclose(network.score(inputs.features, inputs.offsets), expected, atol=1e-6)
    z = network.encoder.embed(inputs.features, inputs.offsets)
    np.testing.assert_allclose(tagger.embeddings(inputs), z, rtol=1e-4, atol=1e-5)
    with torch.no_grad():  # what a training calls
        logits = network(torch.from_numpy(inputs.features), torch.from_numpy(inputs.offsets))
    np.testing.assert_allclose(torch.sigmoid(logits).numpy(), expected, atol=1e-6)


@pytest.fixture
def three_classes(tmp_path: Path) -> Path:
    """A tagger of three classes, trained on AK4 jets between 200 and 1000 GeV."""
    with torch.random.fork_rng():
        torch.manual_seed(11)
        encoder = make_encoder(EdgeConvConfig(width=16, layers=1, k=6, hidden=(8,), dim=4))
        encoder.domain = JetDomain(0.4, 200.0, 1000.0, ("nanoaod15",), ())
        save_tagger(
            tmp_path / "three.safetensors",
            Tagger(encoder, Head(HeadConfig(n_classes=3), dim=4), classes=("qcd", "hbb", "wqq")),
        )
    return tmp_path / "three.safetensors"


def test_several_classes_have_a_named_score_each(three_classes: Path) -> None:
    jets, candidates, links = _events_of_several_jets()
    tagger, network = JetTagger(three_classes), load_tagger(three_classes)
    scores = tagger(jets, candidates, links)
    assert tagger.classes == tuple(scores.fields) == ("qcd", "hbb", "wqq")
    encoder = network.encoder
    assert isinstance(encoder, EdgeConvEncoder)
    for event, table in enumerate(links.to_list()):
        rows = candidates[event].to_list()
        for index, jet in enumerate(jets[event].to_list()):
            mine = [rows[link["pFCandsIdx"]] for link in table if link["jetIdx"] == index]
            x = torch.from_numpy(slow_features(jet, mine)).float()
            with torch.no_grad():
                logits = network.head.mlp(
                    torch.nn.functional.normalize(
                        encoder.output(encoder.pooled_with_torch(x, torch.tensor([0, len(x)])))
                    )
                )[0]
            expected = (logits.exp() / logits.exp().sum()).tolist()
            assert [scores[event][index][name] for name in scores.fields] == pytest.approx(expected, abs=1e-6)
    inputs = jet_inputs(jets, candidates, links)
    assert tagger.score(inputs).shape == (inputs.n_jets, 3)
    assert tagger.score(_part(inputs, 0, 0)).shape == (0, 3)
    one = JetTagger(three_classes, discriminant=Discriminant(signal=("hbb",), background=("qcd",)))
    np.testing.assert_allclose(
        ak.flatten(one(jets, candidates, links)), ak.flatten(scores.hbb / (scores.hbb + scores.qcd)), rtol=1e-5
    )
    with pytest.raises(ConfigError, match="no class bb; allowed: qcd, hbb, wqq"):
        JetTagger(three_classes, discriminant=Discriminant(signal=("bb",)))


def test_jets_of_another_kind_are_said_once(three_classes: Path, caplog: pytest.LogCaptureFixture) -> None:
    tagger = JetTagger(three_classes)
    assert tagger.in_range(np.array([199.0, 200.0, 1000.0, 1001.0])).tolist() == [False, True, True, False]
    assert JetTagger(three_classes, pt_min=300).in_range(np.array([200.0, 300.0])).tolist() == [False, True]
    jets, candidates, links = _events_of_several_jets()
    wide = ak.with_parameter(jets, "collection_name", "FatJet")
    with caplog.at_level("WARNING"):
        for _ in range(2):
            tagger(wide[ak.num(wide) >= 0], candidates, links)
    assert [record.message.partition(": ")[2] for record in caplog.records] == [
        "jets of radius 0.8 where the network was trained on 0.4 (first in the events)",
        "candidates as in pfnano, trained on nanoaod15 (first in the events)",
    ]


def _random_inputs(n_jets: int, seed: int = 4) -> JetInputs:
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 60, n_jets)
    counts[:3] = 0, 1, 2
    offsets = np.concatenate([[0], np.cumsum(counts)])
    return JetInputs(rng.normal(size=(offsets[-1], 15)).astype(np.float32), offsets, np.ones(n_jets, dtype=np.int64))


def _part(inputs: JetInputs, start: int, stop: int) -> JetInputs:
    offsets = inputs.offsets[start : stop + 1]
    return JetInputs(inputs.features[offsets[0] : offsets[-1]], offsets - offsets[0], inputs.counts[start:stop])


def test_scores_have_the_same_bits_however_jets_are_cut(tagger_path: Path) -> None:
    inputs = _random_inputs(90)
    tagger = JetTagger(tagger_path)
    whole = tagger.score(inputs)
    for size in (1, 7, 40, 89):
        parts = [tagger.score(_part(inputs, start, min(start + size, 90))) for start in range(0, 90, size)]
        assert np.array_equal(np.concatenate(parts), whole), size
    assert np.unique(whole).size > 70


def test_jets_without_candidates_and_no_jets(tagger_path: Path) -> None:
    tagger = JetTagger(tagger_path)
    empty = JetInputs(np.zeros((0, 15), np.float32), np.zeros(1, np.int64), np.zeros(0, np.int64))
    assert tagger.score(empty).shape == (0,)
    assert tagger.embeddings(empty).shape == (0, 8)
    assert tagger.score(empty).dtype == tagger.embeddings(empty).dtype == np.dtype(np.float32)
    bare = JetInputs(np.zeros((0, 15), np.float32), np.zeros(4, np.int64), np.array([1, 0, 2]))
    scores = tagger.score(bare)
    assert scores.shape == (3,)
    assert ((scores >= 0) & (scores <= 1)).all()
    assert ak.num(bare.jagged(scores)).to_list() == [1, 0, 2]


def test_embeddings_are_those_of_the_encoder(toy_directory: Path, tagger_path: Path) -> None:
    jets, candidates, links = _arrays(toy_directory / "hbb" / "nominal_0000.root")
    z = JetTagger(tagger_path).embed(jets, candidates, links)
    inputs = jet_inputs(jets, candidates, links)
    expected = load_tagger(tagger_path).encoder.embed(inputs.features, inputs.offsets)
    np.testing.assert_allclose(ak.flatten(z).to_numpy(), expected, rtol=1e-4, atol=1e-5)
    assert ak.num(z).to_list() == ak.num(jets.pt).to_list()


def test_it_pickles_as_path_and_digest_and_loads_once(tagger_path: Path) -> None:
    tagger = JetTagger(tagger_path)
    text = pickle.dumps(tagger)
    assert len(text) < 1000
    before = cache.cached_tagger_count()
    copies = [pickle.loads(text) for _ in range(5)]  # noqa: S301 - our own bytes
    inputs = _random_inputs(5)
    for copy in copies:
        assert np.array_equal(copy.score(inputs), tagger.score(inputs))
        assert copy.model is tagger.model
    assert cache.cached_tagger_count() == before


def test_a_changed_file_is_refused_in_a_new_process(make_tagger: Callable[..., Path], tmp_path: Path) -> None:
    path = tmp_path / "t.safetensors"
    path.write_bytes(make_tagger(seed=2).read_bytes())
    pickled = pickle.dumps(JetTagger(path))
    path.write_bytes(make_tagger(seed=3).read_bytes())
    code = f"import pickle; pickle.loads({pickled!r}).model"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603 - our own interpreter and code
    assert CheckpointError.__name__ in result.stderr
    assert "is not the network that this job was prepared with" in result.stderr


def test_a_network_that_needs_tracks_refuses_files_without(
    shared_data: Path, tagger_path: Path, make_tagger: Callable[..., Path]
) -> None:
    with uproot.open(shared_data / "cms" / "nano_tt_v15.root") as file:
        arrays = file["Events"].arrays(filter_name=["FatJet_*", "PFCand_*", "FatJetPFCand_*"])
    jets = ak.zip({name: arrays[f"FatJet_{name}"] for name in ("pt", "eta", "phi", "mass")})
    candidates = ak.zip({name: arrays[f"PFCand_{name}"] for name in ("pt", "eta", "phi", "mass", "pdgId")})
    links = ak.zip({"jetIdx": arrays["FatJetPFCand_jetIdx"], "pfCandIdx": arrays["FatJetPFCand_pfCandIdx"]})
    with pytest.raises(InvalidDataError, match="needs tanh_d0, tanh_dz, which the format"):
        JetTagger(tagger_path)(jets, candidates, links)
    kinematic = JetTagger(make_tagger(features=KINEMATIC_FEATURES))
    assert kinematic.features == KINEMATIC_FEATURES
    scores = kinematic(jets, candidates, links)
    assert ak.num(scores).to_list() == ak.num(jets.pt).to_list()
    without_tracks = tuple(name for name in FEATURE_NAMES if not name.startswith("tanh"))
    assert ak.all(ak.flatten(JetTagger(make_tagger(features=without_tracks))(jets, candidates, links)) >= 0)


def test_jets_outside_the_training_range_are_flagged(tagger_path: Path) -> None:
    pt = ak.Array([[449.9, 450.0], [], [float("nan"), 900.0]])
    assert JetTagger(tagger_path).in_range(pt).to_list() == [[False, True], [], [False, True]]
    assert JetTagger(tagger_path, pt_min=200).in_range(np.array([199.0, 200.0])).tolist() == [False, True]


def test_threads_are_put_back(tagger_path: Path) -> None:
    before = torch.get_num_threads()
    seen = []
    tagger = JetTagger(tagger_path)
    with cache.limited_threads(1):
        seen.append(torch.get_num_threads())
    tagger.score(_random_inputs(3))
    with pytest.raises(RuntimeError, match="inside"), cache.limited_threads(2):
        seen.append(torch.get_num_threads())
        raise RuntimeError("inside")
    assert (seen, torch.get_num_threads()) == ([1, 2], before)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": "gpu"}, "unknown device; got 'gpu'"),
        ({"threads": 0}, "threads must be at least 1"),
    ],
)
def test_wrong_options_are_refused(tagger_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        JetTagger(tagger_path, **options)


@pytest.mark.cuda
def test_a_gpu_gives_the_same_scores(tagger_path: Path) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no GPU")
    inputs = _random_inputs(200)
    np.testing.assert_allclose(
        JetTagger(tagger_path, device="auto").score(inputs), JetTagger(tagger_path).score(inputs), atol=1e-4
    )


def test_inputs_that_were_changed_are_embedded_again() -> None:
    """Nothing of a call is remembered with the jets unless it is asked for."""
    tagger, rng = JetTagger("default-hbb"), np.random.default_rng(1)
    inputs = JetInputs(rng.normal(size=(30, 15)).astype(np.float32), np.array([0, 12, 30]), np.ones(2, np.int64))
    before = tagger.score(inputs).copy()
    inputs.features[:] = rng.normal(size=(30, 15))
    fresh = JetInputs(inputs.features.copy(), inputs.offsets, inputs.counts)
    np.testing.assert_array_equal(tagger.score(inputs), tagger.score(fresh))
    assert (tagger.score(inputs) != before).any()
