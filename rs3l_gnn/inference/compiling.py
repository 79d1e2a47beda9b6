"""Compiling the loops ahead, where nobody waits for them: in the recipe of a container, or after an installation."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import awkward as ak
import numpy as np

from rs3l_gnn.conventions import FEATURE_NAMES, ConfigError
from rs3l_gnn.conventions.extras import needs_extra
from rs3l_gnn.conventions.precisions import Precision
from rs3l_gnn.inference.tagger import JetTagger
from rs3l_gnn.models.kernels import edges

__all__ = ["compile_kernels"]


def compile_kernels(*, gradients: bool = False) -> Path:
    """Compile what scores need in any precision, or find that it is compiled already, for the processor at hand.

    Args:
        gradients: what the training of EdgeConv encoders needs, too.

    Returns:
        The folder of the layers' code; that of other loops lies beside their modules in the same way.

    Raises:
        ConfigError: there is no folder to keep it in.
        MissingDependencyError: gradients, and torch is not installed.
    """
    particle = {"pt": 100.0, "eta": 0.1, "phi": -3.1, "mass": 0.1, "pdgId": 211, "charge": 1, "d0": 0.0, "dz": 0.0}
    jets = ak.Array([[{"pt": 500.0, "eta": 0.1, "phi": 3.1, "mass": 90.0}]])
    for precision in get_args(Precision):
        JetTagger("default-hbb", precision=precision)(jets, ak.Array([[[particle, {**particle, "pt": 200.0}]]]))
    if gradients:
        _train()
    compiled: Any = edges.edge_forward
    if compiled.stats.cache_path is None:
        raise ConfigError(
            "compiled code cannot be kept: neither the folder of the package nor the user's cache may be written",
            hint="set NUMBA_CACHE_DIR to a folder that may",
        )
    return Path(compiled.stats.cache_path)


def _train() -> None:
    with needs_extra("compile_kernels(gradients=True)", "training"):
        import torch

        from rs3l_gnn.models import EdgeConvConfig, make_encoder
    with torch.random.fork_rng(devices=[]):
        encoder = make_encoder(EdgeConvConfig())
    x = torch.from_numpy(np.zeros((2, len(FEATURE_NAMES)), np.float32))
    encoder(x, torch.tensor([0, 2])).sum().backward()
