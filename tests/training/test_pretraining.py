"""Pre-training: it learns, it reproduces, it keeps the sides of the split apart, it stops with a reason."""

import dataclasses
import json
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor

from rs3l_gnn.conventions import (
    FEATURE_NAMES,
    ConfigError,
    InputFileError,
    InvalidDataError,
    OutputError,
    Split,
    SplitFractions,
    TrainingError,
    UnknownVariationError,
    load_config,
)
from rs3l_gnn.data import PairConfig, ViewsSource, pair, read_views, write_views
from rs3l_gnn.models import inspect_checkpoint
from rs3l_gnn.training import OptimizerConfig, PretrainConfig, ProjectionConfig, SupervisedContrastive, VICReg, pretrain
from rs3l_gnn.training.losses import nt_xent
from rs3l_gnn.training.monitors import alignment
from rs3l_gnn.training.pretraining import (
    PairBatch,
    PretrainModule,
    _batches,
    _event_weights,
    _make,
    initial_networks,
)

pytestmark = pytest.mark.usefixtures("global_state_is_left_alone")

Configs = Callable[..., PretrainConfig]


def weights(folder: Path, name: str = "encoder") -> dict[str, Tensor]:
    return load_file(folder / f"{name}.safetensors")


def same_bits(left: dict[str, Tensor], right: dict[str, Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


@pytest.fixture(scope="module")
def trained(pretrain_config: Configs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Result of two epochs with seed 1."""
    out = tmp_path_factory.mktemp("pretrain") / "out"
    pretrain(pretrain_config(), out)
    return out


def test_the_loss_falls(pretrain_config: Configs, tmp_path: Path) -> None:
    result = pretrain(pretrain_config(epochs=8), tmp_path / "out")
    losses = [row["loss"] for row in result.history]
    assert len(losses) == 8
    assert losses[-1] is not None
    assert losses[0] is not None
    assert losses[-1] < losses[0] - 0.1
    # Random embeddings that are all alike would give log(2 * 16 - 1) = 3.43.
    assert losses[-1] < 3.3


def test_the_folder_tells_all(trained: Path, pretrain_config: Configs, toy_views: Path) -> None:
    names = {path.name for path in trained.iterdir()}
    assert names == {
        "encoder.safetensors",
        "encoder_best.safetensors",
        "encoder_last.safetensors",
        "history.csv",
        "timing.csv",
        "config.yaml",
        "provenance.json",
    }
    assert load_config(PretrainConfig, trained / "config.yaml") == pretrain_config()
    record = json.loads((trained / "provenance.json").read_text())
    assert record["inputs"].keys() == {str(toy_views)}
    views = read_views(toy_views)
    side = views.split(SplitFractions())[views.first[:-1]]
    assert record["events"]["train"] == (side == Split.TRAIN).sum()
    assert record["events"]["validation"] == (side == Split.VALIDATION).sum()
    (seen,) = record["seen_events"]
    assert (seen["training"], seen["samples"]) == ("pre-training", sorted(views.samples))
    assert seen["splits"] == SplitFractions().model_dump(mode="json")
    header = (trained / "history.csv").read_text().splitlines()[0].split(",")
    assert header == [
        "epoch",
        "learning_rate",
        "loss",
        "val_loss",
        "alignment",
        "uniformity",
        "effective_rank",
        "probe_auc",
    ]
    assert not list(trained.parent.glob(".out*")), "the unfinished training is gone"
    assert inspect_checkpoint(trained / "encoder.safetensors")["kind"] == "encoder"


def test_event_files_train_as_the_views_made_of_them(
    trained: Path, pretrain_config: Configs, toy_directory: Path, tmp_path: Path
) -> None:
    """To the last bit, whichever way the events came into the file of views."""
    filesets = tuple(sorted(toy_directory.rglob("fileset.json")))
    pair(PairConfig.model_validate({"events": {"filesets": filesets}, "compression": "none"}), tmp_path / "views.h5")
    pretrain(pretrain_config(views=(tmp_path / "views.h5",)), tmp_path / "out")
    assert same_bits(weights(trained), weights(tmp_path / "out"))
    assert (trained / "history.csv").read_bytes() == (tmp_path / "out" / "history.csv").read_bytes()


def test_the_same_seed_gives_the_same_bits(trained: Path, pretrain_config: Configs, tmp_path: Path) -> None:
    pretrain(pretrain_config(prefetch=0), tmp_path / "again")
    assert same_bits(weights(trained), weights(tmp_path / "again"))
    assert (trained / "history.csv").read_bytes() == (tmp_path / "again" / "history.csv").read_bytes()
    pretrain(pretrain_config(seed=2), tmp_path / "other")
    assert not same_bits(weights(trained), weights(tmp_path / "other"))


def test_the_number_of_threads_does_not_matter(trained: Path, pretrain_config: Configs, tmp_path: Path) -> None:
    pretrain(pretrain_config(threads=3), tmp_path / "three")
    assert same_bits(weights(trained), weights(tmp_path / "three"))
    assert (trained / "history.csv").read_bytes() == (tmp_path / "three" / "history.csv").read_bytes()


def test_a_buffer_that_holds_all_events_changes_nothing(
    trained: Path, pretrain_config: Configs, tmp_path: Path
) -> None:
    pretrain(pretrain_config(buffer_events=1000), tmp_path / "whole")
    assert same_bits(weights(trained), weights(tmp_path / "whole"))
    pretrain(pretrain_config(buffer_events=16), tmp_path / "streamed")
    assert not same_bits(weights(trained), weights(tmp_path / "streamed"))


@pytest.mark.parametrize("side", [Split.VALIDATION, Split.TEST])
def test_other_sides_of_the_split_do_not_reach_the_weights(
    trained: Path, pretrain_config: Configs, toy_views: Path, tmp_path: Path, side: Split
) -> None:
    views = read_views(toy_views)
    other = np.repeat(views.split(SplitFractions()) == side, np.diff(views.offsets))
    features = np.where(other[:, None], -views.features, views.features)
    write_views(tmp_path / "changed.h5", dataclasses.replace(views, features=features))
    pretrain(pretrain_config(views=tmp_path / "changed.h5"), tmp_path / "out")
    assert same_bits(weights(trained), weights(tmp_path / "out"))
    history = (tmp_path / "out" / "history.csv").read_text()
    assert (history == (trained / "history.csv").read_text()) == (side == Split.TEST)


@pytest.mark.parametrize(
    "changes",
    [
        {"loss": VICReg()},
        {"loss": SupervisedContrastive()},
        {"views_per_event": 3},
        {"projection": ProjectionConfig(hidden=(32,), dim=16)},
        {"anchored": False},
        {"variations": {"fsrRenHi": 2.0, "fsrRenLo": 1.0}},
        {"precision": "bf16-mixed"},
        {"optimizer": OptimizerConfig(schedule="cosine", warmup_epochs=1, gradient_clip=0.5, weight_decay=0.01)},
    ],
    ids=",".join,
)
def test_every_choice_trains(trained: Path, pretrain_config: Configs, tmp_path: Path, changes: dict[str, Any]) -> None:
    result = pretrain(pretrain_config(**changes), tmp_path / "out")
    assert all(row["loss"] is not None and np.isfinite(row["loss"]) for row in result.history)
    assert not same_bits(weights(trained), weights(tmp_path / "out"))


def test_kinematics_alone_are_blind_to_the_rest(pretrain_config: Configs, toy_views: Path, tmp_path: Path) -> None:
    encoder = pretrain_config().encoder.model_copy(update={"features": FEATURE_NAMES[:7]})
    pretrain(pretrain_config(encoder=encoder), tmp_path / "one")
    views = read_views(toy_views)
    features: NDArray[np.float32] = views.features.copy()
    features[:, 7:] += 1
    write_views(tmp_path / "changed.h5", dataclasses.replace(views, features=features))
    pretrain(pretrain_config(encoder=encoder, views=tmp_path / "changed.h5"), tmp_path / "two")
    assert same_bits(weights(tmp_path / "one"), weights(tmp_path / "two"))


def test_several_files_train_like_one(trained: Path, pretrain_config: Configs, toy_views: Path, tmp_path: Path) -> None:
    views = read_views(toy_views)
    front = np.arange(views.n_events) < views.n_events // 2
    for name, part in (("a", front), ("b", ~front)):
        write_views(tmp_path / f"{name}.h5", views.select_events(part))
    pretrain(pretrain_config(views=(tmp_path / "a.h5", tmp_path / "b.h5")), tmp_path / "out")
    assert same_bits(weights(trained), weights(tmp_path / "out"))


def test_a_missing_view_is_allowed_and_counted(pretrain_config: Configs, toy_views: Path, tmp_path: Path) -> None:
    views = read_views(toy_views)
    side = views.split(SplitFractions())
    alone = np.flatnonzero(side[views.first[:-1]] == Split.TRAIN)[:3]
    drop = np.isin(views.event_of_jet, alone) & ~views.is_nominal()
    write_views(tmp_path / "fewer.h5", views.select_jets(~drop))
    pretrain(pretrain_config(views=tmp_path / "fewer.h5"), tmp_path / "out")
    record = json.loads((tmp_path / "out" / "provenance.json").read_text())
    assert record["events"]["without_enough_views"] == 3
    assert record["events"]["train"] == (side[views.first[:-1]] == Split.TRAIN).sum() - 3


def test_a_feature_that_is_not_finite_is_named(pretrain_config: Configs, toy_views: Path, tmp_path: Path) -> None:
    views = read_views(toy_views)
    write_views(tmp_path / "bad.h5", views)
    jet = int(np.flatnonzero(views.split(SplitFractions()) == Split.TRAIN)[5])
    row = int(views.offsets[jet]) + 1
    with h5py.File(tmp_path / "bad.h5", "r+") as file:
        file["features"][row, 2] = np.nan
    with pytest.raises(InvalidDataError, match=rf"bad\.h5: '{FEATURE_NAMES[2]}' in row {row} .*got nan"):
        pretrain(pretrain_config(views=tmp_path / "bad.h5"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_loss_that_is_not_finite_keeps_the_last_good_epoch(
    trained: Path, pretrain_config: Configs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = PretrainModule.batch_loss

    def broken(self: PretrainModule, batch: PairBatch) -> Tensor:
        return honest(self, batch) * (float("nan") if self.current_epoch == 1 else 1.0)

    with monkeypatch.context() as patch:
        patch.setattr(PretrainModule, "batch_loss", broken)
        with pytest.raises(TrainingError, match="loss of batch 0 in epoch 2 is not finite; got nan; lower") as caught:
            pretrain(pretrain_config(), tmp_path / "out")
        # Even while somebody holds the traceback, and with it the loader: nobody reads in the closed files.
        assert caught.tb is not None
        assert not any(thread.name == "rs3l-batches" for thread in threading.enumerate())
    assert not (tmp_path / "out").exists()
    pretrain(pretrain_config(), tmp_path / "out")
    assert same_bits(weights(trained), weights(tmp_path / "out"))


def test_a_huge_learning_rate_stops_by_itself(pretrain_config: Configs, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="not finite"):
        pretrain(pretrain_config(optimizer=OptimizerConfig(learning_rate=1e30)), tmp_path / "out")


def test_a_result_is_not_overwritten(trained: Path, pretrain_config: Configs) -> None:
    before = (trained / "encoder.safetensors").read_bytes()
    with pytest.raises(OutputError, match="exists already"):
        pretrain(pretrain_config(seed=9), trained)
    assert (trained / "encoder.safetensors").read_bytes() == before


def test_mistakes_in_the_inputs_are_named(pretrain_config: Configs, toy_views: Path, tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="no file of views is given; set views"):
        pretrain(pretrain_config(views=()), tmp_path / "out")
    with pytest.raises(InputFileError, match="gone.h5 does not exist"):
        pretrain(pretrain_config(views=tmp_path / "gone.h5"), tmp_path / "out")
    (tmp_path / "short.h5").write_bytes(toy_views.read_bytes()[:20_000])
    with pytest.raises(InputFileError, match="short.h5 is not a complete HDF5 file"):
        pretrain(pretrain_config(views=tmp_path / "short.h5"), tmp_path / "out")
    with pytest.raises(InputFileError, match="short.h5 is not a complete HDF5 file"):
        pretrain(pretrain_config(views=(toy_views, tmp_path / "short.h5")), tmp_path / "out")
    # Bytes that changed inside a shard: it opens, but its particles do not unpack.
    (tmp_path / "rotten.h5").write_bytes(toy_views.read_bytes())
    with h5py.File(tmp_path / "rotten.h5", "r") as file:
        chunk = file["features"].id.get_chunk_info(0)
    with (tmp_path / "rotten.h5").open("r+b") as raw:
        raw.seek(chunk.byte_offset + chunk.size // 2)
        raw.write(bytes(100))
    with pytest.raises(InputFileError, match="rotten.h5 is damaged"):
        pretrain(pretrain_config(views=(toy_views, tmp_path / "rotten.h5")), tmp_path / "out")
    with pytest.raises(TrainingError, match="do not fill one batch of 500"):
        pretrain(pretrain_config(batch_events=500), tmp_path / "out")
    with pytest.raises(UnknownVariationError, match="'altHad' does not occur .*allowed: nominal, seed"):
        pretrain(pretrain_config(variations={"altHad": 1.0}), tmp_path / "out")
    with pytest.raises(TrainingError, match="usable events do not fill one batch"):
        pretrain(pretrain_config(variations={"seed": 1.0}, views_per_event=3), tmp_path / "out")


def test_the_projection_is_thrown_away(trained: Path, pretrain_config: Configs, tmp_path: Path) -> None:
    config = pretrain_config(projection=ProjectionConfig(hidden=(16, 12), dim=5))
    pretrain(config, tmp_path / "out")
    assert {name: value.shape for name, value in weights(tmp_path / "out").items()} == {
        name: value.shape for name, value in weights(trained).items()
    }
    # The loss acts on the projection: it is that of the projected embeddings, and the monitors see the embeddings.
    encoder, projection = initial_networks(config, config.seed)
    assert projection is not None
    module = PretrainModule(encoder, projection, config, 4)
    batch = PairBatch(
        torch.randn(80, 15, generator=torch.Generator().manual_seed(1)), torch.arange(0, 81, 10), torch.arange(4)
    )
    z = encoder(batch.x, batch.offsets)
    direction = torch.nn.functional.normalize(z, dim=1)
    first, _, second, _, third = projection.mlp
    projected = third(torch.relu(second(torch.relu(first(direction)))))
    assert projected.shape == (8, 5)
    assert module.batch_loss(batch).item() == pytest.approx(nt_xent(projected).item(), rel=1e-6)
    with torch.no_grad():
        module.validate_batch(batch)
        metrics = module.validation_metrics()
    assert metrics["val_loss"] == pytest.approx(nt_xent(projected).item(), rel=1e-6)
    assert metrics["alignment"] == pytest.approx(alignment(z.detach().numpy()), rel=1e-6)


def test_fewer_events_and_chosen_samples(pretrain_config: Configs, toy_views: Path, tmp_path: Path) -> None:
    views = read_views(toy_views)
    nominal = views.first[:-1]
    train = views.split(SplitFractions())[nominal] == Split.TRAIN
    of_hbb = views.sample[nominal] == views.samples.index("hbb")
    pretrain(pretrain_config(samples=("hbb",)), tmp_path / "hbb")
    record = json.loads((tmp_path / "hbb" / "provenance.json").read_text())
    assert record["events"]["train"] == (train & of_hbb).sum()
    # The other sample does not reach the weights.
    write_views(tmp_path / "hbb.h5", views.select_events(of_hbb))
    pretrain(pretrain_config(views=tmp_path / "hbb.h5"), tmp_path / "alone")
    assert json.loads((tmp_path / "alone" / "provenance.json").read_text())["events"] == record["events"]
    pretrain(pretrain_config(samples=("qcd", "hbb"), max_events=33), tmp_path / "fewer")
    record = json.loads((tmp_path / "fewer" / "provenance.json").read_text())
    assert record["events"]["train"] == 33
    assert record["events"]["validation"] == (views.split(SplitFractions())[nominal] == Split.VALIDATION).sum()
    with pytest.raises(ConfigError, match="no view is of sample 'ttbar'; allowed: "):
        pretrain(pretrain_config(samples=("ttbar",)), tmp_path / "out")
    with pytest.raises(TrainingError, match="10 usable events do not fill one batch of 16"):
        pretrain(pretrain_config(max_events=10), tmp_path / "out")


def test_a_collapse_warns(pretrain_config: Configs, caplog: pytest.LogCaptureFixture) -> None:
    config = pretrain_config()
    module = PretrainModule(*initial_networks(config, config.seed), config, 4)
    # Weights of zero give every jet the same vector: the bias of the last layer.
    for name, parameter in module.encoder.named_parameters():
        if not name.endswith("bias"):
            parameter.data.zero_()
    x, offsets = torch.randn(80, 15, generator=torch.Generator().manual_seed(1)), torch.arange(0, 81, 10)
    with caplog.at_level(logging.WARNING), torch.no_grad():
        module.validate_batch(PairBatch(x, offsets, torch.tensor([0, 1, 0, 1])))
        metrics = module.validation_metrics()
    assert metrics["effective_rank"] == pytest.approx(0.0, abs=1e-6)
    assert "the embeddings collapse: effective rank 0.00 of 8" in caplog.text


def test_the_first_weights_depend_on_the_seed_alone(pretrain_config: Configs) -> None:
    torch_state = torch.random.get_rng_state()
    one, two, other = (
        initial_networks(pretrain_config(**changes), seed)[0]
        for changes, seed in (({}, 1), ({"batch_events": 8, "projection": ProjectionConfig()}, 1), ({}, 2))
    )
    assert one.digest == two.digest != other.digest
    assert torch.equal(torch.random.get_rng_state(), torch_state)


def test_generator_weights_reach_loss_and_monitors(
    trained: Path, pretrain_config: Configs, toy_views: Path, tmp_path: Path
) -> None:
    views = read_views(toy_views)
    # Equal weights are no weights, to the last bit.
    write_views(tmp_path / "equal.h5", dataclasses.replace(views, weight=np.full(views.n_jets, 0.37, np.float32)))
    pretrain(pretrain_config(views=tmp_path / "equal.h5"), tmp_path / "equal")
    assert (tmp_path / "equal" / "history.csv").read_bytes() == (trained / "history.csv").read_bytes()
    assert "effective_events" not in json.loads((tmp_path / "equal" / "provenance.json").read_text())

    per_event = np.random.default_rng(8).lognormal(0, 1, views.n_events)[views.event_of_jet].astype(np.float32)
    write_views(tmp_path / "weighted.h5", dataclasses.replace(views, weight=per_event))
    config = pretrain_config(views=tmp_path / "weighted.h5", batch_events=2 * views.n_events)
    with ViewsSource(config.views) as source:
        weights = _event_weights(source.index, config)
        assert weights is not None
        for number in range(len(views.samples)):
            mine = views.sample[views.first[:-1]] == number
            own = per_event[views.first[:-1]][mine]
            np.testing.assert_allclose(weights[mine], own / own.mean(), rtol=1e-6)
        validation = _batches(source, pretrain_config(views=tmp_path / "weighted.h5"), 1)[1]
        batch = _make(validation, np.zeros(views.n_events, np.int64), weights, 0, (0, 1), 0)
        event = validation.event_of(validation.batch(0, 0))
    module = PretrainModule(*initial_networks(config, config.seed), config, 1)
    with torch.no_grad():
        z = module.encoder(batch.x, batch.offsets)
        expected = nt_xent(z, weights=torch.from_numpy(weights[event]))
        assert module.batch_loss(batch).item() == pytest.approx(expected.item(), rel=1e-6)
        module.validate_batch(batch)
        metrics = module.validation_metrics()
    assert metrics["val_loss"] == pytest.approx(expected.item(), rel=1e-6)
    assert abs(expected.item() - nt_xent(z).item()) > 1e-4
    unit = torch.nn.functional.normalize(z, dim=1).numpy().astype(np.float64)
    squared = ((unit[::2] - unit[1::2]) ** 2).sum(axis=1)
    assert metrics["alignment"] == pytest.approx(np.average(squared, weights=weights[event]), rel=1e-5)
    write_views(
        tmp_path / "negative.h5", dataclasses.replace(views, weight=np.where(per_event < 0.4, -1, 1) * per_event)
    )
    with pytest.raises(InvalidDataError, match="negative generator weights"):
        pretrain(pretrain_config(views=tmp_path / "negative.h5"), tmp_path / "out")
