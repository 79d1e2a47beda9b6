"""Built-in hard processes, by name."""

from __future__ import annotations

from dataclasses import dataclass

from rs3l_gnn.conventions import ConfigError

__all__ = ["PROCESSES", "HardProcess", "get_process"]


@dataclass(frozen=True)
class HardProcess:
    """A hard process of Pythia with its forced decays."""

    name: str
    description: str
    settings: tuple[str, ...]


_INVISIBLE_Z = ("23:onMode=off", "23:onIfAny=12 14 16")

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
        HardProcess(
            "hbb",
            "Z(-> nu nu) H(-> b b)",
            ("HiggsSM:ffbar2HZ=on", "25:m0=125", "25:onMode=off", "25:onIfMatch=5 -5", *_INVISIBLE_Z),
        ),
        HardProcess(
            "wqq",
            "W(-> q q) Z(-> nu nu)",
            ("WeakDoubleBoson:ffbar2ZW=on", "24:onMode=off", "24:onIfAny=1 2 3 4 5", *_INVISIBLE_Z),
        ),
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
