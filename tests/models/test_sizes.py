"""Sizes of networks without torch, against torch's modules and the settings of YAML."""

from __future__ import annotations

import pytest

from rs3l_gnn.conventions import ConfigError
from rs3l_gnn.models import EdgeConvConfig, Head, HeadConfig, TransformerConfig, make_encoder
from rs3l_gnn.models.sizes import EdgeConvSizes, HeadSizes


def test_names_and_defaults_are_those_of_the_settings() -> None:
    settings = EdgeConvConfig().model_dump()
    assert EdgeConvSizes.of({}) == EdgeConvSizes.of(settings) == EdgeConvSizes()
    assert EdgeConvSizes().identity() == EdgeConvConfig().identity()
    assert HeadSizes.of({}) == HeadSizes.of(HeadConfig().model_dump()) == HeadSizes()
    assert HeadSizes().identity() == HeadConfig().model_dump(mode="json")


@pytest.mark.parametrize("hidden", [(), (7, 5)])
def test_shapes_are_those_of_the_modules(hidden: tuple[int, ...]) -> None:
    config = EdgeConvConfig(width=16, layers=2, k=3, hidden=hidden, dim=6, features=("deta", "dphi"))
    sizes = EdgeConvSizes.of(config.model_dump(mode="json"))
    assert sizes is not None
    encoder = make_encoder(config)
    assert sizes.shapes() == {key: tuple(value.shape) for key, value in encoder.state_dict().items()}
    head = Head(HeadConfig(hidden=hidden, n_classes=3), dim=6)
    found = HeadSizes(hidden, 3).shapes(6)
    assert found == {key: tuple(value.shape) for key, value in head.state_dict().items()}


def test_other_networks_are_left_to_torch() -> None:
    assert EdgeConvSizes.of(TransformerConfig().model_dump(mode="json")) is None
    assert EdgeConvSizes.of({"width": 8, "of_a_later_version": True}) is None
    assert HeadSizes.of({"dropout": 0.5}) is None


@pytest.mark.parametrize("wrong", [{"width": 0}, {"k": "many"}, {"hidden": [4, -1]}, {"layers": -1}])
def test_what_is_no_size_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises((ConfigError, TypeError)):
        EdgeConvSizes.of(wrong)
