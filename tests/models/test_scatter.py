"""Reduction of edges, with torch alone and with torch_scatter."""

from __future__ import annotations

import types
from typing import Any

import pytest
import torch
from torch import Tensor

from rs3l_gnn.models import scatter
from rs3l_gnn.models.scatter import AGGREGATIONS, reduce_edges

MESSAGES = torch.tensor([[1.0, -4.0], [3.0, -2.0], [-5.0, 6.0]])
TARGET = torch.tensor([2, 2, 0])
EXPECTED = {
    "max": [[-5, 6], [0, 0], [3, -2]],
    "min": [[-5, 6], [0, 0], [1, -4]],
    "mean": [[-5, 6], [0, 0], [2, -3]],
    "add": [[-5, 6], [0, 0], [4, -6]],
    "sum": [[-5, 6], [0, 0], [4, -6]],
}


@pytest.mark.parametrize("aggr", AGGREGATIONS)
def test_by_hand(aggr: str) -> None:
    assert reduce_edges(MESSAGES, TARGET, 3, aggr).tolist() == EXPECTED[aggr]


def test_torch_scatter_is_used_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[dict[str, Any]] = []

    def fake(messages: Tensor, target: Tensor, **options: Any) -> Tensor:
        calls.append(options)
        return messages[: options["dim_size"]]

    monkeypatch.setattr(scatter, "_torch_scatter", lambda: types.SimpleNamespace(scatter=fake))
    assert reduce_edges(MESSAGES, TARGET, 3, "mean").shape == (3, 2)
    assert calls == [{"dim": 0, "dim_size": 3, "reduce": "mean"}]


def test_installed_torch_scatter_agrees() -> None:
    torch_scatter = pytest.importorskip("torch_scatter")
    for aggr in AGGREGATIONS:
        assert torch_scatter.scatter(MESSAGES, TARGET, dim=0, dim_size=3, reduce=aggr).tolist() == EXPECTED[aggr]
