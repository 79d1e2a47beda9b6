"""A fingerprint of weights and sizes that does not depend on the file they came from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from torch import nn

__all__ = ["state_digest"]


def state_digest(module: nn.Module, *configs: Mapping[str, Any]) -> str:
    """SHA-256 over the configurations and every tensor's name, type, shape and bytes, in hexadecimal."""
    digest = hashlib.sha256()
    for config in configs:
        digest.update(json.dumps(dict(config), sort_keys=True).encode())
    for name, value in sorted(module.state_dict().items()):
        array = value.detach().cpu().contiguous().numpy()
        digest.update(f"{name}|{array.dtype}|{array.shape}|".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
