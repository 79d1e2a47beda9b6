"""Configuration of a simulation: samples, variations, jets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from rs3l_gnn.conventions import NOMINAL, BaseConfig, Variation, known_variations, merge_labels, parse_config
from rs3l_gnn.conventions.config import set_path
from rs3l_gnn.conventions.variation import HADRONISATION, refuse_collisions
from rs3l_gnn.simulation.decay_labels import LabelConfig, own_labels
from rs3l_gnn.simulation.detector_config import DetectorConfig
from rs3l_gnn.simulation.enhancements import SPLITTINGS
from rs3l_gnn.simulation.hepmc_config import HepmcConfig
from rs3l_gnn.simulation.merging_config import MergingConfig
from rs3l_gnn.simulation.processes import HardProcess, PythiaProcessConfig, get_process
from rs3l_gnn.simulation.variation_config import VariationConfig, as_variations

__all__ = ["HARD_MARGIN", "JetConfig", "SampleConfig", "SimulationConfig"]

_VARIATIONS = {
    "hard": ("nominal", "seed", "fsrRenHi", "fsrRenLo", "altHad"),
    "shower": ("nominal", "seed", "lundAUp", "lundADown", "lundBUp", "lundBDown", "bFragUp", "bFragDown"),
    "particles": ("nominal", "seed"),
}
"""What is simulated if nothing is named, by the point where the views part."""


PdgIdentity = Annotated[int, Field(ge=-(2**31) + 1, le=2**31 - 1)]
"""Number of a particle in the scheme of the Particle Data Group, with the sign that tells antiparticles."""

HARD_MARGIN = 0.78
"""Smallest pT of built-in hard processes over the jet cut, measured in ``docs/simulation.md``."""


_MATCHING = 0.5 / 0.8
"""Largest distance to the anchor over the jet radius, as in arXiv:2403.07066."""


class JetConfig(BaseConfig):
    """Jets; the defaults are those of arXiv:2403.07066: anti-kT, R = 0.8, soft drop with zcut 0.1 and beta 0."""

    radius: float = Field(
        default=0.8, gt=0, le=3, description="anti-kT radius, and R0 of soft drop; less than half a turn"
    )
    pt_min: float = Field(default=450.0, gt=0, description="smallest pT of a stored jet, GeV")
    pt_max: float | None = Field(default=None, gt=0, description="pT below which a jet is stored, GeV; null: no limit")
    abs_eta_max: float = Field(default=2.5, gt=0, le=10, description="largest |eta| of a stored jet")
    zcut: float = Field(default=0.1, ge=0, lt=0.5, description="soft drop (arXiv:1402.2657)")
    beta: float = Field(default=0.0, description="soft drop angular exponent")
    match_radius: float | None = Field(
        default=None, gt=0, description="largest distance of the anchor jet to the anchor; null: 0.625 of the radius"
    )
    charged: bool = Field(default=False, description="jets of charged candidates alone")

    @property
    def matching_radius(self) -> float:
        """Largest distance of the anchor jet to the anchor."""
        return _MATCHING * self.radius if self.match_radius is None else self.match_radius

    @model_validator(mode="after")
    def _a_range(self) -> JetConfig:
        if self.pt_max is not None and self.pt_max <= self.pt_min:
            raise ValueError(f"pt_max ({self.pt_max:g} GeV) must lie above pt_min ({self.pt_min:g} GeV)")
        return self


class SampleConfig(BaseConfig):
    """Where the hard events of one sample come from: a built-in process, or an LHE file."""

    process: str | PythiaProcessConfig = Field(
        default="",
        description="built-in process, or {pythia: [settings]} for any process of Pythia; with an LHE file, a free "
        "name for the physics",
    )
    lhe: Path | None = Field(
        default=None,
        description="LHE file, plain or packed with gzip, bzip2 or xz, relative to the working directory",
    )
    events: int | None = Field(default=None, gt=0, le=10**9, description="hard events; null: the whole LHE file")
    xsec: float | None = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        description="cross-section in pb of the whole process, also where 'events' takes a part of the file; "
        "null: what the hard events say",
    )
    further_weights: Literal["read", "drop"] = Field(
        default="read", description="weights of other scales and PDFs in the LHE file; drop passes them over"
    )
    pt_hat_min: float | None = Field(
        default=None,
        gt=0,
        description="smallest pT of the hard process, GeV; null: 0.78 of jets.pt_min, as radiation lifts events over "
        "the jet cut",
    )
    scalup: Literal["refuse", "repair"] = Field(
        default="refuse",
        description="what to do with SCALUP <= 0 in an LHE file; repair takes the largest transverse mass",
    )
    hepmc: dict[str, HepmcConfig] = Field(
        default={}, description="files of other generators, by the name of the variation that they become"
    )
    settings: tuple[str, ...] = Field(default=(), description="further Pythia settings for every shower")
    enhance: dict[str, Annotated[float, Field(ge=1, le=1000)]] = Field(
        default={},
        description="splittings of Pythia's shower that are made so many times as often, with weights of the events "
        "that undo it: {'fsr:G2BB': 4}",
    )
    merging: MergingConfig | None = Field(
        default=None,
        description="mlm, ckkwl or none, or a block with the scheme and what the file's header does not say; null: an "
        "LHE file that needs merging is refused",
    )
    decays: Literal["once", "refuse", "each", "keep", "recorded"] = Field(
        default="once",
        description="resonances that the LHE file leaves undecayed: decayed once for all views, refused, decayed anew "
        "in each view, kept stable and invisible (neutral ones), or decayed as the HepMC file of another generator "
        "recorded it",
    )
    resonances: dict[PdgIdentity, Annotated[tuple[PdgIdentity, ...], Field(min_length=2, max_length=4)]] = Field(
        default={},
        description="resonances that the LHE file leaves out, with the products that it has of them: {25: [5, -5]}; "
        "they are put back where the mass of the products fits",
    )
    invisible: tuple[Annotated[int, Field(gt=0)], ...] = Field(
        default=(), description="PDG numbers of stable particles that no detector sees, beside those that Pythia knows"
    )

    @field_validator("enhance")
    @classmethod
    def _known_splittings(cls, factors: dict[str, float]) -> dict[str, float]:
        for splitting in factors:
            if splitting not in SPLITTINGS:
                raise ValueError(f"splittings are {', '.join(SPLITTINGS)}, got {splitting!r}")
        return factors

    @model_validator(mode="after")
    def _one_source(self) -> SampleConfig:
        if self.lhe is None:
            if isinstance(self.process, str):
                get_process(self.process)
            if self.events is None:
                raise ValueError("a built-in process needs 'events', the number of hard events")
            if self.merging is not None:
                raise ValueError("'merging' is for LHE files; a built-in process has one multiplicity")
            if self.resonances:
                raise ValueError("'resonances' is for LHE files; a built-in process records its own")
        elif not isinstance(self.process, str):
            raise ValueError("an LHE file has its hard events already: 'process' is a name for the physics there")
        elif self.hepmc and self.merging is not None and self.merging.scheme != "none":
            raise ValueError(
                "'hepmc' does not go with 'merging': the other generator has vetoes and weights of its own, which its "
                "file does not give by hard event"
            )
        if self.decays == "recorded" and len(self.hepmc) != 1:
            raise ValueError(
                f"decays: recorded takes the decays of one HepMC file, got {len(self.hepmc)} in 'hepmc'; name the file"
            )
        if self.enhance and self.merging is not None and self.merging.scheme != "none":
            raise ValueError("'enhance' does not go with 'merging': the weights of both are not told apart")
        return self

    def hard_process(self, name: str) -> HardProcess:
        """What Pythia generates for a sample without an LHE file; ``name`` is that of the sample."""
        return get_process(self.process) if isinstance(self.process, str) else self.process.hard_process(name)

    def physics(self, name: str) -> str:
        """Name of the process for analyses; ``name`` is that of the sample."""
        return (self.process if isinstance(self.process, str) else self.process.name) or name


def _generators(samples: Mapping[str, SampleConfig]) -> dict[str, HepmcConfig]:
    """Files of other generators by the name of their views; what one sample does not say another may."""
    found: dict[str, HepmcConfig] = {}
    for name, file in ((name, file) for sample in samples.values() for name, file in sample.hepmc.items()):
        known = found.setdefault(name, file)
        found[name] = known.model_copy(
            update={"description": known.description or file.description, "source": known.source or file.source}
        )
    return found


class SimulationConfig(BaseConfig):
    """Everything that decides what a simulation gives; workers and chunk_size do not change a single jet."""

    samples: dict[str, SampleConfig] = Field(min_length=1, description="by name; the name enters the random streams")
    nominal: bool = Field(
        default=True,
        description="simulate the nominal view; false adds variations to hard events whose nominal view is elsewhere",
    )
    variations: tuple[str | VariationConfig, ...] = Field(
        default=_VARIATIONS["hard"],
        description="names of the registry, or a mapping of names of which own ones say what they change; without "
        "them the published ones, or those that act after 'start'",
    )
    start: Literal["hard", "shower", "particles"] = Field(
        default="hard",
        description="what the views of an event share: the hard partons, the showered partons, or the particles",
    )
    shower_weights: Literal["pythia", "cms", "none"] = Field(
        default="pythia",
        description="Pythia's weights for scales in ISR and FSR, in PSWeight of the nominal view: pythia (or true), "
        "the factor 2; cms, factors sqrt(2), 2 and 4 with CMS' settings, less spread, 10 times slower; none (or false)",
    )
    seed: int = Field(default=1, ge=0, description="run seed of every random stream")
    energy: float = Field(default=13000.0, gt=0, description="centre-of-mass energy of built-in processes, GeV")
    chunk_size: int = Field(default=200, gt=0, description="hard events of one task and one file")
    workers: int = Field(default=2, gt=0, description="processes of this machine")
    scheduler: str | None = Field(
        default=None, description="address of a Dask scheduler to use instead, such as tcp://host:8786"
    )
    jets: JetConfig = JetConfig()
    labels: dict[str, LabelConfig] = Field(
        default={}, description="labels of the user's own by name, beside those of the registry and before them"
    )
    detector: DetectorConfig = DetectorConfig()

    @model_validator(mode="before")
    @classmethod
    def _variations_by_start(cls, document: Any) -> Any:
        if isinstance(document, dict) and "variations" not in document:
            variations = _VARIATIONS.get(document.get("start", "hard"))
            return document if variations is None else {**document, "variations": variations}
        return document

    @field_validator("shower_weights", mode="before")
    @classmethod
    def _yes_or_no(cls, value: Any) -> Any:
        return {True: "pythia", False: "none"}[value] if isinstance(value, bool) else value

    @field_validator("variations", mode="before")
    @classmethod
    def _by_name(cls, value: Any) -> Any:
        """A mapping of names as a list, in which a name of the registry stands alone."""
        if not isinstance(value, dict):
            return value
        return [
            name if not block else {"name": name, **block} if isinstance(block, dict) else block
            for name, block in value.items()
        ]

    @field_validator("variations")
    @classmethod
    def _known(
        cls, entries: tuple[str | VariationConfig, ...], info: ValidationInfo
    ) -> tuple[str | VariationConfig, ...]:
        generators = _generators(info.data.get("samples", {}))
        named = [entry if isinstance(entry, str) else entry.name for entry in entries]
        others = [entry for entry in entries if entry != NOMINAL.name]
        others += [name for name in generators if name not in (*named, NOMINAL.name)]
        refuse_collisions((NOMINAL, *as_variations(tuple(others), generators)))
        wanted = (NOMINAL.name, *others) if info.data.get("nominal", True) else tuple(others)
        if not wanted:
            raise ValueError("nothing to simulate: no variation is named, and nominal is false")
        return wanted

    def without_place(self) -> SimulationConfig:
        """The same settings without where the work is done, which changes no file."""
        return self.model_copy(update={"workers": 1, "scheduler": None})

    def pt_hat_min(self, sample: str) -> float:
        """Smallest pT of the hard process of a built-in sample, GeV."""
        chosen = self.samples[sample].pt_hat_min
        return HARD_MARGIN * self.jets.pt_min if chosen is None else chosen

    @property
    def selected(self) -> tuple[Variation, ...]:
        """The variations; nominal comes first where it is among them."""
        return as_variations(self.variations, _generators(self.samples))

    def detector_of(self, variation: Variation) -> DetectorConfig:
        """The detector of a view.

        Raises:
            ConfigError: the variation changes what the detector does not have, or to what is not allowed.
        """
        if not variation.detector:
            return self.detector
        document = self.detector.model_dump(mode="json")
        for change in variation.detector:
            path, _, text = change.partition("=")
            set_path(document, path, json.loads(text))
        return parse_config(DetectorConfig, document, where=f"variations.{variation.name}.detector")

    @model_validator(mode="after")
    def _variations_act_after_start(self) -> SimulationConfig:
        for variation in self.selected:
            levels = {"hard": ("",), "shower": HADRONISATION, "particles": ()}[self.start]
            self.detector_of(variation)
            late = [setting for setting in variation.settings if not setting.startswith(levels)]
            if late:
                raise ValueError(
                    f"variation {variation.name!r} changes {late[0]}, which acts before what the views share with "
                    f"start: {self.start}; name other variations, such as {', '.join(_VARIATIONS[self.start])}"
                )
        return self

    @model_validator(mode="after")
    def _files_of_other_generators(self) -> SimulationConfig:
        for variation in self.selected:
            files = [variation.name in sample.hepmc for sample in self.samples.values()]
            if variation.stage == "generator" and not any(files):
                key = f"samples.{next(iter(self.samples))}.hepmc.{variation.name}"
                raise ValueError(f"variation {variation.name!r} needs events of that generator, in {key}")
            if variation.stage != "generator" and any(files):
                raise ValueError(f"hepmc.{variation.name}: a view that Pythia makes has this name; give it another")
        for name, file in _generators(self.samples).items():
            if file.source is not None and name in known_variations():
                raise ValueError(f"hepmc.{name}: the source of this view is fixed; another name may have its own")
        for name in self.samples:
            if not self.variations_of(name):
                raise ValueError(f"nothing to simulate of sample {name!r}: it has no events of the other generators")
        if any(sample.hepmc for sample in self.samples.values()) and self.start != "hard":
            raise ValueError("views of other generators share the hard partons only, which is start: hard")
        return self

    def variations_of(self, sample: str) -> tuple[Variation, ...]:
        """Variations of one sample: those of other generators only where it has their events."""
        files = self.samples[sample].hepmc
        return tuple(one for one in self.selected if one.stage != "generator" or one.name in files)

    @field_validator("labels")
    @classmethod
    def _own_labels(cls, labels: dict[str, LabelConfig]) -> dict[str, LabelConfig]:
        merge_labels([own_labels(labels)])
        return labels

    @field_validator("samples")
    @classmethod
    def _plain_names(cls, samples: dict[str, SampleConfig]) -> dict[str, SampleConfig]:
        for name in samples:
            if not name.replace("_", "").isalnum():
                raise ValueError(f"a sample's name holds letters, digits and _ only, got {name!r}")
        return samples
