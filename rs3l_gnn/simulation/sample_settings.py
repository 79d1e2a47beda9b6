"""Settings of a sample or a variation that Pythia would take without a word and that could not act."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

from rs3l_gnn.conventions import ConfigError, SimulationError, Variation
from rs3l_gnn.simulation.settings import configure

__all__ = ["check_settings", "check_variation"]

_PARTICLE = re.compile(r"^\s*(-?\d+)\s*:\s*(\d+\s*:\s*)?(\w+)")
_DECAY_KEYS = (
    "onmode", "onifany", "onifall", "onifmatch", "onposifany", "onposifall", "onposifmatch", "onnegifany", "onnegifall",
    "onnegifmatch", "offifany", "offifall", "offifmatch", "offposifany", "offposifall", "offposifmatch", "offnegifany",
    "offnegifall", "offnegifmatch", "addchannel", "onechannel", "bratio", "memode", "products", "rescalebr", "maydecay",
    "mwidth", "doforcewidth",
)  # fmt: skip  # one name a line would take a screen
_PROCESSES = (
    "SoftQCD", "HardQCD", "LowEnergyQCD", "PromptPhoton", "WeakBosonExchange", "WeakSingleBoson", "WeakDoubleBoson",
    "WeakBosonAndParton", "WeakZ0", "PhotonCollision", "PhotonParton", "Charmonium", "Bottomonium", "Onia", "Top",
    "FourthBottom", "FourthTop", "FourthPair", "HiggsSM", "HiggsBSM", "SUSY", "NewGaugeBoson", "LeftRightSymmmetry",
    "LeptoQuark", "ExcitedFermion", "ContactInteractions", "ExtraDimensionsG*", "ExtraDimensionsLED",
    "ExtraDimensionsUnpart", "ExtraDimensionsTEV", "DM", "SigmaProcess",
)  # fmt: skip  # one name a line would take a screen
_REASONS = {
    "Beams:": "the beams are those of the hard events (for a built-in process, 'energy')",
    "PhaseSpace:": "the hard events are made before, with pt_hat_min alone",
    "Random:": "every event has a random stream of its own, from 'seed'",
    "Main:": "there is no main program that would read it",
    **{f"{process}:": "the hard events are made before, and no process is chosen any more" for process in _PROCESSES},
}
"""Why settings that begin so cannot act; upper and lower case are the same."""


def check_settings(settings: Sequence[str], data: Any, *, decaying: Collection[int], where: str) -> None:
    """Refuse settings that cannot act on the showers of given hard events.

    Args:
        settings: Pythia settings.
        data: Pythia's particle data.
        decaying: resonances that the hard events leave undecayed, positive PDG identities.
        where: key of the configuration, for the message.

    Raises:
        ConfigError: a setting acts before the showers, or on the decay of a resonance that is decayed already.
    """
    reached = _with_products(decaying, data)
    for setting in settings:
        for start, reason in _REASONS.items():
            if setting.strip().lower().startswith(start.lower()):
                raise ConfigError(f"{where}: {setting!r} cannot act: {reason}", hint="leave it out")
        particle = _PARTICLE.match(setting)
        if particle is None or particle[3].lower() not in _DECAY_KEYS:
            continue
        identity = abs(int(particle[1]))
        if data.isResonance(identity) and identity not in reached:
            raise ConfigError(
                f"{where}: {setting!r} cannot act: particles {identity} ({data.name(identity)}) are decayed in "
                "the hard events, or are in none",
                hint="choose another process, or an LHE file that leaves them undecayed (with decays: once)",
            )


def check_variation(variation: Variation, nominal: Sequence[str]) -> None:
    """Refuse a variation whose settings Pythia does not take, or of which one changes nothing.

    Args:
        variation: of the user's own or of another package.
        nominal: all Pythia settings of the nominal view.

    Raises:
        ConfigError: a setting that is as in nominal, or that Pythia refuses; the message quotes why.
    """
    where = f"variations.{variation.name}.settings"
    before = configure(nominal).settings
    try:
        after = configure((*nominal, *variation.settings)).settings
    except SimulationError as error:
        raise ConfigError(f"{where}: {error}") from error
    for setting in variation.settings:
        name = setting.partition("=")[0].removesuffix(" FORCE").strip()
        if name.lower().startswith("tune:"):
            continue  # stands for many others
        value = _value(after, name)
        if value is not None and value == _value(before, name):
            raise ConfigError(
                f"{where}: {setting!r} has no effect: it is so in the nominal view already",
                hint="leave it out, or give it another value",
            )


def _value(settings: Any, name: str) -> Any:
    for kind, read in (
        (settings.isFlag, settings.flag),
        (settings.isMode, settings.mode),
        (settings.isParm, settings.parm),
        (settings.isWord, settings.word),
    ):
        if kind(name):
            return read(name)
    return None


def _with_products(identities: Collection[int], data: Any) -> set[int]:
    """These resonances and all that can come from them: W from tops, Z from H."""
    found: set[int] = set()
    pending = list(identities)
    while pending:
        identity = abs(pending.pop())
        if identity in found or not data.isResonance(identity):
            continue
        found.add(identity)
        entry = data.particleDataEntryPtr(identity)
        for number in range(entry.sizeChannels()):
            channel = entry.channel(number)
            products = [abs(channel.product(place)) for place in range(channel.multiplicity())]
            # Pairs may be off their mass shell (H to Z Z), single particles heavier than their mother are not made.
            pending += products if all(data.m0(product) < data.m0(identity) for product in products) else []
    return found
