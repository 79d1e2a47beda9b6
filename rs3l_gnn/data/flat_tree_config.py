"""The map of branches of a tree of one's own, as YAML holds it."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from rs3l_gnn.conventions import BaseConfig, known_features
from rs3l_gnn.data.flat_tree import CANDIDATE_FIELDS, CARTESIAN, ID_FLAGS, POLAR, FlatTree, FlatTreeMap

__all__ = ["FlatTreeConfig"]


class FlatTreeConfig(BaseConfig):
    """Which branch holds what, in a tree with one entry a jet and lists of candidates."""

    name: str = Field(default="flat", description="what files and checkpoints call this format")
    jets: dict[str, str] = Field(
        description="field -> branch: pt, eta, phi or px, py, pz; mass or energy (GeV); msoftdrop, for which the mass "
        "stands in; any more"
    )
    candidates: dict[str, str] = Field(
        description="field -> branch of lists: pt, eta, phi or px, py, pz; mass or energy (GeV; massless without); "
        "charge; pdgId, or is_photon, is_muon, is_electron, is_charged_hadron, is_neutral_hadron; d0 and dz if the "
        "file has them; puppiWeight, d0Err, dzErr and whatever else features need, by PFNano's names"
    )
    mm_per_unit: float = Field(default=1.0, gt=0, description="mm in a unit of d0, dz and their errors")
    impact_sentinel: float | None = Field(
        default=None, description="value of d0 and dz, both at once, of a candidate without a track"
    )
    radius: float | None = Field(default=None, gt=0, description="of the jets")
    event: str | None = Field(default=None, description="branch with the number of the event")
    weight: str | None = Field(default=None, description="branch with the weight of the generator")

    @model_validator(mode="after")
    def _whole(self) -> FlatTreeConfig:
        for what, fields in (("jets", self.jets), ("candidates", self.candidates)):
            if not any(set(three) <= set(fields) for three in (POLAR, CARTESIAN)):
                raise ValueError(f"{what} need pt, eta, phi or px, py, pz, got {', '.join(fields) or 'nothing'}")
        if not {"mass", "energy"} & set(self.jets):
            raise ValueError(f"jets need mass or energy, got {', '.join(self.jets)}")
        further = {field for feature in known_features().values() for field in feature.fields}
        if unknown := set(self.candidates) - CANDIDATE_FIELDS - further:
            raise ValueError(
                f"candidates have no {', '.join(sorted(unknown))}, "
                f"allowed: {', '.join(sorted(CANDIDATE_FIELDS | further))}"
            )
        if "pdgId" not in self.candidates and not set(ID_FLAGS) <= set(self.candidates):
            raise ValueError(f"candidates need pdgId, or all of {', '.join(ID_FLAGS)}")
        if "pdgId" not in self.candidates and "charge" not in self.candidates:
            raise ValueError("candidates need charge where flags stand in for pdgId")
        if ("d0" in self.candidates) != ("dz" in self.candidates):
            raise ValueError("candidates need both of d0 and dz, or none")
        return self

    def format(self, **more: Any) -> FlatTree:
        """The format that reads such trees; ``more`` attributes of it."""
        return FlatTreeMap(**{name: getattr(self, name) for name in type(self).model_fields}).format(**more)
