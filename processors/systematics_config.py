"""Configuration of the systematic variations, each declared by what it touches."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from rs3l_gnn.conventions import BaseConfig

__all__ = [
    "CandidateShift",
    "CorrectionInput",
    "MassCorrection",
    "MomentumShifts",
    "PlainName",
    "Sides",
    "SystematicsConfig",
    "WeightCorrection",
]

_RADIUS = re.compile(r"AK(\d+)")
_ANALYSED_RADIUS = "8"  # FatJet of NanoAOD and of rs3l simulate
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def _plain_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"a name starts with a letter and holds letters, digits and _ only, got {name!r}")
    if re.search(r"(Up|Down)$", name):
        raise ValueError(f"a name must not end with Up or Down, got {name!r}")
    return name


PlainName = Annotated[str, AfterValidator(_plain_name)]
"""A name that may become part of an axis entry, a file name or a nuisance parameter."""


class CorrectionInput(BaseConfig):
    """One argument of a correction: a branch of the events, or a constant. In a constant, {direction} is filled in."""

    branch: str | None = Field(default=None, description="of the events")
    value: float | str | None = Field(default=None, description="a constant, in place of a branch")

    @model_validator(mode="after")
    def _one_of_two(self) -> CorrectionInput:
        if (self.branch is None) == (self.value is None):
            raise ValueError("give either branch or value")
        return self


class WeightCorrection(BaseConfig):
    """An event weight from a correctionlib file, with variations if ``up`` and ``down`` are given."""

    name: PlainName = Field(description="of the weight; with up and down, of its source on the variation axis")
    file: Path = Field(description="of correctionlib, JSON, plain or packed")
    correction: str = Field(description="name of the correction in the file")
    inputs: tuple[CorrectionInput, ...] = Field(description="its arguments, in the order of the file")
    nominal: str = Field(default="nominal", description="what {direction} stands for in the nominal weight")
    up: str | None = Field(default=None, description="what {direction} stands for one standard deviation up")
    down: str | None = Field(default=None, description="the same, down")
    group: PlainName | None = Field(default=None, description="group of its nuisance in a fit, such as detector")

    @model_validator(mode="after")
    def _both_sides(self) -> WeightCorrection:
        if (self.up is None) != (self.down is None):
            raise ValueError("give both up and down, or neither")
        return self


class Sides(BaseConfig):
    """A factor that simulation is corrected by, and its values one standard deviation away."""

    nominal: float = Field(default=1.0, gt=0, description="the correction itself")
    up: float | None = Field(default=None, gt=0, description="makes a variation <name>Up")
    down: float | None = Field(default=None, gt=0, description="makes a variation <name>Down")

    @model_validator(mode="after")
    def _up_first(self) -> Sides:
        if self.down is not None and self.up is None:
            raise ValueError("give up with down, or up alone")
        return self

    @property
    def sides(self) -> tuple[str, ...]:
        """The sides that are given: Up and Down, Up, or none."""
        return tuple(side for side, value in (("Up", self.up), ("Down", self.down)) if value is not None)


class MassCorrection(BaseConfig):
    """Scale and resolution of the soft-drop mass (CMS: JMS, JMR), measured apart from those of pT, with W jets say."""

    scale: Sides = Field(default=Sides(), description="factor on the mass in simulation; variations jmsUp, jmsDown")
    resolution: float | None = Field(default=None, gt=0, lt=1, description="relative width of the mass in simulation")
    resolution_factor: Sides = Field(
        default=Sides(),
        description="width in data over that in simulation, 1 or more, since random numbers cannot narrow a peak; "
        "variations jmrUp, jmrDown",
    )

    @model_validator(mode="after")
    def _widths(self) -> MassCorrection:
        factor = self.resolution_factor
        if self.resolution is None and factor != Sides():
            raise ValueError("resolution_factor needs resolution, the relative width of the mass in simulation")
        narrow = [value for value in (factor.nominal, factor.up, factor.down) if value is not None and value < 1]
        if narrow:
            raise ValueError(f"a resolution_factor below 1 would change nothing, got {narrow[0]}; give up alone")
        return self


class MomentumShifts(BaseConfig):
    """Jet energy scale and resolution from a correctionlib file (CMS' names of the corrections).

    The resolution is a correction of every simulated data set, re-simulated ones included. The soft-drop mass follows
    ``mass`` only.
    """

    file: Path | None = Field(default=None, description="of correctionlib; needed for scale and resolution")
    scale: dict[PlainName, str] = Field(
        default_factory=dict,
        description="source -> correction with inputs JetEta, JetPt that gives the relative uncertainty",
    )
    resolution: str | None = Field(default=None, description="correction with inputs JetEta, JetPt, Rho")
    resolution_factor: str | None = Field(default=None, description="correction with inputs JetEta, JetPt, systematic")
    mass: MassCorrection | None = Field(default=None, description="null leaves the soft-drop mass as it is in the file")
    gen_jets: str | None = Field(
        default="GenJetAK8",
        description="collection of generated jets, whose jets are matched for the resolution where the files have it; "
        "null to draw random numbers for every jet",
    )
    rho: str | float = Field(
        default="Rho_fixedGridRhoFastjetAll", description="branch of the energy density, or its value in GeV"
    )
    other_radius: bool = Field(
        default=False,
        description="allow corrections that were derived for jets of another radius than the analysed AK8",
    )

    @model_validator(mode="after")
    def _consistent(self) -> MomentumShifts:
        if (self.resolution is None) != (self.resolution_factor is None):
            raise ValueError("resolution and resolution_factor belong together")
        if self.file is None and (self.scale or self.resolution is not None):
            raise ValueError("scale and resolution need file, a file of correctionlib")
        taken = sorted(set(self.scale) & {"jer", "jms", "jmr"})
        if taken:
            raise ValueError(f"scale must not be named {', '.join(taken)}, which are variations of their own")
        return self

    @model_validator(mode="after")
    def _same_radius(self) -> MomentumShifts:
        names = [*self.scale.values(), self.resolution or "", self.resolution_factor or ""]
        other = [name for name in names if (found := _RADIUS.search(name)) and found[1] != _ANALYSED_RADIUS]
        if other and not self.other_radius:
            raise ValueError(
                f"the analysed jets have R = 0.8, got corrections of other jets: {', '.join(other)}; name those of "
                "AK8 jets (CMS has them in fatJet_jerc.json.gz), or set other_radius to use these all the same"
            )
        return self


class CandidateShift(BaseConfig):
    """A change of the candidates themselves, after which the networks run again."""

    name: PlainName = Field(description="of the source on the variation axis")
    kind: Literal["energy_scale", "tracking_efficiency"] = Field(description="what is changed")
    size: float = Field(gt=0, lt=1, description="relative shift of the energy, or share of tracks lost")
    particles: Literal["all", "charged", "neutral", "photon"] = Field(default="all", description="those it acts on")
    seed: int = Field(default=1, ge=0, description="selects which tracks are lost")


class SystematicsConfig(BaseConfig):
    """Variations, each declared by what it touches; re-simulated data sets come with the fileset."""

    ps_weights: bool = Field(default=True, description="use PSWeight of nominal data sets where its order is known")
    ps_order: tuple[str, ...] | None = Field(
        default=None,
        description="meaning of each entry of PSWeight, such as isr:muRfac=2, - for one to leave out; taken from the "
        "files if not given (their record, or the title of the branch). A factor above 1 is Up",
    )
    ps_sets: tuple[Literal["Red", "Def", "Con"], ...] = Field(
        default=("Def",),
        min_length=1,
        description="which entries of PSWeight: factors sqrt(2) (Red), 2 or any other (Def), 4 (Con). They vary the "
        "same scale: a fit with several counts it several times",
    )
    weights: tuple[WeightCorrection, ...] = Field(default=(), description="corrections of events by weights")
    momenta: MomentumShifts | None = Field(default=None, description="scale and resolution of the jets")
    candidates: tuple[CandidateShift, ...] = Field(default=(), description="shifts after which networks run again")
