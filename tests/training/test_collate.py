"""Batches of torch's loaders for the modules: those of the library's own trainings; and the notebook that uses them."""

import json
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from rs3l_gnn.conventions import InvalidDataError, JetType, Split, SplitFractions
from rs3l_gnn.data import ViewsDataset, ViewsSource, read_views
from rs3l_gnn.models import load_encoder
from rs3l_gnn.training import (
    FinetuneConfig,
    JetCollate,
    PairBatch,
    PairCollate,
    PretrainConfig,
    TargetConfig,
    prepared_finetuning,
    prepared_pretraining,
    pretrain,
)

NOTEBOOK = Path(__file__).parents[2] / "docs" / "notebooks" / "training_in_your_own_loop.ipynb"


def test_pairs_are_views_of_one_event_with_its_class(toy_views: Path) -> None:
    dataset = ViewsDataset(toy_views, n_views=2)
    collate = PairCollate(targets=TargetConfig(), weighted=True)
    loader: Iterable[PairBatch] = DataLoader(dataset, batch_size=7, collate_fn=collate)  # type: ignore[arg-type]  # has all that the loader asks for but the base class
    views, start = read_views(toy_views), 0
    for batch in loader:
        n = len(batch.label)
        assert len(batch.offsets) == 2 * n + 1
        for event in range(n):
            jets = views.jets_of(dataset.events[start + event : start + event + 1])
            rows = slice(int(batch.offsets[2 * event]), int(batch.offsets[2 * event + 1]))
            first = views.take(jets[:1])[0]
            np.testing.assert_array_equal(batch.x[rows].numpy(), first)
            assert batch.label[event] == (1 if views.jettype[jets[0]] == JetType.H_BB else 0)
            assert batch.weight is not None
            assert batch.weight[event] == views.weight[jets[0]]
        start += n
    assert start == len(dataset)
    with pytest.raises(InvalidDataError, match="items must have 3 views each; got 4 views of 2 events"):
        PairCollate(n_views=3)([dataset[0], dataset[1]])


def test_jets_without_a_class_do_not_count(toy_views: Path) -> None:
    dataset = ViewsDataset(toy_views, n_views=1)
    only = JetCollate(TargetConfig(signal=("H_BB",), background=("C",)))
    batch = only([dataset[item] for item in range(len(dataset))])
    views = read_views(toy_views)
    signal = views.jettype[views.first[:-1][dataset.events]] == JetType.H_BB
    np.testing.assert_array_equal(batch.weight.numpy() > 0, signal)  # toys have no charm jets
    np.testing.assert_array_equal(batch.target.numpy(), signal)


def fit(module: pl.LightningModule, data: pl.LightningDataModule, epochs: int, folder: Path) -> None:
    trainer = pl.Trainer(
        accelerator="cpu",
        max_epochs=epochs,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        reload_dataloaders_every_n_epochs=1,
        use_distributed_sampler=False,
        default_root_dir=folder,
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        warnings.filterwarnings("ignore", message=".*isinstance\\(treespec, LeafSpec\\).*")
        trainer.fit(module, datamodule=data)


def test_a_trainer_of_ones_own_gives_the_same_bits(
    pretrain_config: Callable[..., PretrainConfig], tmp_path: Path
) -> None:
    config = pretrain_config(epochs=2)
    with prepared_pretraining(config) as (module, data):
        fit(module, data, 2, tmp_path)
    assert module.encoder.digest == load_encoder(pretrain(config, tmp_path / "out").checkpoint).digest


def test_a_prepared_finetuning_trains_its_tagger(
    finetune_config: Callable[..., FinetuneConfig], tmp_path: Path
) -> None:
    with prepared_finetuning(finetune_config()) as (module, data):
        before = [value.clone() for value in module.tagger.parameters()]
        fit(module, data, 1, tmp_path)
        with ViewsSource(module._config.views) as source:
            n = int((source.index.split(SplitFractions())[source.index.first[:-1]] == Split.TRAIN).sum())
    assert data.n_jets <= n
    after = list(module.tagger.parameters())
    assert not all(torch.equal(one, other) for one, other in zip(before, after, strict=True))


def _code_cells() -> list[dict[str, Any]]:
    document = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert (document["nbformat"], document["nbformat_minor"]) == (4, 5)
    return [cell for cell in document["cells"] if cell["cell_type"] == "code"]


def test_outputs_are_stripped() -> None:
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in _code_cells())


@pytest.mark.filterwarnings("default")  # of Lightning and torch_geometric, in the user's notebook
def test_the_notebook_runs(toy_views: Path, tmp_path: Path) -> None:
    scope: dict[str, Any] = {}
    for cell in _code_cells():
        exec("".join(cell["source"]), scope)  # noqa: S102 - the text of our own notebook
        if "parameters" in cell["metadata"].get("tags", []):
            scope |= {
                "views": str(toy_views),
                "epochs": 3,
                "batch_events": 16,
                "encoder": {"width": 16, "layers": 1, "k": 6, "hidden": (8,), "dim": 4},
                "output": str(tmp_path),
            }
    rows = scope["keep"].rows
    assert [len(rows), len(scope["again"].rows)] == [3, len(scope["saved"].history)]
    assert all(np.isfinite(row["loss"]) and np.isfinite(row["val_loss"]) for row in rows)
    assert np.mean(scope["losses"][-4:]) < np.mean(scope["losses"][:4])
    assert load_encoder(tmp_path / "encoder.safetensors").config.dim == 4
