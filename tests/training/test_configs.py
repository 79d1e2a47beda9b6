"""Every shipped configuration trains, on toy views, and is what its name says."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rs3l_gnn.conventions import JetType, get_variation, load_config
from rs3l_gnn.data import Views, read_views, write_views
from rs3l_gnn.models import load_encoder, load_tagger
from rs3l_gnn.training import FinetuneConfig, NTXent, PretrainConfig, SavedTraining, finetune, pretrain

CONFIGS = Path(__file__).parents[2] / "configs"
PRETRAIN = sorted(path.stem for path in CONFIGS.glob("pretrain/*.yaml"))
FINETUNE = sorted(path.stem for path in CONFIGS.glob("finetune/*.yaml"))
SMALL = ["trainer.epochs=2", "trainer.threads=1", "batch_events=16"]


@pytest.fixture(scope="module")
def all_views(toy_views: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Toy views with stand-ins for Herwig and for larger scales, shower weights, and some jets that pass for W jets."""
    views = read_views(toy_views)
    herwig, replaced = get_variation("herwig"), get_variation("seed")
    vartype = np.where((views.vartype == replaced.vartype) & (views.event % 2 == 0), herwig.vartype, views.vartype)
    scales = {"fsrRenLo": get_variation("fsrDefUp"), "fsrRenHi": get_variation("fsrDefDown")}
    for small, large in scales.items():
        stronger = (vartype == get_variation(small).vartype) & (views.event % 2 == 0)
        vartype = np.where(stronger, large.vartype, vartype)
    jettype = np.where((views.jettype == JetType.H_BB) & (views.event % 3 == 0), JetType.W_QQ, views.jettype)
    per_event = np.lexsort((vartype, views.event_of_jet))  # within an event, by rising vartype
    features, offsets = views.take(per_event)
    columns = {name: getattr(views, name)[per_event] for name in ("pt", "eta", "phi", "mass", "msoftdrop", "n2b1")}
    path = tmp_path_factory.mktemp("all") / "views.h5"
    changed = dataclasses.replace(
        views,
        features=features,
        offsets=offsets,
        vartype=vartype[per_event].astype(np.int16),
        jettype=jettype[per_event].astype(np.int16),
        variations=(*views.variations, herwig, *scales.values()),
        shower_weight_names=("fsr:muRfac=2.0", "fsr:muRfac=0.5"),
        shower_weights=_shower_weights(views),
        **columns,
    )
    write_views(path, changed)
    return path


def _shower_weights(views: Views) -> NDArray[np.float32]:
    """Of the nominal views, which are the first of their events in any order of the others."""
    table = np.full((views.n_jets, 2), np.nan, np.float32)
    table[views.first[:-1]] = np.random.default_rng(1).lognormal(0, 0.2, (views.n_events, 2))
    return table


@pytest.fixture(scope="module")
def pretrained(all_views: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], SavedTraining]:
    """The result of a configuration of ``configs/pretrain``, trained once."""
    done: dict[str, SavedTraining] = {}

    def get(name: str) -> SavedTraining:
        if name not in done:
            overrides = [*SMALL, f"views={all_views}"]
            config = load_config(PretrainConfig, CONFIGS / "pretrain" / f"{name}.yaml", overrides)
            done[name] = pretrain(config, tmp_path_factory.mktemp(name) / "out")
        return done[name]

    return get


@pytest.mark.parametrize("name", PRETRAIN)
def test_pretraining(pretrained: Callable[[str], SavedTraining], name: str) -> None:
    config = load_config(PretrainConfig, CONFIGS / "pretrain" / f"{name}.yaml")
    result = pretrained(name)
    assert load_encoder(result.checkpoint).config == config.encoder
    losses = [row["loss"] for row in result.history]
    assert len(losses) == 2
    assert all(loss is not None and np.isfinite(loss) for loss in losses)
    if name != "base":
        assert losses != [row["loss"] for row in pretrained("base").history], "it is the base file by another name"


def test_published_ablations_are_there() -> None:
    """Table and figures of arXiv:2403.07066: temperature, output size, variations, loss, backbone."""
    loaded = {name: load_config(PretrainConfig, CONFIGS / "pretrain" / f"{name}.yaml") for name in PRETRAIN}
    losses = [config.loss for config in loaded.values()]
    assert {loss.temperature for loss in losses if isinstance(loss, NTXent)} >= {0.05, 0.1, 0.5}
    assert {config.encoder.dim for config in loaded.values()} >= {8, 128, 512}
    assert {loss.name for loss in losses} == {"nt_xent", "vicreg", "supervised"}
    assert {config.encoder.backbone for config in loaded.values()} == {"edgeconv", "transformer"}
    subsets = {frozenset(config.variations) for config in loaded.values() if config.variations}
    assert subsets >= {
        frozenset({"seed"}),
        frozenset({"fsrRenHi", "fsrRenLo"}),
        frozenset({"seed", "fsrRenHi", "fsrRenLo"}),
        frozenset({"herwig"}),
    }
    assert len(loaded["kinematics"].encoder.features) == 7
    # One change each: a file that differs from the base in more than one section is not an ablation.
    base = loaded["base"].model_dump()
    for name in set(PRETRAIN) - {"base", "demo"}:
        changed = [key for key, value in loaded[name].model_dump().items() if value != base[key]]
        # Some need room for what they do, or pairs without the nominal view, as their files explain.
        allowed = 2 if name in ("vicreg", "between_scales", "two_parts") else 1
        assert 1 <= len(changed) <= allowed, (name, changed)


@pytest.mark.parametrize("name", FINETUNE)
def test_finetuning(all_views: Path, pretrained: Callable[[str], SavedTraining], tmp_path: Path, name: str) -> None:
    path = CONFIGS / "finetune" / f"{name}.yaml"
    overrides = [*SMALL, f"views={all_views}"]
    shipped = load_config(FinetuneConfig, path)
    if shipped.encoder is not None:
        overrides.append(f"encoder={pretrained('base').checkpoint}")
    if shipped.distillation is not None:
        teaching = [*overrides, "distillation=null", "trainer.epochs=1"]
        teacher = finetune(load_config(FinetuneConfig, path, teaching), tmp_path / "teacher").checkpoint
        overrides.append(f"distillation.teachers=[{teacher}]")
    result = finetune(load_config(FinetuneConfig, path, overrides), tmp_path / "out")
    tagger = load_tagger(result.checkpoint)
    assert tagger.head.config.hidden == shipped.head.hidden
    rows: list[dict[str, Any]] = result.history
    assert all(np.isfinite(row["loss"]) and 0 <= row["val_auc"] <= 1 for row in rows)
    # Of two epochs, an encoder moves unless it is fixed or thaws later.
    moved = shipped.encoder is None or tagger.encoder.digest != load_encoder(pretrained("base").checkpoint).digest
    last = load_tagger(result.checkpoint.with_name("tagger_last.safetensors"))
    moved = moved or last.encoder.digest != load_encoder(pretrained("base").checkpoint).digest
    assert moved == (shipped.mode == "floating" and shipped.thaw_after == 0)
