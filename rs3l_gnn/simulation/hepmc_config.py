"""Files of other generators, as a configuration names them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, NonNegativeInt

from rs3l_gnn.conventions import BaseConfig

__all__ = ["HepmcConfig"]


class HepmcConfig(BaseConfig):
    """Events that another generator made from the sample's LHE file."""

    path: Path = Field(description="HepMC file, relative to the working directory")
    description: str = Field(default="", description="of the generator, for people")
    source: str | None = Field(default=None, description="name of the nuisance; null: that of the view")
    first_number: NonNegativeInt | Literal["auto"] = Field(
        default="auto",
        description="event number of the first event of the LHE file; auto: found by the hard partons",
    )

    @property
    def stated_first_number(self) -> int | None:
        """The event number as stated; None: it is found."""
        return None if self.first_number == "auto" else self.first_number
