"""Settings of the responses."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from rs3l_gnn.conventions import BaseConfig

__all__ = ["ResponseConfig"]

Efficiency = Annotated[float, Field(gt=0, lt=1)]


def _as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, (str, Path)) else value


OtherViews = Annotated[tuple[Path, ...], BeforeValidator(_as_tuple), Field(min_length=1)]


class ResponseConfig(BaseConfig):
    """What pass rates at fixed working points answer to another shower."""

    efficiencies: tuple[Efficiency, ...] | None = Field(
        None, min_length=1, description="signal efficiencies of the working points; those of the evaluation if null"
    )
    generators: tuple[str, ...] | None = Field(
        None,
        description="variations that stand for another generator; if null those that say so of themselves (another "
        "generator, or another shower of Pythia)",
    )
    unpaired: dict[str, OtherViews] = Field(
        {},
        description="name and views of other hard events, from another generator; nominal views are used",
    )
    aim: float = Field(0.5, gt=0, description="aimed size of a response, relative to the reference tagger's")
