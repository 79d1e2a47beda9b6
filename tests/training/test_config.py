"""Settings of trainings: nonsense is refused with its reason."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from rs3l_gnn.conventions import ConfigError, load_config, parse_config
from rs3l_gnn.training import FinetuneConfig, NTXent, PretrainConfig, TargetConfig

CONFIGS = Path(__file__).parents[2] / "configs"


def test_defaults_are_the_published_recipe() -> None:
    config = PretrainConfig()
    assert (config.loss, config.batch_events) == (NTXent(temperature=0.1), 100)
    assert (config.optimizer.learning_rate, config.optimizer.halve_every) == (1e-3, 50)
    tuning = FinetuneConfig()
    assert (tuning.optimizer.learning_rate, tuning.batch_events, tuning.trainer.epochs) == (1e-4, 1000, 200)


@pytest.mark.parametrize(
    ("model", "path"),
    [
        *((PretrainConfig, path) for path in sorted(CONFIGS.glob("pretrain/*.yaml"))),
        *((FinetuneConfig, path) for path in sorted(CONFIGS.glob("finetune/*.yaml"))),
    ],
    ids=lambda value: value.stem if isinstance(value, Path) else value.__name__,
)
def test_shipped_files_parse_and_every_number_in_them_arrives(
    model: type[PretrainConfig] | type[FinetuneConfig], path: Path
) -> None:
    written = yaml.safe_load(path.read_text(encoding="utf-8"))
    arrived = load_config(model, path).model_dump(mode="json")
    numbers = {key: value for key, value in _leaves(written) if isinstance(value, (int, float))}
    assert {key: value for key, value in _leaves(arrived) if key in numbers} == numbers


def _leaves(node: Any, where: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _leaves(value, f"{where}.{key}")
    else:
        yield where, node


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
