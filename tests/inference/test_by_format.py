"""A name that stands for several shipped taggers, among them some that are trained here."""

from __future__ import annotations

import logging
import pickle
import shutil
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from rs3l_gnn.conventions import FEATURE_SETS, ConfigError, InvalidDataError
from rs3l_gnn.data import PairConfig, get_format, pair
from rs3l_gnn.data.event_tables import read_events
from rs3l_gnn.inference import JetTagger, event_inputs, shipped_networks
from rs3l_gnn.inference.by_format import choose_shipped, features_of_name, stands_for_several
from rs3l_gnn.models import EdgeConvConfig, Head, HeadConfig, Tagger, make_encoder, save_tagger, stored

WEIGHTS = Path(stored.__file__).parent / "weights"


@pytest.fixture(scope="module")
def nano_tagger(toy_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trained on views with the 13 features."""
    training = pytest.importorskip("rs3l_gnn.training")
    folder = tmp_path_factory.mktemp("nano")
    pair(PairConfig(directories=(toy_directory,), features=FEATURE_SETS["nano"]), folder / "views.h5")
    document = {
        "views": folder / "views.h5",
        "architecture": {"width": 8, "layers": 1, "k": 4, "hidden": [8], "dim": 4, "features": "nano"},
        "trainer": {"epochs": 1, "threads": 1},
        "batch_events": 20,
    }
    checkpoint = training.finetune(training.FinetuneConfig.model_validate(document), folder / "tagger").checkpoint
    return Path(checkpoint)


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two taggers of the paper's features and their encoder, which everything reads in place of ours."""
    folder = tmp_path / "weights"
    folder.mkdir()
    for name in ("default", "default-hbb", "default-wqq"):
        for suffix in ("safetensors", "md"):
            shutil.copy(WEIGHTS / f"{name}.{suffix}", folder)
    monkeypatch.setattr(stored, "_WEIGHTS", folder)
    return folder


def _multi(path: Path) -> None:
    encoder = make_encoder(EdgeConvConfig(width=8, layers=1, k=4, hidden=(8,), dim=4))
    save_tagger(path, Tagger(encoder, Head(HeadConfig(n_classes=3), 4), classes=("qcd", "hbb", "wqq")))


def _jets(path: Path, layout: str) -> tuple[ak.Array, ak.Array, ak.Array]:
    form = get_format(layout)
    with uproot.open(path) as file:
        events = read_events(file["Events"], form, form.branches(["pt", "eta", "phi", "mass"], candidates=True))
    return form.jets(events), form.candidates(events), form.links(events, form.jets(events), form.candidates(events))


def test_the_format_decides(
    shared_data: Path, shipped: Path, nano_tagger: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copy(nano_tagger, shipped / "default-nano.safetensors")
    _multi(shipped / "default-multi.safetensors")
    nano = _jets(shared_data / "cms" / "nano_tt_v15.root", "nanoaod15")
    tagger = JetTagger("default")
    assert "digest" not in repr(tagger)
    with pytest.raises(ConfigError, match="default stands for several taggers until it sees jets, and has no classes"):
        _ = tagger.classes
    with caplog.at_level(logging.INFO, logger="rs3l_gnn"):
        score = pickle.loads(pickle.dumps(tagger))(*nano)  # noqa: S301 - made here
    assert "default is default-nano, whose 13 features the candidates (NanoAOD v15" in caplog.text
    assert score.to_list() == JetTagger(nano_tagger)(*nano).to_list()
    tagger.embed(*nano)
    assert (tagger.name_or_path, tagger.classes, tagger.features) == ("default-nano", ("signal",), FEATURE_SETS["nano"])
    pfnano = _jets(shared_data / "cms" / "pfnano.root", "pfnano")
    assert ak.fields(JetTagger("default")(*pfnano)) == ["qcd", "hbb", "wqq"]
    # What was chosen stays: scores of one tagger are those of one network.
    assert ak.flatten(tagger(*pfnano)).to_list() == ak.flatten(JetTagger(nano_tagger)(*pfnano)).to_list()


def test_prepared_inputs_decide_as_well(shared_data: Path, shipped: Path, nano_tagger: Path) -> None:
    shutil.copy(nano_tagger, shipped / "default-nano.safetensors")
    _multi(shipped / "default-multi.safetensors")
    form = get_format("pfnano")
    with uproot.open(shared_data / "cms" / "pfnano.root") as file:
        events = read_events(file["Events"], form, form.branches(["pt", "eta", "phi", "mass"], candidates=True))
    for features, name in ((None, "default-multi"), ("nano", "default-nano")):
        tagger = JetTagger("default")
        inputs = event_inputs(events, features=features)
        np.testing.assert_array_equal(tagger.score(inputs), JetTagger(name).score(inputs))
        assert tagger.name_or_path == name


def test_networks_put_beside_the_others_are_listed(shipped: Path, nano_tagger: Path) -> None:
    shutil.copy(nano_tagger, shipped / "default-nano.safetensors")
    (shipped / "default-nano.md").write_text("# default-nano\n")
    network = {one.name: one for one in shipped_networks()}["default-nano"]
    assert (network.features, network.classes, network.card) == (FEATURE_SETS["nano"], ("signal",), "# default-nano\n")
    assert network.domain.formats == ("pfnano",)


@pytest.mark.usefixtures("shipped")
def test_two_that_are_equally_good() -> None:
    """Two taggers of the paper's features: neither is better, and NanoAOD can feed none."""
    assert stands_for_several("default")
    assert not any(map(stands_for_several, ("default-hbb", "default-wqq", "other", "default-nano", "def")))
    assert set(features_of_name("default")) == set(FEATURE_SETS["paper"])
    with pytest.raises(ConfigError, match="default stands for several .*allowed: default-hbb, default-wqq; name one"):
        choose_shipped("default", lambda _: (), where="f.root")
    tracks = ("tanh_d0", "tanh_dz")
    with pytest.raises(InvalidDataError, match=r"no shipped tagger called default can be fed by f\.root, which lacks"):
        choose_shipped("default", lambda names: [name for name in names if name in tracks], where="f.root")


def test_names_of_one_kind_of_tagger(shipped: Path, nano_tagger: Path) -> None:
    """Whichever way a name holds the set; a name that one tagger has is that tagger."""
    for name in ("default-nano-top", "default-top-paper"):
        shutil.copy(nano_tagger, shipped / f"{name}.safetensors")
    assert stands_for_several("default-top")
    assert not stands_for_several("default-nano-top")
    with pytest.raises(ConfigError, match="default-nano-top, default-top-paper"):
        choose_shipped("default-top", lambda _: (), where="f.root")
    (shipped / "default-top-paper.safetensors").unlink()
    assert choose_shipped("default-top", lambda _: (), where="f.root") == "default-nano-top"
