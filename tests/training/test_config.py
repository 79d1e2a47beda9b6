"""Settings of trainings: nonsense is refused with its reason."""

from pathlib import Path
from typing import Any

import pytest

from rs3l_gnn.conventions import ConfigError, load_config, parse_config
from rs3l_gnn.training import FinetuneConfig, NTXent, PretrainConfig, TargetConfig

CONFIGS = Path(__file__).parents[2] / "configs"


def test_defaults_are_the_published_recipe() -> None:
    config = PretrainConfig()
    assert (config.loss, config.batch_events) == (NTXent(temperature=0.1), 100)
    assert (config.optimizer.learning_rate, config.optimizer.halve_every) == (1e-3, 50)
    tuning = FinetuneConfig()
    assert (tuning.optimizer.learning_rate, tuning.batch_events, tuning.trainer.epochs) == (1e-4, 1000, 200)


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("pretrain/*.yaml")), ids=lambda path: path.stem)
def test_shipped_pretrainings_parse(path: Path) -> None:
    assert load_config(PretrainConfig, path).trainer.epochs > 0


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("finetune/*.yaml")), ids=lambda path: path.stem)
def test_shipped_finetunings_parse(path: Path) -> None:
    assert load_config(FinetuneConfig, path).trainer.epochs > 0


def test_one_path_or_several() -> None:
    assert PretrainConfig(views="a.h5").views == (Path("a.h5"),)
    assert PretrainConfig(views=["a.h5", "b.h5"]).views == (Path("a.h5"), Path("b.h5"))


@pytest.mark.parametrize(
    ("model", "document", "message"),
    [
        (PretrainConfig, {"loss": {"temperature": 0}}, r"loss\.temperature: .*greater than 0"),
        (PretrainConfig, {"loss": {"temperature": float("nan")}}, r"loss\.temperature"),
        (PretrainConfig, {"batch_size": 3}, "unknown key 'batch_size'"),
        (FinetuneConfig, {"mode": "fixed"}, "mode 'fixed' needs an encoder"),
        (FinetuneConfig, {"head": {"n_classes": 3}}, "there are 2 classes"),
        (TargetConfig, {"signal": ["Q"]}, "jet type 'Q' is in two classes"),
        (TargetConfig, {"signal": []}, "a class without jet types"),
        (TargetConfig, {"classes": {"a": ["Q"], "b": ["C"]}}, "three or more"),
    ],
)
def test_nonsense_is_refused(model: Any, document: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_config(model, document, where="here")
