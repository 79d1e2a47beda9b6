"""Ragged batches."""

from __future__ import annotations

import pytest
import torch

from rs3l_gnn.conventions import InvalidDataError
from rs3l_gnn.models.ragged import check_batch, jet_of_particle, pad, select_features


def test_pad_and_jet_numbers() -> None:
    x = torch.arange(6.0)[:, None]
    offsets = torch.tensor([0, 2, 2, 6])
    padded, valid = pad(x, offsets)
    assert padded[..., 0].tolist() == [[0, 1, 0, 0], [0, 0, 0, 0], [2, 3, 4, 5]]
    assert valid.sum(dim=1).tolist() == [2, 0, 4]
    assert jet_of_particle(offsets).tolist() == [0, 0, 2, 2, 2, 2]


def test_select_features_by_name() -> None:
    x = torch.arange(30.0).reshape(2, 15)
    assert select_features(x, ("delta_r", "log_pt"))[0].tolist() == [9, 0]
    assert torch.equal(select_features(x[:, :2], ("delta_r", "log_pt")), x[:, :2])


def test_check_batch_names_the_jet() -> None:
    x = torch.zeros(6, 2)
    x[4, 1] = torch.inf
    with pytest.raises(InvalidDataError, match="'delta_r' of particle 2 in jet 2 is not finite; got inf"):
        check_batch(x, torch.tensor([0, 2, 2, 6]), ("log_pt", "delta_r"))
