"""Built-in hard processes, by name."""

from __future__ import annotations

from dataclasses import dataclass

from rs3l_gnn.conventions import ConfigError

__all__ = ["PROCESSES", "HardProcess", "get_process"]


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
        HardProcess(
            "hbb",
            "Z(-> nu nu) H(-> b b)",
            ("HiggsSM:ffbar2HZ=on", "25:m0=125", "25:onMode=off", "25:onIfMatch=5 -5", *_INVISIBLE_Z),
        ),
        HardProcess(
            "wqq",
            "W(-> q q) Z(-> nu nu)",
            ("WeakDoubleBoson:ffbar2ZW=on", *_HADRONIC_W, *_INVISIBLE_Z),
        ),
        HardProcess(
            "hcc",
            "Z(-> nu nu) H(-> c c)",
            ("HiggsSM:ffbar2HZ=on", "25:m0=125", "25:onMode=off", "25:onIfMatch=4 -4", *_INVISIBLE_Z),
        ),
        HardProcess("zqq", "Z(-> u, d, s, c) Z(-> nu nu)", _z_pair("1 2 3 4"), needs=(1, 2, 3, 4)),
        HardProcess("zbb", "Z(-> b b) Z(-> nu nu)", _z_pair("5"), needs=(5,)),
        HardProcess(
            "wzbb",
            "W(-> l nu) Z(-> b b)",
            ("WeakDoubleBoson:ffbar2ZW=on", "23:onMode=off", "23:onIfAny=5", "24:onMode=off", "24:onIfAny=11 13 15"),
        ),
        HardProcess("tt", "top pairs, hadronic", ("Top:gg2ttbar=on", "Top:qqbar2ttbar=on", *_HADRONIC_W)),
        HardProcess("dijet", "two jets of quarks and gluons", ("HardQCD:all=on", "HardQCD:nQuarkNew=5")),
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
