"""The features of arXiv:2403.07066 as part of a network, so that what goes to a server is candidates and jets."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from rs3l_gnn.conventions import FEATURE_NAMES, CheckpointError

__all__ = ["FromCandidates"]


class FromCandidates(nn.Module):
    """Features of padded candidates, then a network.

    Args:
        network: takes features [n_jets, n, C] and valid [n_jets, n].
        features: its inputs by name, in its order.

    Raises:
        CheckpointError: it takes others than the paper's 15, of which this module knows no formula.
    """

    columns: Tensor

    def __init__(self, network: nn.Module, features: Sequence[str]) -> None:
        super().__init__()
        if unknown := [name for name in features if name not in FEATURE_NAMES]:
            raise CheckpointError(
                f"no graph computes {', '.join(unknown)}",
                allowed=FEATURE_NAMES,
                hint="export the network itself with --format onnx",
            )
        self.network = network
        self.register_buffer("columns", torch.tensor([FEATURE_NAMES.index(name) for name in features]))

    def forward(self, candidates: Tensor, jets: Tensor, valid: Tensor) -> Tensor:
        """Scores [n_jets, n_classes], or embeddings [n_jets, dim].

        Args:
            candidates: ``candidates.CANDIDATE_FIELDS`` of each [n_jets, n, 8], anything in padding.
            jets: ``candidates.JET_FIELDS`` [n_jets, 4].
            valid: True = real candidate [n_jets, n].
        """
        features = _features(candidates, jets.unsqueeze(1), valid)
        found: Tensor = self.network(features.index_select(2, self.columns), valid)
        return found.unsqueeze(1) if found.dim() == 1 else found


def _features(candidates: Tensor, jets: Tensor, valid: Tensor) -> Tensor:
    """All 15 in their order [n_jets, n, 15]; double precision, as :func:`rs3l_gnn.conventions.candidate_features`."""
    one = torch.ones_like(candidates[:, :, 0], dtype=torch.float64)
    # Padding, and jets without candidates, may hold zeros, whose logarithm is no number.
    pt, eta, phi, energy, charge, pdg, d0, dz = (
        torch.where(valid, column.double(), one) for column in candidates.unbind(2)
    )
    jet_pt, jet_eta, jet_phi, jet_energy = (torch.where(valid, column.double(), one) for column in jets.unbind(2))
    deta = eta - jet_eta
    turn = 2.0 * math.pi
    dphi = phi - jet_phi
    dphi = dphi - turn * torch.floor((dphi + math.pi) / turn)
    number = pdg.abs()
    charged = charge != 0
    muon, electron = charged & (number == 13), charged & (number == 11)
    photon = ~charged & ((number == 22) | (number == 2))
    track = charged.double()
    columns = [
        torch.log(pt),
        torch.log(pt / jet_pt),
        deta,
        dphi,
        torch.log(energy),
        torch.log(energy / jet_energy),
        charge,
        torch.tanh(d0) * track,
        torch.tanh(dz) * track,
        torch.sqrt(deta * deta + dphi * dphi),
        photon.double(),
        muon.double(),
        electron.double(),
        (charged & ~muon & ~electron).double(),
        (~charged & ~photon).double(),
    ]
    return torch.stack(columns, dim=2).float()
