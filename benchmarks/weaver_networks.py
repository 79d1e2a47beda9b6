"""Networks of weaver-core at their published sizes, and jets as these take them."""

from __future__ import annotations

import copy
import importlib
import logging
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rs3l_gnn.conventions import FEATURE_NAMES, energy_of
from rs3l_gnn.conventions.extras import needs_extra
from rs3l_gnn.models.padded import padded_batch

__all__ = ["NETWORKS", "Arrays", "WeaverNetwork", "export_network", "make_network"]

Arrays = dict[str, NDArray[np.float32]]
"""Inputs of a network by name, each [n_jets, channels, n]."""
_OPSET = 17
_PART_SIZES = {"use_pre_activation_pair": False}  # the rest are the class's own


@dataclass(frozen=True)
class WeaverNetwork:
    """A network by its class in weaver-core and its sizes.

    Attributes:
        module, name: of the class below ``weaver.nn.model``.
        sizes: arguments of the class.
        neighbours: most that a layer asks for; a batch needs one place more.
        arrays: gives its inputs in their order, from features [n_jets, n, 15] and ``valid`` [n_jets, n].
    """

    module: str
    name: str
    sizes: dict[str, Any]
    neighbours: int
    arrays: Callable[[NDArray[np.float32], NDArray[np.bool_]], Arrays]


def _cloud(features: NDArray[np.float32], valid: NDArray[np.bool_]) -> Arrays:
    columns = [FEATURE_NAMES.index(name) for name in ("deta", "dphi")]
    channels = _channels_first(features)
    return {"points": channels[:, columns], "features": channels, "mask": _mask(valid)}


def _momenta(features: NDArray[np.float32], valid: NDArray[np.bool_]) -> Arrays:
    """ParT's inputs: momenta px, py, pz, E in GeV of massless particles; those in padding are of pT 1 GeV."""
    deta, dphi, log_pt = (features[..., FEATURE_NAMES.index(name)] for name in ("deta", "dphi", "log_pt"))
    pt = np.exp(log_pt)
    momenta = np.stack([pt * np.cos(dphi), pt * np.sin(dphi), pt * np.sinh(deta), energy_of(pt, deta, 0.0)], axis=1)
    return {"x": _channels_first(features), "v": momenta.astype(np.float32), "mask": _mask(valid)}


def _channels_first(features: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.ascontiguousarray(features.transpose(0, 2, 1))


def _mask(valid: NDArray[np.bool_]) -> NDArray[np.float32]:
    return valid[:, None].astype(np.float32)


def _particle_net(layers: list[tuple[int, tuple[int, ...]]], dense: int, *, fusion: bool = False) -> WeaverNetwork:
    sizes = {"conv_params": layers, "fc_params": [(dense, 0.1)], "use_fusion": fusion}
    return WeaverNetwork("ParticleNet", "ParticleNet", sizes, max(k for k, _ in layers), _cloud)


NETWORKS: dict[str, WeaverNetwork] = {
    "ParticleNet": _particle_net([(16, (64,) * 3), (16, (128,) * 3), (16, (256,) * 3)], 256),
    "ParticleNet of our size": _particle_net([(16, (64,) * 3), (16, (128,) * 3)], 256, fusion=True),
    "ParticleNet-Lite": _particle_net([(7, (32,) * 3), (7, (64,) * 3)], 128),
    "ParT": WeaverNetwork("ParticleTransformer", "ParticleTransformer", _PART_SIZES, 0, _momenta),
}
"""ParticleNet and ParticleNet-Lite of arXiv:1902.08570 (section III); two blocks of the first with about as many
parameters as our encoder; the Particle Transformer of arXiv:2202.03772 (section 4)."""


def make_network(network: WeaverNetwork, *, exported: bool, seed: int = 0) -> nn.Module:
    """A network with random weights for the 15 features and two classes, ready for inference.

    Args:
        network: of :data:`NETWORKS`.
        exported: as weaver exports it: with probabilities, and gathering neighbours in the way that it means for CPUs.
        seed: of the weights.

    Raises:
        MissingDependencyError: weaver-core is not installed.
    """
    with needs_extra("rs3l benchmark peers", "peers"):
        weaver = importlib.import_module(f"weaver.nn.model.{network.module}")
    logging.getLogger("weaver").setLevel(logging.WARNING)  # it prints every size to the output
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        make = getattr(weaver, network.name)
        # Batches are as long as their longest jet, so that there is nothing to trim.
        made: nn.Module = make(
            len(FEATURE_NAMES), num_classes=2, trim=False, for_inference=exported, **copy.deepcopy(network.sizes)
        )
    return made.eval().requires_grad_(requires_grad=False)


def export_network(network: WeaverNetwork, module: nn.Module, path: Path) -> None:
    """Write an ``exported`` network of :func:`make_network` as ONNX, by torch's older exporter as weaver does."""
    n = network.neighbours + 2
    features, valid = padded_batch(np.ones((2 * n, len(FEATURE_NAMES)), np.float32), np.array([0, n, 2 * n]))
    example: dict[str, Tensor] = {name: torch.from_numpy(a) for name, a in network.arrays(features, valid).items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns about itself and about what it traces
        torch.onnx.export(
            module,
            tuple(example.values()),
            path,
            input_names=list(example),
            output_names=["scores"],
            dynamic_axes={name: {0: "jets", 2: "particles"} for name in example},
            opset_version=_OPSET,
            dynamo=False,
        )
