"""Sizes of the networks that run without torch; settings in YAML have the same names and defaults."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from rs3l_gnn.conventions import FEATURE_NAMES, ConfigError

__all__ = ["EdgeConvSizes", "HeadSizes"]


@dataclass(frozen=True)
class EdgeConvSizes:
    """Of an EdgeConv encoder, by default that of arXiv:2403.07066; see :class:`rs3l_gnn.models.EdgeConvConfig`."""

    features: tuple[str, ...] = FEATURE_NAMES
    dim: int = 8
    width: int = 128
    layers: int = 3
    k: int = 24
    hidden: tuple[int, ...] = (64, 32, 32)

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> EdgeConvSizes | None:
        """Sizes from the settings in a checkpoint; None for another backbone, or keys of a later version.

        Raises:
            ConfigError: a value that is no size.
        """
        chosen = dict(settings)
        if chosen.pop("backbone", "edgeconv") != "edgeconv" or not set(chosen) <= {each.name for each in fields(cls)}:
            return None
        values: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in chosen.items()}
        sizes = cls(**values)
        _require_sizes(dim=sizes.dim, width=sizes.width, k=sizes.k, hidden=sizes.hidden)
        layers: Any = sizes.layers
        if not isinstance(layers, int) or layers < 0:
            raise ConfigError("layers must be a number from 0", got=layers)
        return sizes

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each array of the encoder, by its name in a checkpoint."""
        found = _linear("particle.0", self.width, len(self.features)) | _linear("particle.2", self.width, self.width)
        for layer in range(self.layers):
            found |= _linear(f"layers.{layer}.nn.0", self.width, 2 * self.width)
        sizes = (self.width, *self.hidden, self.dim)
        return found | _linears("output", sizes)

    def identity(self) -> dict[str, Any]:
        """What the digest covers beside the weights: as the first checkpoints had it, with a key of both backbones."""
        return {"heads": 8, "backbone": "edgeconv", **_json(asdict(self))}


@dataclass(frozen=True)
class HeadSizes:
    """Of a head; see :class:`rs3l_gnn.models.HeadConfig`."""

    hidden: tuple[int, ...] = ()
    n_classes: int = 1

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> HeadSizes | None:
        """As :meth:`EdgeConvSizes.of`."""
        if not set(settings) <= {each.name for each in fields(cls)}:
            return None
        sizes = cls(tuple(settings.get("hidden", ())), settings.get("n_classes", 1))
        _require_sizes(n_classes=sizes.n_classes, hidden=sizes.hidden)
        return sizes

    def shapes(self, dim: int) -> dict[str, tuple[int, ...]]:
        """Shape of each array of a head on embeddings of that length, by its name in a checkpoint."""
        return _linears("mlp", (dim, *self.hidden, self.n_classes))

    def identity(self) -> dict[str, Any]:
        """What the digest covers beside the weights."""
        return _json(asdict(self))


def _linears(name: str, sizes: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for number, (n_in, n_out) in enumerate(itertools.pairwise(sizes)):
        found |= _linear(f"{name}.{2 * number}", n_out, n_in)
    return found


def _linear(name: str, n_out: int, n_in: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (n_out, n_in), f"{name}.bias": (n_out,)}


def _require_sizes(**sizes: Any) -> None:
    for name, size in sizes.items():
        for one in size if isinstance(size, tuple) else (size,):
            if not isinstance(one, int) or one < 1:
                raise ConfigError(f"{name} must be sizes of at least 1", got=size)


def _json(settings: dict[str, Any]) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in settings.items()}
