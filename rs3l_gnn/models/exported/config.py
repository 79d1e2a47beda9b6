"""Which exported file is a tagger, and how it wants its inputs. No torch import."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from rs3l_gnn.conventions import BaseConfig
from rs3l_gnn.models.exported.variables import QUANTITIES

__all__ = ["ExportedNetwork", "Kind"]

Kind = Literal["onnx", "torchscript"]


class ExportedNetwork(BaseConfig):
    """A network in a file of another format; its kind is said here and never guessed."""

    kind: Kind = Field(description="onnx, or torchscript: a program, which runs when it is opened")
    file: Path = Field(description="of the network")
    preprocess: Path | None = Field(
        default=None,
        description="JSON document of weaver-core, or export.json of rs3l export; null for an export.json beside it",
    )
    variables: dict[str, str] = Field(
        default_factory=dict, description="variable of weaver's document -> quantity, where its name is not known"
    )
    padding: Literal["constant", "wrap"] | None = Field(
        default=None,
        description="what follows the last candidate, pad_mode of weaver's training, which its document does not hold; "
        "null for wrap where the network takes a mask, and constant where it does not",
    )
    output: Literal["probabilities", "logits"] = Field(
        default="probabilities", description="what the network gives; logits become probabilities"
    )
    classes: tuple[str, ...] | None = Field(
        default=None, min_length=1, description="names of its scores in their order, where the document has none"
    )
    pt_min: float | None = Field(default=None, ge=0, description="GeV, the softest jets that it was trained on")

    @model_validator(mode="after")
    def _known(self) -> ExportedNetwork:
        unknown = sorted(set(self.variables.values()) - set(QUANTITIES))
        if unknown:
            raise ValueError(f"variables name no quantity {', '.join(unknown)}, allowed: {', '.join(QUANTITIES)}")
        return self

    @property
    def name(self) -> str:
        """For messages and reports: the file."""
        return str(self.file)
