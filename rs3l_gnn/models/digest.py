"""A fingerprint of weights and sizes that does not depend on the file they came from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from rs3l_gnn.conventions.precisions import Precision

if TYPE_CHECKING:
    from torch import nn

__all__ = ["digest_with", "joint_digest", "state_digest", "weights_digest"]


def state_digest(module: nn.Module, *configs: Mapping[str, Any]) -> str:
    """:func:`weights_digest` of a module's tensors."""
    state = {name: value.detach().cpu().contiguous().numpy() for name, value in module.state_dict().items()}
    return weights_digest(state, *configs)


def weights_digest(state: Mapping[str, NDArray[Any]], *configs: Mapping[str, Any]) -> str:
    """SHA-256 over the configurations and every array's name, type, shape and bytes, in hexadecimal."""
    digest = hashlib.sha256()
    for config in configs:
        digest.update(json.dumps(dict(config), sort_keys=True).encode())
    for name, array in sorted(state.items()):
        digest.update(f"{name}|{array.dtype}|{array.shape}|".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def digest_with(digest: str, precision: Precision) -> str:
    """Of weights in a precision: what gives other numbers has another digest."""
    return digest if precision == "float32" else joint_digest((digest, precision))


def joint_digest(digests: Iterable[str]) -> str:
    """One digest of what has several, in their order."""
    return hashlib.sha256("".join(digests).encode()).hexdigest()
