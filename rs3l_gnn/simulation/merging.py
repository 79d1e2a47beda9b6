"""Pythia's settings for hard events that are to be merged (MLM, CKKW-L) or were matched (MC@NLO)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import numpy as np

from rs3l_gnn.conventions import ConfigError, InputFileError, Variation
from rs3l_gnn.conventions.jagged import parents_of
from rs3l_gnn.simulation.hard_events import HardEvents
from rs3l_gnn.simulation.merging_config import MergingConfig, refused_scheme
from rs3l_gnn.simulation.recognition import Recognition, jets_of, light_partons, particle_names, recognise

__all__ = ["MergingPlan", "plan_merging"]

_MCATNLO = (
    # Settings with which aMC@NLO computes its subtraction terms for Pythia 8 (Pythia's manual, "aMC@NLO Matching").
    "SpaceShower:pTmaxMatch=1",
    "SpaceShower:pTmaxFudge=1",
    "TimeShower:pTmaxMatch=1",
    "TimeShower:pTmaxFudge=1",
    "SpaceShower:MEcorrections=off",
    "TimeShower:MEcorrections=off",
    "TimeShower:globalRecoil=on",
    "TimeShower:weightGluonToQuark=1",
    # Global recoil for the first emission of Born-like events alone, the choice of aMC@NLO's authors.
    "TimeShower:limitPTmaxGlobal=on",
    "TimeShower:nMaxGlobalRecoil=1",
    "TimeShower:globalRecoilMode=2",
    "TimeShower:nMaxGlobalBranch=1",
)
_ABORT = "Check:abortIfVeto=on"
"""Pythia goes on to the next hard event after a veto unless it is told to say so."""

_PARTICLES = frozenset(
    (
        *("e-", "e+", "mu-", "mu+", "ta-", "ta+", "ve", "ve~", "vm", "vm~", "vt", "vt~"),
        *("a", "z", "w-", "w+", "h", "t", "t~", "b", "b~", "j", "p", "p~"),
    )
)
"""Names that Pythia's merging knows and MadGraph uses for the same."""

_EVERYWHERE = 1000.0  # |rapidity|

_Value = TypeVar("_Value")


@dataclass(frozen=True)
class MergingPlan:
    """What is done with the hard events of a sample.

    Attributes:
        scheme: ``mlm``, ``ckkwl``, or ``none``.
        found: what the file says of itself.
        settings: Pythia's settings for it, in every view.
    """

    scheme: str
    found: str
    settings: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        """As it is kept beside the events."""
        return {**asdict(self), "settings": list(self.settings)}


def plan_merging(
    hard: HardEvents, config: MergingConfig | None, variations: tuple[Variation, ...], *, where: str
) -> MergingPlan:
    """Choose the settings, or refuse events that need merging where nothing is said of it.

    Args:
        hard: hard events of an LHE file.
        config: of the sample; None where it says nothing.
        variations: what is simulated.
        where: the file and the key of its sample, for messages.

    Raises:
        InputFileError: the file is merged, or matched to another shower, and the sample does not say what to do.
        ConfigError: what the sample says does not fit the file, or is not enough.
    """
    found = recognise(hard)
    scheme = config.scheme if config is not None else ""
    if not scheme and found.merging:
        raise InputFileError(
            f"{where}: the hard events need {_named(found.merging)}; showered as they are they would count twice what "
            "both the file and the shower do",
            got=found.text(),
            hint=_what_to_do(found),
        )
    if found.matched and found.shower != "PYTHIA8" and scheme != "none":
        raise InputFileError(
            f"{where}: the hard events contain the subtraction terms of another parton shower",
            got=found.text(),
            allowed="parton_shower = PYTHIA8",
            hint="generate the file for Pythia 8, or set 'merging: none' to shower it all the same, which is not NLO",
        )
    _refuse_other_showers(found, scheme, variations, where)
    settings: tuple[str, ...] = ()
    if found.shower == "PYTHIA8":
        born = () if found.merging else (f"TimeShower:nPartonsInBorn={_born_partons(hard)}",)
        settings = (*_MCATNLO, *born)
    if config is not None and config.scheme != "none":
        allowed = {"mlm": ("mlm", "unknown", ""), "ckkwl": ("ckkwl", "unknown", "")}[config.scheme]
        if found.merging not in allowed or found.matched:
            raise ConfigError(
                f"{where}: 'merging: {config.scheme}' does not fit the file", got=found.text(), hint=_what_to_do(found)
            )
        settings = _mlm(hard, found, config, where) if config.scheme == "mlm" else _ckkwl(hard, found, config, where)
    return MergingPlan(scheme or "none", found.text(), settings)


def _mlm(hard: HardEvents, found: Recognition, config: MergingConfig, where: str) -> tuple[str, ...]:
    """Settings of JetMatchingMadgraph (Pythia's manual, "MLM jet merging")."""
    generated = found.number("xqcut")
    scale = _needed(config.scale or generated, "scale", "the merging scale in GeV", where)
    if generated is not None and scale < generated:
        raise ConfigError(
            f"{where}: merging.scale lies below the cut of the generated events",
            got=f"{scale:g} GeV",
            allowed=f">= xqcut = {generated:g} GeV",
        )
    flavours = _flavours(found, config)
    most = max(map(jets_of, found.process), default=None)
    jets = _jets(config.jets if config.jets is not None else most, int(light_partons(hard, flavours).max()), where)
    reach = found.number("etaj") or -1.0
    return (
        "JetMatching:merge=on",
        "JetMatching:scheme=1",
        # Without a header from a file, Pythia would look for these in vain.
        "JetMatching:setMad=off",
        "JetMatching:jetAlgorithm=2",
        "JetMatching:slowJetPower=1",
        "JetMatching:coneRadius=1",
        f"JetMatching:etaJetMax={reach if reach > 0 else _EVERYWHERE:g}",
        f"JetMatching:qCut={scale!r}",
        f"JetMatching:eTjetMin={scale!r}",
        f"JetMatching:clFact={found.number('alpsfact') or 1.0!r}",
        f"JetMatching:nQmatch={flavours}",
        f"JetMatching:nJetMax={jets}",
        _ABORT,
    )


def _ckkwl(hard: HardEvents, found: Recognition, config: MergingConfig, where: str) -> tuple[str, ...]:
    """Settings of Pythia's CKKW-L merging (its manual, "CKKW-L Merging")."""
    by_card = {"kt": found.number("ktdurham") or 0.0, "ptlund": found.number("ptlund") or 0.0}
    named = next((name for name, value in by_card.items() if value > 0), None)
    measure = config.measure or named or "kt"
    scale = _needed(config.scale or by_card[measure] or None, "scale", "the merging scale in GeV", where)
    if scale < by_card[measure]:
        raise ConfigError(
            f"{where}: merging.scale lies below the cut of the generated events",
            got=f"{scale:g} GeV",
            allowed=f">= {by_card[measure]:g} GeV",
        )
    flavours = _flavours(found, config)
    partons = light_partons(hard, flavours)
    asked = [jets_of(line) for line in found.process]
    most = max(asked) - min(asked) if asked else None
    jets = _jets(config.jets if config.jets is not None else most, int(partons.max() - partons.min()), where)
    process = _needed(config.process or _core_process(found), "process", "the core process, such as pp>e+ve", where)
    return (
        "Merging:doKTMerging=on" if measure == "kt" else "Merging:doPTLundMerging=on",
        f"Merging:TMS={scale!r}",
        f"Merging:Process={process}",
        f"Merging:nJetMax={jets}",
        f"Merging:nQuarksMerge={flavours}",
        f"Merging:Dparameter={found.number('dparameter') or 1.0!r}",
        _ABORT,
    )


def _refuse_other_showers(found: Recognition, scheme: str, variations: tuple[Variation, ...], where: str) -> None:
    others = [
        variation.name
        for variation in variations
        if variation.stage == "generator" or any(s.startswith("PartonShowers:model") for s in variation.settings)
    ]
    if others and (found.matched or scheme in ("mlm", "ckkwl")):
        raise ConfigError(
            f"{where}: the variation {others[0]!r} is another parton shower than that which the hard events are merged "
            "with or matched to",
            got=found.text() if found.matched else f"merging: {scheme}",
            hint="take it out of 'variations'",
        )


def _born_partons(hard: HardEvents) -> int:
    """Coloured particles of Born-like events, those of the real emission having one more."""
    rows = hard.particles
    event = parents_of(np.diff(hard.offsets))
    direct = (rows["mother1"] == 1) | (rows["mother1"] == 2)
    coloured = (rows["col1"] != 0) | (rows["col2"] != 0)
    return int(np.bincount(event[direct & coloured], minlength=len(hard)).min())


def _jets(jets: int | None, seen: int, where: str) -> int:
    number = _needed(jets, "jets", "the largest jet multiplicity of the sample", where)
    if number < seen:
        raise ConfigError(f"{where}: merging.jets is smaller than in the events", got=number, allowed=f">= {seen}")
    return number


def _flavours(found: Recognition, config: MergingConfig) -> int:
    return config.flavours or int(found.number("maxjetflavor") or 5)


def _core_process(found: Recognition) -> str | None:
    """The process line of the smallest multiplicity in Pythia's notation, None where it has names of its own."""
    if not found.process:
        return None
    line = min(found.process, key=jets_of)
    sides = [particle_names(side) for side in line.split(">")]
    if len(sides) != 2 or not all(name in _PARTICLES for side in sides for name in side):
        return None
    return ">".join("".join(side) for side in sides)


def _needed(value: _Value | None, key: str, meaning: str, where: str) -> _Value:
    if value is None:
        raise ConfigError(
            f"{where}: the header of the file does not say {meaning}", hint=f"set it in the sample's merging.{key}"
        )
    return value


def _named(merging: str) -> str:
    names = {
        "mlm": "MLM merging",
        "ckkwl": "CKKW-L merging",
        "ckkw": "CKKW matching",
        "fxfx": "FxFx merging",
        "unlops": "UNLOPS merging",
        "nlo": "FxFx or UNLOPS merging",
        "sherpa": "Sherpa's own merging",
    }
    return names.get(merging, "merging")


def _what_to_do(found: Recognition) -> str:
    as_they_are = "'merging: none' showers them all the same"
    if found.merging in ("mlm", "ckkwl"):
        return f"set 'merging: {found.merging}' in the sample; {as_they_are}"
    reason = refused_scheme(found.merging)
    if reason:
        return f"this scheme is not possible here: {reason}; {as_they_are}"
    if found.merging == "unknown":
        return f"set 'merging: mlm' or 'merging: ckkwl' with merging.scale in the sample; {as_they_are}"
    if found.merging:
        return f"this scheme is not possible here; {as_they_are}"
    return "leave the key out"
