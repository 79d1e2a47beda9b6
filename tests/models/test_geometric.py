"""Jets as torch_geometric's graphs and back, and the reduction of edges."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch_geometric.data import Batch, Data
from torch_geometric.loader import DataLoader

from rs3l_gnn.conventions import InvalidDataError
from rs3l_gnn.models import Encoder, Head, HeadConfig, Tagger, graphs_of
from rs3l_gnn.models.geometric import AGGREGATIONS, offsets_of_batch, reduce_edges

MESSAGES = torch.tensor([[-5.0, 6.0], [1.0, -4.0], [3.0, -2.0]])
PTR = torch.tensor([0, 1, 1, 3])
REDUCED = {
    "max": [[-5, 6], [0, 0], [3, -2]],
    "min": [[-5, 6], [0, 0], [1, -4]],
    "mean": [[-5, 6], [0, 0], [2, -3]],
    "add": [[-5, 6], [0, 0], [4, -6]],
    "sum": [[-5, 6], [0, 0], [4, -6]],
}


@pytest.mark.parametrize("aggr", AGGREGATIONS)
def test_reduction_by_hand(aggr: str) -> None:
    assert reduce_edges(MESSAGES, PTR, aggr).tolist() == REDUCED[aggr]


@pytest.mark.slow
@pytest.mark.parametrize("aggr", AGGREGATIONS)
def test_torch_scatter_serves_where_it_is_installed(aggr: str, monkeypatch: pytest.MonkeyPatch) -> None:
    torch_scatter = pytest.importorskip("torch_scatter")
    called: list[str] = []
    real = torch_scatter.segment_csr

    def counted(src: torch.Tensor, ptr: torch.Tensor, **options: Any) -> torch.Tensor:
        called.append(options["reduce"])
        out: torch.Tensor = real(src, ptr, **options)
        return out

    monkeypatch.setattr(torch_scatter, "segment_csr", counted)
    messages = MESSAGES.double().requires_grad_()
    out = reduce_edges(messages, PTR, aggr)
    assert out.tolist() == REDUCED[aggr]
    assert called == ["sum" if aggr == "add" else aggr]
    (gradient,) = torch.autograd.grad(out.sum(), messages)
    shares = {
        "mean": [[1, 1], [0.5, 0.5], [0.5, 0.5]],
        "max": [[1, 1], [0, 0], [1, 1]],
        "min": [[1, 1], [1, 1], [0, 0]],
    }
    assert gradient.tolist() == shares.get(aggr, [[1, 1]] * 3)


def test_offsets_of_batch() -> None:
    assert offsets_of_batch(torch.tensor([0, 0, 2])).tolist() == [0, 2, 2, 3]
    assert offsets_of_batch(torch.tensor([0, 0, 2]), n_jets=5).tolist() == [0, 2, 2, 3, 3, 3]
    assert offsets_of_batch(torch.zeros(0, dtype=torch.int64)).tolist() == [0]
    with pytest.raises(InvalidDataError, match="rising order"):
        offsets_of_batch(torch.tensor([0, 2, 1]))


def test_jets_go_out_as_graphs_and_come_back(make_jets: Callable[..., Any]) -> None:
    features, offsets = make_jets()
    batch = graphs_of(features, offsets, {"pt": np.arange(len(offsets) - 1.0)})
    assert isinstance(batch, Batch)
    assert batch.ptr.tolist() == offsets.tolist()
    assert batch.num_graphs == len(offsets) - 1
    assert torch.equal(batch.x, torch.from_numpy(features))
    for jet, graph in enumerate(batch.to_data_list()):
        assert np.array_equal(graph.x, features[offsets[jet] : offsets[jet + 1]])
        assert graph.pt.tolist() == [jet]


def test_encoders_and_taggers_take_graphs(make_encoder: Callable[..., Encoder], make_jets: Callable[..., Any]) -> None:
    encoder = make_encoder(width=16, layers=1, k=4)
    tagger = Tagger(encoder, Head(HeadConfig()))
    features, offsets = make_jets()
    graphs = [Data(x=torch.from_numpy(features[first:last])) for first, last in itertools.pairwise(offsets.tolist())]
    (batch,) = DataLoader(graphs, batch_size=len(graphs))
    expected = encoder.embed(features, offsets)
    assert np.array_equal(encoder.embed(batch), expected)
    assert np.array_equal(tagger.score(batch), tagger.score(features, offsets))
    assert torch.equal(encoder(batch), encoder(torch.from_numpy(features), torch.from_numpy(offsets)))
    assert torch.equal(tagger(batch), tagger(torch.from_numpy(features), torch.from_numpy(offsets)))
    one = graphs[5]
    assert np.array_equal(encoder.embed(one), expected[5:6])
    # A graph with the vector alone, as torch_geometric's own layers take it.
    loose = Data(x=batch.x, batch=batch.batch)
    assert np.array_equal(encoder.embed(loose), expected[: int(batch.batch.max()) + 1])


def test_particles_without_offsets_are_refused(make_encoder: Callable[..., Encoder]) -> None:
    encoder = make_encoder(width=8, layers=0)
    with pytest.raises(InvalidDataError, match="jets need offsets, unless.*got ndarray"):
        encoder.embed(np.zeros((3, 15)))
    with pytest.raises(InvalidDataError, match="jets need offsets, unless.*got Data"):
        encoder(Data())
