"""Configuration of the axes of histograms, and of histograms of one's own."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from rs3l_gnn.conventions import BaseConfig
from rs3l_gnn.processors.running.exact import Variable
from rs3l_gnn.processors.selection_config import ExpressionText

__all__ = ["AxisConfig", "FunctionName", "HistogramConfig"]

FunctionName = Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]
"""A function or class of a module that can be imported: ``module:name``."""


class AxisConfig(BaseConfig):
    """Binning of one variable."""

    bins: int = Field(ge=1, description="how many")
    start: float = Field(description="lowest edge")
    stop: float = Field(description="highest edge")
    spacing: Literal["linear", "logit"] = Field(
        default="linear", description="logit: fine near both ends, where the scores of a trained tagger pile up"
    )

    @model_validator(mode="after")
    def _ordered(self) -> AxisConfig:
        if not self.start < self.stop:
            raise ValueError(f"start must lie below stop, got {self.start} and {self.stop}")
        if self.spacing == "logit" and self.bins < 3:
            raise ValueError(f"logit spacing needs at least 3 bins, got {self.bins}")
        return self

    def variable(self, name: str, label: str) -> Variable:
        """The axis of a histogram.

        Args:
            name: of the axis.
            label: with the unit.
        """
        return Variable(name, label, self.bins, self.start, self.stop, self.spacing)


class HistogramConfig(AxisConfig):
    """A histogram of an expression, or of what a function gives, with all variations."""

    expression: ExpressionText | None = Field(default=None, description="of the event or the analysed jet")
    function: FunctionName | None = Field(
        default=None, description="module:function, called with events and jets; gives [event] or [event][jet]"
    )
    edges: tuple[float, ...] = Field(
        default=(), description="of bins of different width, in place of bins, start, stop"
    )
    label: str | None = Field(default=None, description="null for the name of the histogram")
    unit: str = Field(default="", description="such as GeV")

    @model_validator(mode="before")
    @classmethod
    def _from_edges(cls, document: Any) -> Any:
        if not isinstance(document, dict) or not document.get("edges"):
            return document
        edges = document["edges"]
        if not isinstance(edges, (list, tuple)) or len(edges) < 2:  # refused as such, with its key
            return {"bins": 1, "start": 0.0, "stop": 1.0, **document}
        return {**document, "bins": len(edges) - 1, "start": edges[0], "stop": edges[-1]}

    @field_validator("edges", mode="after")
    @classmethod
    def _rising(cls, edges: tuple[float, ...]) -> tuple[float, ...]:
        if edges and (len(edges) < 2 or any(not low < high for low, high in pairwise(edges))):
            raise ValueError("edges must rise, and be two or more")
        return edges

    @model_validator(mode="after")
    def _consistent(self) -> HistogramConfig:
        if (self.expression is None) == (self.function is None):
            raise ValueError("give either expression or function")
        if self.edges and self.spacing != "linear":
            raise ValueError("edges leave nothing to spacing; give one of them")
        return self

    def variable(self, name: str, label: str) -> Variable:
        """The axis; ``label`` stands where the configuration has none."""
        shown = (self.label or label) + (f" [{self.unit}]" if self.unit else "")
        return Variable(name, shown, self.bins, self.start, self.stop, self.spacing, self.edges)
