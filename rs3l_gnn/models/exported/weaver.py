"""Inputs as weaver-core prepares them, from the JSON document that it writes beside an ONNX file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, FiniteFloat, ValidationError

from rs3l_gnn.conventions import CheckpointError
from rs3l_gnn.conventions.jagged import parents_of
from rs3l_gnn.models.exported.variables import QUANTITIES, WEAVER_NAMES, Particles, Quantity

__all__ = ["Variable", "WeaverInputs", "read_document"]

_MASK = "_mask"


class Variable(BaseModel, frozen=True):
    """How one variable is brought to the scale of the network: (x - median) norm_factor within the bounds."""

    median: FiniteFloat = 0.0
    norm_factor: FiniteFloat = 1.0
    lower_bound: FiniteFloat = -1e32
    upper_bound: FiniteFloat = 1e32
    pad: FiniteFloat = 0.0


class _Group(BaseModel):
    """One input of the network; ``replace_inf_value`` is not needed, since our features are finite."""

    var_names: tuple[str, ...] = Field(min_length=1)
    var_infos: dict[str, Variable]
    var_length: int | None


class WeaverInputs:
    """Makes the inputs of a network that weaver-core trained.

    Args:
        document: the JSON document.
        variables: variable -> quantity, beside :data:`WEAVER_NAMES`.
        padding: what stands behind the last candidate: the value of the document, or the candidates again. None is
            wrap for a network with a mask, which hides them: ParT in ONNX gives NaN for momenta of zero, masked or not.
        where: the document comes from, for messages.

    Raises:
        CheckpointError: it is not such a document, or asks for what we do not have.

    Attributes:
        names: of the inputs, in their order.
        classes: of the scores, where the document says them.
        features: those of the 15 that are needed.
    """

    def __init__(
        self,
        document: Mapping[str, Any],
        variables: Mapping[str, str],
        *,
        padding: Literal["constant", "wrap"] | None,
        where: str,
    ) -> None:
        self.names: tuple[str, ...] = tuple(map(str, document["input_names"]))
        masked = any(name.endswith(_MASK) for name in self.names)
        self._padding = padding or ("wrap" if masked else "constant")
        try:
            self._groups = {name: _Group.model_validate(document[name]) for name in self.names}
        except (KeyError, ValidationError) as error:
            text = " ".join(str(error).split())[:300]
            raise CheckpointError(f"{where} is not a preprocessing document of weaver-core: {text}") from error
        known = {**WEAVER_NAMES, **variables}
        used = [name for group in self._groups.values() for name in group.var_names]
        for name, group in self._groups.items():
            if group.var_length is None or group.var_length < 1:
                raise CheckpointError(
                    f"{where}: the input {name} has one value for a jet, and only those of candidates are made"
                )
            if bare := [one for one in group.var_names if one not in group.var_infos]:
                raise CheckpointError(f"{where}: var_infos of {name} lacks {', '.join(bare)}")
        if unknown := sorted({name for name in used if name not in known}):
            raise CheckpointError(
                f"{where} asks for {', '.join(unknown)}, and nothing says what that is",
                allowed=list(QUANTITIES),
                hint=f"if it is one of these, say so: variables: {{{unknown[0]}: ...}}",
            )
        self._quantities: dict[str, Quantity] = {name: QUANTITIES[known[name]] for name in used}
        self.features = tuple(dict.fromkeys(need for name in used for need in self._quantities[name].needs))
        labels = document.get("output_names")
        self.classes = tuple(map(str, labels)) if isinstance(labels, list) and labels else None

    def batch(
        self, features: NDArray[np.floating], offsets: NDArray[np.integer], axes: NDArray[np.floating]
    ) -> dict[str, NDArray[np.float32]]:
        """Inputs of some jets.

        Args:
            features: the 15 features [n_particles, 15], by falling pT in each jet.
            offsets: first particle of each jet [n_jets + 1].
            axes: eta and phi of the jets [n_jets, 2].

        Returns:
            By name, float32 [n_jets, n_variables, length]; candidates beyond the length are left out.
        """
        counts = np.diff(offsets)
        particles = Particles(features, parents_of(counts), axes)
        raw = {name: quantity.of(particles) for name, quantity in self._quantities.items()}
        inputs = {}
        for name, group in self._groups.items():
            place, filled = self._places(offsets, int(group.var_length or 0), wrap=not name.endswith(_MASK))
            block = np.empty((len(counts), len(group.var_names), place.shape[1]), np.float32)
            for row, one in enumerate(group.var_names):
                info = group.var_infos[one]
                scaled = np.clip((raw[one] - info.median) * info.norm_factor, info.lower_bound, info.upper_bound)
                block[:, row] = np.where(filled, np.append(scaled, 0.0)[place], info.pad)
            inputs[name] = block
        return inputs

    def _places(
        self, offsets: NDArray[np.integer], length: int, *, wrap: bool
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Candidate of each place [n_jets, length], one past the last where there is none; True where there is one."""
        counts = np.diff(offsets).astype(np.int64)
        slot = np.broadcast_to(np.arange(length), (len(counts), length))
        if wrap and self._padding == "wrap":
            filled = np.broadcast_to(counts[:, None] > 0, slot.shape)
            slot = slot % np.maximum(counts, 1)[:, None]
        else:
            filled = slot < counts[:, None]
        return np.where(filled, np.asarray(offsets)[:-1, None] + slot, offsets[-1]), filled


def read_document(path: Path) -> dict[str, Any]:
    """A JSON object.

    Raises:
        CheckpointError: it cannot be read, or is none.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"cannot read {path}: {' '.join(str(error).split())[:200]}") from error
    if not isinstance(document, dict):
        raise CheckpointError(f"{path} is not a JSON object", got=type(document).__name__)
    return document
