"""Hard processes of Pythia: built-in ones by name, and any other by its settings."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field, field_validator

from rs3l_gnn.conventions import BaseConfig, ConfigError

__all__ = ["PROCESSES", "HardProcess", "PythiaProcessConfig", "get_process"]


@dataclass(frozen=True)
class HardProcess:
    """A hard process of Pythia with its forced decays.

    Attributes:
        needs: quark flavours of which an event must have exactly one pair from a Z, with the other Z invisible; the
            rest of the generated events is thrown away. None: no such wish.
    """

    name: str
    description: str
    settings: tuple[str, ...]
    needs: tuple[int, ...] | None = None


_INVISIBLE_Z = ("23:onMode=off", "23:onIfAny=12 14 16")
_HADRONIC_W = ("24:onMode=off", "24:onIfAny=1 2 3 4 5")


_SEMILEPTONIC_W = ("24:onMode=off", "24:onPosIfAny=1 2 3 4 5", "24:onNegIfAny=11 13 15")


def _higgs(name: str, products: str, written: str, *settings: str) -> HardProcess:
    """ZH with an invisible Z and one decay of the Higgs boson."""
    decay = ("25:m0=125", "25:onMode=off", f"25:onIfMatch={products}")
    return HardProcess(name, f"Z(-> nu nu) H(-> {written})", ("HiggsSM:ffbar2HZ=on", *decay, *_INVISIBLE_Z, *settings))


def _dijet(name: str, written: str, *processes: str) -> HardProcess:
    return HardProcess(name, f"two jets: {written}", tuple(f"HardQCD:{process}" for process in processes))


def _z_pair(flavours: str) -> tuple[str, ...]:
    """Z pairs of which at least one decays to these quarks and none to anything but them and neutrinos."""
    return ("WeakDoubleBoson:ffbar2gmZgmZ=on", "WeakZ0:gmZmode=2", "23:onMode=off", f"23:onIfAny={flavours} 12 14 16")


PROCESSES: dict[str, HardProcess] = {
    process.name: process
    for process in (
        HardProcess(
            "qcd",
            "Z(-> nu nu) + jet",
            (
                "WeakBosonAndParton:qqbar2gmZg=on",
                "WeakBosonAndParton:qg2gmZq=on",
                "WeakZ0:gmZmode=2",  # the Z alone: a virtual photon has no neutrinos to go to
                *_INVISIBLE_Z,
            ),
        ),
        _higgs("hbb", "5 -5", "b b"),
        HardProcess(
            "wqq",
            "W(-> q q) Z(-> nu nu)",
            ("WeakDoubleBoson:ffbar2ZW=on", *_HADRONIC_W, *_INVISIBLE_Z),
        ),
        _higgs("hcc", "4 -4", "c c"),
        _higgs("hss", "3 -3", "s s"),
        _higgs("hgg", "21 21", "g g"),
        _higgs("htautau", "15 -15", "tau tau"),
        _higgs("hwwqqqq", "24 -24", "W W -> q q q q", *_HADRONIC_W),
        _higgs("hwwlnuqq", "24 -24", "W W -> l nu q q", *_SEMILEPTONIC_W),
        HardProcess("zqq", "Z(-> u, d, s, c) Z(-> nu nu)", _z_pair("1 2 3 4"), needs=(1, 2, 3, 4)),
        HardProcess("zbb", "Z(-> b b) Z(-> nu nu)", _z_pair("5"), needs=(5,)),
        HardProcess(
            "wzbb",
            "W(-> l nu) Z(-> b b)",
            ("WeakDoubleBoson:ffbar2ZW=on", "23:onMode=off", "23:onIfAny=5", "24:onMode=off", "24:onIfAny=11 13 15"),
        ),
        HardProcess("tt", "top pairs, hadronic", ("Top:gg2ttbar=on", "Top:qqbar2ttbar=on", *_HADRONIC_W)),
        HardProcess(
            "ttlnuqq",
            "top pairs, one hadronic (t) and one leptonic (t bar)",
            ("Top:gg2ttbar=on", "Top:qqbar2ttbar=on", *_SEMILEPTONIC_W),
        ),
        HardProcess("gammajet", "photon + jet", ("PromptPhoton:qg2qgamma=on", "PromptPhoton:qqbar2ggamma=on")),
        HardProcess("dijet", "two jets of quarks and gluons", ("HardQCD:all=on", "HardQCD:nQuarkNew=5")),
        _dijet("dijetgg", "g g", "gg2gg=on", "qqbar2gg=on"),
        _dijet("dijetqg", "a quark (u, d, s, c, b) and a gluon", "qg2qg=on"),
        _dijet("dijetqq", "u, d, s (of the beams also c, b)", "qq2qq=on", "gg2qqbar=on", "qqbar2qqbarNew=on"),
        _dijet("dijetcc", "c c", "gg2ccbar=on", "qqbar2ccbar=on"),
        _dijet("dijetbb", "b b", "gg2bbbar=on", "qqbar2bbbar=on"),
    )
}


def get_process(name: str) -> HardProcess:
    """Look a built-in process up.

    Raises:
        ConfigError: there is none of that name.
    """
    try:
        return PROCESSES[name]
    except KeyError:
        raise ConfigError(
            f"unknown process {name!r}", allowed=list(PROCESSES), hint="or give an LHE file with the key 'lhe'"
        ) from None


_ELSEWHERE = {
    "Beams:": "the beams are protons of 'energy'",
    "Random:": "the random stream follows from 'seed'",
    "PhaseSpace:pTHatMin": "pt_hat_min of the sample says it",
    "PhaseSpace:bias2Selection": "hard events are unweighted; make weighted ones as an LHE file",
    "PartonLevel:": "the hard events are made without showers",
    "HadronLevel:": "the hard events are made without hadrons",
    "SoftQCD:": "it has no hard partons that views could share",
    "LowEnergyQCD:": "it has no hard partons that views could share",
}
"""Beginnings of settings that do not belong to a hard process; upper and lower case are the same."""


class PythiaProcessConfig(BaseConfig):
    """A hard process of the user's own: any of Pythia, with the decays of its resonances."""

    pythia: tuple[str, ...] = Field(
        min_length=1, description="Pythia settings that switch it on and choose decays: 'Top:gg2ttbar=on', ..."
    )
    name: str = Field(default="", description="of the physics, for analyses; without it that of the sample")

    @field_validator("pythia")
    @classmethod
    def _of_a_process(cls, settings: tuple[str, ...]) -> tuple[str, ...]:
        for setting in settings:
            for start, reason in _ELSEWHERE.items():
                if setting.strip().lower().startswith(start.lower()):
                    raise ValueError(f"{setting!r} is no part of a hard process: {reason}")
        return settings

    def hard_process(self, sample: str) -> HardProcess:
        """The process, with the sample's name where it has none of its own."""
        return HardProcess(self.name or sample, "; ".join(self.pythia), self.pythia)
