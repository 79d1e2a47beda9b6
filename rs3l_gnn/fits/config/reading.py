"""How histograms lie in their files: names of axes, of nominal, and of the objects in a ROOT file."""

from __future__ import annotations

import string
from typing import Literal

from pydantic import Field, field_validator

from rs3l_gnn.conventions import NOMINAL, BaseConfig

__all__ = ["AxisNames", "ReadingConfig", "fields_of"]


def fields_of(pattern: str) -> frozenset[str]:
    """Names in braces.

    >>> sorted(fields_of("{channel}/{dataset}_{variation}"))
    ['channel', 'dataset', 'variation']

    Raises:
        ValueError: unbalanced braces.
    """
    return frozenset(name for _, name, _, _ in string.Formatter().parse(pattern) if name is not None)


class AxisNames(BaseConfig):
    """Names of the axes of a histogram; what is left is the variable."""

    dataset: str = Field(default="dataset", description="axis of processes or datasets")
    channel: str = Field(default="channel", description="axis of regions; may be absent")
    variation: str = Field(default="variation", description="axis of systematic variations; may be absent")


class ReadingConfig(BaseConfig):
    """Where histograms come from another tool; the defaults are the files of ``rs3l analyze``."""

    axes: AxisNames = AxisNames()
    nominal: str = Field(default=NOMINAL.name, description="entry on the variation axis without a variation")
    channel: str = Field(default="signal", description="name of the channel in histograms without a channel axis")
    unit: Literal["pb", "events"] = Field(
        default="pb", description="pb: yields are multiplied by the luminosity; events: they are expected events"
    )
    root: str = Field(
        default="{histogram}/{channel}/{dataset}/{variation}", description="names of histograms in a ROOT file"
    )
    root_nominal: str | None = Field(
        default=None, description="names of nominal histograms, where they do not follow `root`"
    )
    covariance: str = Field(
        default="covariance/",
        description="what stands before the name of a histogram with the covariances of nominal and varied bins: "
        "in JSON before that of the histogram, in a ROOT file before what `root` says",
    )

    @field_validator("root", "root_nominal")
    @classmethod
    def _known_fields(cls, value: str | None) -> str | None:
        if value is None:
            return None
        allowed = {"histogram", "channel", "dataset", "variation"}
        unknown = sorted(fields_of(value) - allowed)
        if unknown or "dataset" not in fields_of(value):
            raise ValueError(f"names in ROOT files are made of {{dataset}} and {', '.join(sorted(allowed))} in braces")
        return value
