"""Other libraries make float64 torch's default for the whole process; networks stay what they are."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from rs3l_gnn.models import EdgeConvConfig, HeadConfig, load_tagger, make_encoder
from rs3l_gnn.models.heads import Head
from rs3l_gnn.models.precision import single_precision


@pytest.fixture
def double() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.usefixtures("double")
def test_new_networks_hold_single_precision() -> None:
    networks = (make_encoder(EdgeConvConfig(dim=8)), Head(HeadConfig(hidden=(4,)), 8))
    assert {weight.dtype for network in networks for weight in network.parameters()} == {torch.float32}
    assert torch.get_default_dtype() == torch.float64


def test_scores_are_the_same() -> None:
    x = torch.randn(50, 15, generator=torch.Generator().manual_seed(1), dtype=torch.float32)
    offsets = torch.tensor([0, 20, 21, 50])
    before = load_tagger("default-hbb").score(x.numpy(), offsets.numpy())
    torch.set_default_dtype(torch.float64)
    try:
        after = load_tagger("default-hbb").score(x.numpy(), offsets.numpy())
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch.equal(torch.as_tensor(before), torch.as_tensor(after))


@pytest.mark.usefixtures("double")
def test_the_default_comes_back_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), single_precision():
        assert torch.get_default_dtype() == torch.float32
        raise ZeroDivisionError
    assert torch.get_default_dtype() == torch.float64
