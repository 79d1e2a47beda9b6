"""Configuration of the merging of one sample."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from rs3l_gnn.conventions import BaseConfig

__all__ = ["MergingConfig", "refused_scheme"]

_SEVERAL_PASSES = (
    "it showers the same file several times, with reclustered events that are subtracted, so that the views of an "
    "event would not share its hard partons"
)
_REFUSED = {
    "fxfx": "Pythia takes the multiplicity of each event from its tag, which it only reads from files, while here "
    "events are handed to it one by one with seeds of their own",
    "unlops": _SEVERAL_PASSES,
    "umeps": _SEVERAL_PASSES,
}


def refused_scheme(scheme: str) -> str | None:
    """Why a scheme is not among those that can be run, None for others."""
    return _REFUSED.get(scheme)


class MergingConfig(BaseConfig):
    """How hard events of several jet multiplicities are merged; the name of a scheme alone stands for its defaults."""

    scheme: Literal["mlm", "ckkwl", "none"] = Field(
        description="mlm: Pythia's kT-MLM veto (JetMatching); ckkwl: Pythia's CKKW-L weights and vetoes; none: shower "
        "the events as they are, which counts twice what both the file and the shower do"
    )
    scale: float | None = Field(
        default=None,
        gt=0,
        description="merging scale, GeV: qCut of MLM, TMS of CKKW-L; null: xqcut, ktdurham or ptlund of the run card",
    )
    jets: int | None = Field(
        default=None,
        ge=0,
        description="largest multiplicity: of light partons for MLM, of partons beyond the core process for CKKW-L; "
        "null: by the process lines of the file",
    )
    flavours: int | None = Field(
        default=None, ge=3, le=6, description="quarks that count as light partons; null: maxjetflavor of the run card"
    )
    process: str | None = Field(
        default=None,
        description="CKKW-L: core process in Pythia's notation (Merging:Process), such as pp>LEPTONS,NEUTRINOS; null: "
        "the process line of the file with the fewest jets",
    )
    measure: Literal["kt", "ptlund"] | None = Field(
        default=None, description="CKKW-L: what the merging scale cuts on; null: what the run card names"
    )

    @model_validator(mode="before")
    @classmethod
    def _by_name(cls, document: Any) -> Any:
        document = {"scheme": document} if isinstance(document, str) else document
        scheme = document.get("scheme") if isinstance(document, dict) else None
        reason = refused_scheme(scheme) if isinstance(scheme, str) else None
        if reason:
            raise ValueError(f"merging: {scheme} is not possible here: {reason}; allowed: mlm, ckkwl, none")
        return document
