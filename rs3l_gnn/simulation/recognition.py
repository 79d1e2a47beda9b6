"""What an LHE file says of how its hard events are to be joined with a parton shower.

A file whose events overlap with what a shower does (merging of several jet multiplicities) or whose weights contain the
subtraction terms of one shower (MC@NLO) gives wrong rates without a word when it is showered like any other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions.jagged import parents_of
from rs3l_gnn.simulation.hard_events import HardEvents

__all__ = ["Recognition", "jets_of", "light_partons", "particle_names", "recognise"]

_BLOCK = r"<{name}\b[^>]*>(.*?)</{name}\s*>"
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_CARD_LINE = re.compile(r"^\s*([^#!=]*?)\s*=\s*([A-Za-z_]\w*)\s*(?:[!#].*)?$")
_NLO_MERGED = {3: "fxfx", 4: "unlops"}
"""``ickkw`` of aMC@NLO run cards."""

_GLUON = 21
_LIGHT = frozenset(("j", "g", "u", "d", "s", "c", "b", "u~", "d~", "s~", "c~", "b~"))


@dataclass(frozen=True)
class Recognition:
    """What was found.

    Attributes:
        merging: ``mlm``, ``ckkwl``, ``ckkw``, ``fxfx``, ``unlops``, ``nlo`` (one of the last two), ``sherpa``, or
            ``unknown`` for several multiplicities without a word of the scheme; empty where there is nothing to merge.
        reasons: the signs of it, for people.
        shower: the parton shower whose subtraction terms an aMC@NLO file contains, in capitals; empty for others.
        card: MadGraph's or aMC@NLO's run card, by name.
        process: MadGraph's ``generate`` and ``add process`` lines.
        multiplicities: numbers of light partons of the hard process, rising.
    """

    merging: str
    reasons: tuple[str, ...]
    shower: str
    card: dict[str, str]
    process: tuple[str, ...]
    multiplicities: tuple[int, ...]

    @property
    def matched(self) -> bool:
        """Whether the file is one of aMC@NLO."""
        return bool(self.shower)

    def number(self, name: str) -> float | None:
        """A number of the run card, None where it has none."""
        return _number(self.card.get(name, ""))

    def text(self) -> str:
        """One line for people."""
        names = {"unknown": "several multiplicities", "": "none"}
        found = names.get(self.merging, self.merging)
        if self.matched:
            found = f"MC@NLO for {self.shower}" + (f", merged: {found}" if self.merging else "")
        return found + (f" ({'; '.join(self.reasons)})" if self.reasons else "")


def recognise(hard: HardEvents) -> Recognition:
    """Look for the signs of merging and matching in the header, the event tags and the hard partons."""
    header = hard.header
    card = _run_card(header)
    partons = light_partons(hard)
    found = tuple(int(number) for number in np.unique(partons))
    shower = card.get("parton_shower", "").strip("'\"").upper()
    reasons: list[str] = []
    if shower:
        reasons.append(f"run card: parton_shower = {shower}")
    elif re.search(r"<MonteCarloMasses\b", header):
        shower = "UNKNOWN"
        reasons.append("header: <MonteCarloMasses>, but no parton_shower in a run card")
    merging, signs = _by_card(card, nlo=bool(shower))
    if not merging and "ickkw" not in card:
        merging, signs = _by_tags(hard)
    if not merging:
        merging, signs = _by_sherpa(header)
    if not merging and "Matched Integrated weight" in header:
        merging, signs = "mlm", ["header: Matched Integrated weight"]
    if not merging and not shower and len(found) > 1 and not _next_to_leading(header, found):
        listed = ", ".join(str(number) for number in found)
        merging, signs = "unknown", [f"hard events with {listed} light partons"]
    lines = _process_lines(header)
    return Recognition(merging, (*reasons, *signs), shower, card, lines, found)


def light_partons(hard: HardEvents, flavours: int = 5) -> NDArray[np.int64]:
    """Gluons and light quarks that leave the hard process, those from decays of resonances left out [n_events]."""
    rows = hard.particles
    event = parents_of(np.diff(hard.offsets))
    identity = np.abs(rows["id"])
    light = (identity <= flavours) | (identity == _GLUON)
    resonance = (rows["status"] == 2) & (identity > 5) & (identity != _GLUON)
    above = np.where(rows["mother1"] > 0, hard.offsets[event] + rows["mother1"] - 1, -1)
    decayed = np.zeros(len(rows), dtype=np.bool_)
    while True:  # one generation after another
        further = (above >= 0) & (resonance | decayed)[above]
        if np.array_equal(further, decayed):
            break
        decayed = further
    wanted = light & (rows["status"] == 1) & ~decayed
    return np.bincount(event[wanted], minlength=len(hard)).astype(np.int64)


def particle_names(side: str) -> list[str]:
    """Particles on one side of the ``>`` of a process line; orders, restrictions and the number of the line go."""
    names = []
    for word in side.split():
        if word[0] in "@/$[" or "=" in word or "^" in word:
            break
        names.append(word)
    return names


def jets_of(line: str) -> int:
    """Light partons that a process line asks for."""
    production = line.split(",", 1)[0]
    return sum(name in _LIGHT for name in particle_names(production.rsplit(">", 1)[-1]))


def _by_card(card: dict[str, str], *, nlo: bool) -> tuple[str, list[str]]:
    """The scheme by a run card, in which MadGraph says ``ickkw = 0`` for "no merging"."""
    choice = int(_number(card.get("ickkw", "")) or 0)
    if choice:
        scheme = _NLO_MERGED.get(choice, "unknown") if nlo else {1: "mlm", 2: "ckkw"}.get(choice, "unknown")
        return scheme, [f"run card: ickkw = {choice}"]
    for name in ("ktdurham", "ptlund"):
        scale = _number(card.get(name, "")) or 0.0
        if scale > 0:
            return "ckkwl", [f"run card: {name} = {scale:g}"]
    return "", []


def _by_tags(hard: HardEvents) -> tuple[str, list[str]]:
    """The multiplicity in the ``<event>`` tags of merged samples of aMC@NLO and MadGraph; -1 stands for none."""
    for name, scheme in (("npNLO", "nlo"), ("npLO", "unknown")):
        found = sorted({value for tag in hard.attributes if (value := _number(tag.get(name, ""))) is not None})
        if found and found[-1] >= 0:
            listed = ", ".join(f"{value:g}" for value in found)
            return scheme, [f"event tags: {name} = {listed}"]
    return "", []


def _by_sherpa(header: str) -> tuple[str, list[str]]:
    card = _block(header, "SHRunCard")
    found = re.search(r"^[\s-]*CKKW[\s:=]+(\S.*?)\s*$", card, re.MULTILINE)
    return ("sherpa", [f"Sherpa's run card: CKKW: {found[1]}"]) if found else ("", [])


def _next_to_leading(header: str, found: tuple[int, ...]) -> bool:
    """POWHEG events have the emission, or, where there is none above its cut, not: two neighbouring multiplicities."""
    return bool(re.search(r"powheg", header, re.IGNORECASE)) and len(found) == 2 and found[1] == found[0] + 1


def _run_card(header: str) -> dict[str, str]:
    card = {}
    for line in _block(_COMMENT.sub("", header), "MGRunCard").splitlines():
        found = _CARD_LINE.match(line)
        if found:
            card[found[2].lower()] = found[1].strip()
    return card


def _process_lines(header: str) -> tuple[str, ...]:
    text = _block(_COMMENT.sub("", header), "MG5ProcCard")
    found = re.findall(r"^\s*(?:generate|add\s+process)\s+(.*?)\s*$", text, re.MULTILINE)
    return tuple(" ".join(line.split("#")[0].split()) for line in found)


def _block(text: str, name: str) -> str:
    found = re.search(_BLOCK.format(name=name), text, re.DOTALL | re.IGNORECASE)
    return found[1] if found else ""


def _number(text: str) -> float | None:
    try:
        return float(text.strip().lower().replace("d", "e"))
    except ValueError:
        return None
