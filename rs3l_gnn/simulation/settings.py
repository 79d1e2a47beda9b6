"""Pythia settings that every step shares."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from rs3l_gnn.conventions import SimulationError
from rs3l_gnn.simulation.detector_config import DetectorConfig
from rs3l_gnn.simulation.native_output import caught_output, pythia_complaints

__all__ = [
    "COMMON",
    "CP5",
    "SHOWER_WEIGHTS",
    "configure",
    "decay_settings",
    "longest_lifetime",
    "shower_weight_settings",
    "started",
]

CP5: tuple[str, ...] = (
    # Tune CP5 of CMS (arXiv:1903.12179, table 1): alpha_s = 0.118 everywhere and NNPDF3.1 NNLO.
    "Tune:pp=14",
    "Tune:ee=7",
    "PDF:pSet=20",
    "MultipartonInteractions:ecmPow=0.03344",
    "MultipartonInteractions:bProfile=2",
    "MultipartonInteractions:pT0Ref=1.41",
    "MultipartonInteractions:coreRadius=0.7634",
    "MultipartonInteractions:coreFraction=0.63",
    "MultipartonInteractions:alphaSvalue=0.118",
    "MultipartonInteractions:alphaSorder=2",
    "ColourReconnection:range=5.176",
    "SigmaTotal:zeroAXB=off",
    "SigmaProcess:alphaSvalue=0.118",
    "SigmaProcess:alphaSorder=2",
    "SpaceShower:alphaSvalue=0.118",
    "SpaceShower:alphaSorder=2",
    "TimeShower:alphaSvalue=0.118",
    "TimeShower:alphaSorder=2",
)

_PAPER_LIFETIME, _V0_LIFETIME = 10.0, 1000.0  # c tau, mm

COMMON: tuple[str, ...] = (
    "Print:quiet=on",
    # What flies farther than 10 mm is stable (arXiv:2403.07066), unless decay_settings say more.
    "ParticleDecays:limitTau0=on",
    f"ParticleDecays:tau0Max={_PAPER_LIFETIME:g}",
    # Streams are set event by event; this one only makes the initialisation reproducible.
    "Random:setSeed=on",
    "Random:seed=1",
)


SHOWER_WEIGHTS: dict[str, str] = {
    # Order of NanoAOD's PSWeight; the factor stands at the scale itself, not at its square (arXiv:1605.08352).
    "isrup": "isr:muRfac=2.0",
    "fsrup": "fsr:muRfac=2.0",
    "isrdown": "isr:muRfac=0.5",
    "fsrdown": "fsr:muRfac=0.5",
    "isrredup": "isr:muRfac=1.414",
    "fsrredup": "fsr:muRfac=1.414",
    "isrreddown": "isr:muRfac=0.707",
    "fsrreddown": "fsr:muRfac=0.707",
    "isrconup": "isr:muRfac=4.0",
    "fsrconup": "fsr:muRfac=4.0",
    "isrcondown": "isr:muRfac=0.25",
    "fsrcondown": "fsr:muRfac=0.25",
}
"""Name of each weight within Pythia, in lower case, and what it varies: factors 2, sqrt(2), 4 and their inverses."""

_OF_PYTHIA = ("isrup", "fsrup", "isrdown", "fsrdown")

# As in the central samples of CMS (PythiaPSweightsSettings_cfi.py of CMSSW): all showers, those of further partonic
# collisions included; more trial emissions, so that weights spread less; no variation of FSR below sqrt(20) * 0.5 GeV,
# and of ISR below 2 GeV.
_OF_CMS = (
    "UncertaintyBands:MPIshowers=on",
    "UncertaintyBands:muSoftCorr=on",
    "UncertaintyBands:overSampleFSR=10",
    "UncertaintyBands:overSampleISR=10",
    "UncertaintyBands:FSRpTmin2Fac=20",
    "UncertaintyBands:ISRpTmin2Fac=1",
)


def shower_weight_settings(kind: Literal["cms", "pythia"]) -> tuple[str, ...]:
    """Settings that switch shower weights on.

    Args:
        kind: ``cms``: all SHOWER_WEIGHTS as CMS makes them; ``pythia``: the factor 2 with Pythia's own settings, as the
            study had them. The two draw different random numbers, hence other events from the same seed.
    """
    names = tuple(SHOWER_WEIGHTS) if kind == "cms" else _OF_PYTHIA
    listed = ", ".join(f"{name} {SHOWER_WEIGHTS[name]}" for name in names)
    sampling = _OF_CMS if kind == "cms" else ()
    return ("UncertaintyBands:doVariations=on", f"UncertaintyBands:List={{{listed}}}", *sampling)


def longest_lifetime(detector: DetectorConfig) -> float:
    """Largest c tau in mm of particles that decay; all others are stable."""
    return _V0_LIFETIME if detector.v0_decays else _PAPER_LIFETIME


def decay_settings(detector: DetectorConfig) -> tuple[str, ...]:
    """Settings behind COMMON that let particles decay in flight within the tracker.

    K0L, pions, kaons, muons and neutrons live longer than 1000 mm and stay whole, as what decays behind the tracker.
    """
    if not detector.v0_decays:
        return ()
    volume = detector.tracker_volume
    return (
        f"ParticleDecays:tau0Max={_V0_LIFETIME:g}",
        "ParticleDecays:limitCylinder=on",
        f"ParticleDecays:xyMax={volume.radius:g}",
        f"ParticleDecays:zMax={volume.half_length:g}",
    )


def configure(settings: Iterable[str]) -> Any:
    """A Pythia instance with ``settings`` read, not yet initialised.

    ``name FORCE=value`` sets a number beyond the limits that Pythia gives it.

    Raises:
        SimulationError: Pythia refuses a setting; the message quotes why.
    """
    import pythia8mc

    pythia = pythia8mc.Pythia("", False)
    for setting in settings:
        name, forced, value = setting.partition(" FORCE=")
        if forced and pythia.settings.isParm(name):
            pythia.settings.forceParm(name, float(value))
            continue
        with caught_output() as lines:
            accepted = pythia.readString(setting)
        if not accepted:
            raise SimulationError(
                f"Pythia refuses the setting {setting!r}", got=_quoted(lines), hint="see the Pythia 8 manual for names"
            )
    return pythia


def started(pythia: Any, what: str) -> None:
    """Initialise an instance.

    Args:
        pythia: as :func:`configure` gives it.
        what: its settings or the like, for the message.

    Raises:
        SimulationError: Pythia does not start; the message quotes why.
    """
    with caught_output() as lines:
        accepted = pythia.init()
    if not accepted:
        reasons = "; ".join(pythia_complaints(pythia)) or _quoted(lines)
        raise SimulationError(f"Pythia does not start: {reasons or 'it gives no reason'}", got=what)


def _quoted(lines: Iterable[str]) -> str:
    """What Pythia wrote, in one line, without its name."""
    words = [line.strip().removeprefix("PYTHIA Error:").removeprefix("PYTHIA").strip() for line in lines]
    return " ".join(word for word in words if word)
