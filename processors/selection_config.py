"""Configuration of what is analysed: expressions, jets, channels."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from rs3l_gnn.conventions import BaseConfig, ConfigError
from rs3l_gnn.conventions.expressions import Expression, parse_expression
from rs3l_gnn.inference.tagger import TRAINING_PT_MIN
from rs3l_gnn.processors.systematics_config import PlainName

__all__ = ["ChannelConfig", "ConditionText", "ExpressionText", "JetSelection", "named_channels"]


def _expression(text: str) -> Expression:
    try:
        return parse_expression(text)
    except ConfigError as error:
        raise ValueError(str(error)) from error  # so that the message of the configuration names the key


def _readable(text: str) -> str:
    _expression(text)
    return text


def _is_condition(text: str) -> str:
    if _expression(text).is_condition is False:
        raise ValueError("a condition is needed, such as x > 0; this expression gives numbers")
    return text


ExpressionText = Annotated[str, AfterValidator(_readable)]
"""An expression of :mod:`rs3l_gnn.conventions.expressions`."""
ConditionText = Annotated[str, AfterValidator(_is_condition)]
"""An expression that holds or does not."""


class JetSelection(BaseConfig):
    """Which jets of an event are analysed."""

    choice: Literal["leading", "second", "all", "anchor"] | Annotated[int, Field(ge=1)] = Field(
        default="leading",
        description="of the jets that pass the cuts, by falling pT: leading (1), second (2), any other place as a "
        "number, all of them; anchor: the jet matched to the hard event",
    )
    pt_min: float = Field(default=450.0, ge=0, description="GeV")
    eta_max: float = Field(default=2.5, gt=0, description="largest |eta|")
    mass_min: float | None = Field(default=None, description="soft-drop mass, GeV")
    mass_max: float | None = Field(default=None, description="soft-drop mass, GeV")
    selection: dict[PlainName, ConditionText] = Field(
        default_factory=dict, description="name -> expression that holds for the jets that are kept"
    )
    model_pt_min: float | None = Field(
        default=None,
        ge=0,
        description="jets below this pT (GeV) are outside the training range: they are counted, and flagged in skims; "
        "null takes what the checkpoints say, and 450 where they do not",
    )

    @model_validator(mode="after")
    def _ordered(self) -> JetSelection:
        if self.mass_min is not None and self.mass_max is not None and not self.mass_min < self.mass_max:
            raise ValueError(f"mass_min must lie below mass_max, got {self.mass_min} and {self.mass_max}")
        return self

    @property
    def training_pt_min(self) -> float:
        """GeV; the lower end of the training range, of which nothing is known without a network."""
        return TRAINING_PT_MIN if self.model_pt_min is None else self.model_pt_min

    @property
    def place(self) -> int | None:
        """Place of the analysed jet by falling pT, from 0; None for all."""
        if self.choice == "all":
            return None
        return (
            {"leading": 0, "anchor": 0, "second": 1}[self.choice] if isinstance(self.choice, str) else self.choice - 1
        )


class ChannelConfig(BaseConfig):
    """One region: jets inside every window for which the expression holds."""

    name: PlainName = Field(description="entry on the channel axis")
    cuts: dict[str, tuple[float | None, float | None]] = Field(
        default_factory=dict,
        description="window [low, high) for score_<tagger>, mass or pt; null leaves a side open",
    )
    selection: ConditionText | None = Field(
        default=None, description="expression, of the event or the jet; null for no further condition"
    )


def named_channels(document: object) -> object:
    """``{signal: "score_x > 0.9", control: {cuts: ...}}`` as the list of channels that it stands for."""
    if not isinstance(document, dict):
        return document
    sections = {name: {"selection": entry} if isinstance(entry, str) else entry for name, entry in document.items()}
    return [{"name": name, **entry} if isinstance(entry, dict) else entry for name, entry in sections.items()]
