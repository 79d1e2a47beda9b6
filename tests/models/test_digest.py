"""Fingerprints of weights."""

from __future__ import annotations

import hashlib
import json

import torch
from torch import nn

from rs3l_gnn.models.digest import state_digest


def test_by_hand() -> None:
    linear = nn.Linear(2, 1)
    with torch.no_grad():
        linear.weight.copy_(torch.tensor([[1.0, 2.0]]))
        linear.bias.copy_(torch.tensor([0.5]))
    expected = hashlib.sha256(json.dumps({"a": 1, "b": 2}).encode())
    expected.update(b"bias|float32|(1,)|\x00\x00\x00\x3f")
    expected.update(b"weight|float32|(1, 2)|\x00\x00\x80\x3f\x00\x00\x00\x40")
    assert state_digest(linear, {"b": 2, "a": 1}) == expected.hexdigest()


def test_every_part_counts() -> None:
    linear = nn.Linear(2, 1)
    digests = {state_digest(linear), state_digest(linear, {"k": 3}), state_digest(linear.double())}
    with torch.no_grad():
        linear.bias.add_(1)
    assert len(digests | {state_digest(linear)}) == 4
