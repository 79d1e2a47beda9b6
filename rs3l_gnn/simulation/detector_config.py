"""Numbers of the detector, all of them, with their sources."""

from __future__ import annotations

import itertools
from typing import Any

from pydantic import Field, model_validator

from rs3l_gnn.conventions import BaseConfig
from rs3l_gnn.conventions.config import merge_documents

__all__ = [
    "PRESETS",
    "CalorimeterConfig",
    "CalorimeterRegion",
    "CylinderConfig",
    "DetectorConfig",
    "PileupConfig",
    "TrackerConfig",
    "TrackerRegion",
]


def _require_rising(edges: list[float]) -> None:
    if not edges or any(after <= before for before, after in itertools.pairwise(edges)):
        raise ValueError(f"the rings must have rising abs_eta_max, got {edges}")


class CylinderConfig(BaseConfig):
    """A cylinder about the beam, its centre at the collisions."""

    radius: float = Field(gt=0, description="mm")
    half_length: float = Field(gt=0, description="mm")


class TrackerRegion(BaseConfig):
    """Tracking in one ring of pseudorapidity, from the edge of the ring before."""

    abs_eta_max: float = Field(gt=0, description="outer edge of the ring")
    efficiency: float = Field(ge=0, le=1, description="of charged hadrons")
    electron_efficiency: float = Field(ge=0, le=1, description="of electrons")
    muon_efficiency: float = Field(ge=0, le=1, description="of muons")
    pt_constant: float = Field(ge=0, description="a of sigma(pT)/pT = a (+) b pT, the sum in quadrature")
    pt_linear: float = Field(ge=0, description="b, 1/GeV")


class TrackerConfig(BaseConfig):
    """Tracker.

    Efficiency and resolution follow figures 8 to 17 of arXiv:1405.6569 (CMS tracking), read off as plateaus for pions
    and muons above 1 GeV. Impact parameters: a (+) b / (p sin^{3/2} theta) transverse and a (+) b / (p sin^{5/2} theta)
    along the beam, the form of multiple scattering in a barrel, with the numbers of figures 16 and 17 there. Tracks
    that start away from the beam: the efficiency falls up to 600 mm, like in figure 12 there (all iterations), but with
    numbers that are a choice of this project and not read off; how many jets have displaced tracks depends on them.
    """

    regions: tuple[TrackerRegion, ...] = Field(
        description="rings from the inside out",
        default=(
            TrackerRegion(
                abs_eta_max=0.9,
                efficiency=0.95,
                electron_efficiency=0.93,
                muon_efficiency=0.99,
                pt_constant=0.007,
                pt_linear=2.0e-4,
            ),
            TrackerRegion(
                abs_eta_max=1.4,
                efficiency=0.93,
                electron_efficiency=0.91,
                muon_efficiency=0.99,
                pt_constant=0.012,
                pt_linear=2.5e-4,
            ),
            TrackerRegion(
                abs_eta_max=2.5,
                efficiency=0.88,
                electron_efficiency=0.85,
                muon_efficiency=0.98,
                pt_constant=0.018,
                pt_linear=6.0e-4,
            ),
        ),
    )
    displaced_efficiency: tuple[tuple[float, float], ...] = Field(
        default=((0, 1), (20, 1), (100, 0.8), (200, 0.65), (300, 0.5), (400, 0.35), (500, 0.25), (600, 0.15)),
        description="pairs of a production radius in mm and the factor on the efficiency there, linear in between, 0 "
        "beyond the last; no pairs: the radius does not matter",
    )
    reach_pt: float = Field(default=0.75, ge=0, description="GeV; softer tracks curl up before the calorimeter (3.8 T)")
    d0_constant: float = Field(default=0.010, ge=0, description="mm")
    d0_scattering: float = Field(default=0.085, ge=0, description="mm GeV")
    dz_constant: float = Field(default=0.030, ge=0, description="mm")
    dz_scattering: float = Field(default=0.090, ge=0, description="mm GeV")
    electron_identification: float = Field(default=0.85, ge=0, le=1, description="the rest are charged hadrons")
    muon_identification: float = Field(default=0.95, ge=0, le=1, description="the rest are charged hadrons")

    @model_validator(mode="after")
    def _rising(self) -> TrackerConfig:
        _require_rising([region.abs_eta_max for region in self.regions])
        radii = [radius for radius, _ in self.displaced_efficiency]
        if any(after <= before for before, after in itertools.pairwise(radii)):
            raise ValueError(f"displaced_efficiency must have rising radii, got {radii}")
        return self


class CalorimeterRegion(BaseConfig):
    """Cells and energy resolution in one ring of pseudorapidity."""

    abs_eta_max: float = Field(gt=0, description="outer edge of the ring")
    cell: float = Field(gt=0, description="edge of a cell in eta and in phi (rad)")
    stochastic: float = Field(ge=0, description="S of sigma(E)/E = S/sqrt(E) (+) N/E (+) C, E in GeV")
    noise: float = Field(ge=0, description="N, GeV")
    constant: float = Field(ge=0, description="C")


class CalorimeterConfig(BaseConfig):
    """A calorimeter: what falls into one cell becomes one cluster; tracks that point to it are subtracted."""

    regions: tuple[CalorimeterRegion, ...] = Field(description="rings from the inside out")
    position: float = Field(ge=0, description="resolution of a cluster's position in eta and phi, in cells")
    significance: float = Field(ge=0, description="smallest excess over the tracks, in sigma of the cluster's energy")

    @model_validator(mode="after")
    def _rising(self) -> CalorimeterConfig:
        _require_rising([region.abs_eta_max for region in self.regions])
        return self


# Resolution of the electromagnetic barrel: JINST 2 (2007) P04004; cells of one crystal, in the end-cap of the same
# order; forward calorimeter and hadron calorimeter: arXiv:1706.04965 (CMS particle flow), section 2 and equation 1.
_ECAL = CalorimeterConfig(
    regions=(
        CalorimeterRegion(abs_eta_max=1.479, cell=0.0174, stochastic=0.028, noise=0.12, constant=0.003),
        CalorimeterRegion(abs_eta_max=3.0, cell=0.025, stochastic=0.05, noise=0.3, constant=0.005),
        CalorimeterRegion(abs_eta_max=5.0, cell=0.175, stochastic=1.98, noise=0.0, constant=0.09),
    ),
    position=0.15,
    significance=2.0,
)
_HCAL = CalorimeterConfig(
    regions=(
        CalorimeterRegion(abs_eta_max=1.6, cell=0.087, stochastic=1.10, noise=0.0, constant=0.09),
        CalorimeterRegion(abs_eta_max=3.0, cell=0.17, stochastic=1.10, noise=0.0, constant=0.09),
        CalorimeterRegion(abs_eta_max=5.0, cell=0.175, stochastic=1.98, noise=0.0, constant=0.09),
    ),
    position=0.2,
    significance=1.5,
)


class PileupConfig(BaseConfig):
    """Collisions beside the hard one, in the same crossing."""

    mean: float = Field(default=0.0, ge=0, description="mean number of non-diffractive collisions; 0: no pile-up")
    beam_spot: float = Field(default=45.0, gt=0, description="spread along the beam, mm (CMS, Run 2)")
    pool: int = Field(default=1000, gt=0, description="different minimum-bias collisions")
    vertex_distance: float = Field(
        default=1.0,
        ge=0,
        description="mm; charged candidates of collisions farther away are removed, as CMS does (arXiv:2003.00503)",
    )


def _same_in_rings(n_rings: int, **numbers: float) -> dict[int, dict[str, float]]:
    return dict.fromkeys(range(n_rings), numbers)


_PERFECT_CALORIMETER = {
    "regions": _same_in_rings(3, cell=0.005, stochastic=0, noise=0, constant=0),
    "position": 0,
    "significance": 0,
}

PRESETS: dict[str, dict[str, Any]] = {
    "cms": {},
    # Design of ATLAS, JINST 3 (2008) S08003: resolutions of momentum (0.05 % pT (+) 1 %) and energy (10 %/sqrt(E) (+)
    # 0.7 %, 50 %/sqrt(E) (+) 3 %, forward 100 %/sqrt(E) (+) 10 %), impact parameters in the barrel (10 um (1 (+) 14 GeV
    # / pT) and 91 um (1 (+) 2.3 GeV / pT)), field, volumes, reach in eta and cells. A choice of this project:
    # efficiencies, the worse momentum resolutions of the outer rings, the noise, the momentum at which tracks reach the
    # calorimeters, identification, significance and position; K0S decay as with cms.
    "atlas": {
        "magnetic_field": 2.0,
        "tracker_volume": {"radius": 1150.0, "half_length": 3512.0},
        "calorimeter_face": {"radius": 1400.0, "half_length": 3680.0},
        "tracker": {
            "regions": {
                0: {"efficiency": 0.92, "electron_efficiency": 0.90, "pt_constant": 0.01, "pt_linear": 5e-4},
                1: {"efficiency": 0.89, "electron_efficiency": 0.87, "pt_constant": 0.015, "pt_linear": 6e-4},
                2: {"efficiency": 0.82, "electron_efficiency": 0.80, "pt_constant": 0.025, "pt_linear": 1e-3},
            },
            "reach_pt": 0.5,
            "d0_scattering": 0.140,
            "dz_constant": 0.091,
            "dz_scattering": 0.209,
        },
        "ecal": {
            "regions": {
                0: {"abs_eta_max": 1.475, "cell": 0.025, "stochastic": 0.10, "noise": 0.17, "constant": 0.007},
                1: {"abs_eta_max": 3.2, "cell": 0.025, "stochastic": 0.10, "noise": 0.3, "constant": 0.007},
                2: {"abs_eta_max": 4.9, "cell": 0.1, "stochastic": 1.0, "constant": 0.10},
            }
        },
        "hcal": {
            "regions": {
                0: {"abs_eta_max": 1.7, "cell": 0.1, "stochastic": 0.5, "constant": 0.03},
                1: {"abs_eta_max": 3.2, "cell": 0.1, "stochastic": 0.5, "constant": 0.03},
                2: {"abs_eta_max": 4.9, "cell": 0.2, "stochastic": 1.0, "constant": 0.10},
            }
        },
        "forward_eta": 3.2,
    },
    # Every visible particle with its own momentum, but for the pT and the reach of candidates. Neutral ones have their
    # energy and no mass, and those within 0.005 of each other are one.
    "ideal": {
        "magnetic_field": 0.0,
        "calorimeter_face": None,
        "tracker": {
            "regions": _same_in_rings(
                3, efficiency=1, electron_efficiency=1, muon_efficiency=1, pt_constant=0, pt_linear=0
            ),
            "displaced_efficiency": [],
            "reach_pt": 0,
            "d0_constant": 0,
            "d0_scattering": 0,
            "dz_constant": 0,
            "dz_scattering": 0,
            "electron_identification": 1,
            "muon_identification": 1,
        },
        "ecal": _PERFECT_CALORIMETER,
        "hcal": _PERFECT_CALORIMETER,
    },
    # arXiv:2403.07066: what flies farther than 10 mm is stable, all tracks are straight and start near the beam.
    "paper": {
        "v0_decays": False,
        "magnetic_field": 0.0,
        "calorimeter_face": None,
        "tracker": {"displaced_efficiency": []},
    },
}
"""Detectors by name, as the keys that differ from the defaults."""


class DetectorConfig(BaseConfig):
    """A detector like CMS, seen by particle flow; a name of PRESETS stands for the whole.

    The field bends tracks between their origin and the beam; what it does to the way into the calorimeters is ignored.
    Volumes: JINST 3 (2008) S08004, sections 3 and 4.
    """

    preset: str | None = Field(
        default=None, description="a detector by name, below the keys given beside it: " + ", ".join(PRESETS)
    )
    v0_decays: bool = Field(
        default=True,
        description="K0S, hyperons and others with a lifetime c tau of 10 to 1000 mm decay in the tracker; false: they "
        "are stable, as in arXiv:2403.07066",
    )
    magnetic_field: float = Field(default=3.8, ge=0, description="T, along the beam; 0: straight tracks")
    tracker_volume: CylinderConfig = CylinderConfig(radius=1250.0, half_length=2900.0)
    calorimeter_face: CylinderConfig | None = Field(
        default=CylinderConfig(radius=1290.0, half_length=3154.0),
        description="where particles that start away from the beam meet the calorimeters; null: in the direction of "
        "their momentum",
    )
    tracker: TrackerConfig = TrackerConfig()
    ecal: CalorimeterConfig = _ECAL
    hcal: CalorimeterConfig = _HCAL
    pileup: PileupConfig = PileupConfig()
    pt_min: float = Field(default=1.0, gt=0, description="smallest pT of a candidate, GeV")
    abs_eta_max: float = Field(default=3.4, gt=0, le=5, description="farther out nothing reaches a jet of |eta| < 2.5")
    forward_eta: float = Field(default=3.0, gt=0, description="beyond, CMS' forward identities 1 and 2")

    @model_validator(mode="before")
    @classmethod
    def _from_preset(cls, document: Any) -> Any:
        given = {"preset": document} if isinstance(document, str) else document
        name = given.get("preset") if isinstance(given, dict) else None
        if not isinstance(given, dict):
            return given
        if name is not None and name not in PRESETS:
            raise ValueError(f"no detector is called {name!r}; there are {', '.join(PRESETS)}")
        # Each number can be set alone, also in sections whose numbers have no defaults of their own.
        below = {
            key: field.default.model_dump()
            for key, field in cls.model_fields.items()
            if isinstance(field.default, BaseConfig)
        }
        if name is not None:
            below = merge_documents(below, PRESETS[name])
        plain = {
            key: value.model_dump(exclude_unset=True) if isinstance(value, BaseConfig) else value
            for key, value in given.items()
            if key != "preset"
        }
        return {**merge_documents(below, plain), "preset": name}
