"""Which hard events Pythia's merging vetoes, and the weights of the others from merging or enhanced splittings."""

from __future__ import annotations

import ctypes
from typing import Any

import awkward as ak
import numpy as np
import pythia8mc
from numpy.typing import NDArray

__all__ = ["Vetoes"]

_MERGING_FAILED = int(pythia8mc.UserHooks.MERGING_FAILED)


class Vetoes:
    """Watches an instance whose settings switch a merging or enhanced splittings on; others are left alone.

    Args:
        pythia: with its settings read, not yet initialised.

    Attributes:
        active: whether events may be vetoed or weighted.
    """

    def __init__(self, pythia: Any) -> None:
        settings = pythia.settings
        jets = settings.flag("JetMatching:merge")
        weights = settings.flag("Merging:doKTMerging") or settings.flag("Merging:doPTLundMerging")
        self.active = jets or weights or settings.flag("Enhancements:doEnhance")
        self._pythia = pythia
        self._vetoed: list[bool] = []
        if jets or weights:
            hook = _Matching(self) if jets else _Watching(self)
            # Pythia keeps a bare pointer. The hook is never freed, since it would print a table of warnings then.
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(hook))
            pythia.setUserHooksPtr(hook)

    def begin(self) -> None:
        """Further events follow; those of before are forgotten."""
        self._vetoed = []

    def next(self) -> None:
        """The next event is handed to Pythia."""
        self._vetoed.append(False)

    def veto(self) -> None:
        """The last event is vetoed."""
        self._vetoed[-1] = True

    def factor(self) -> float:
        """Weight of the last event, 0 if it is vetoed."""
        if not self.active:
            return 1.0
        return 0.0 if self._vetoed[-1] else float(self._pythia.infoPython().weight())

    def factors(self, batch: ak.Array) -> NDArray[np.float64]:
        """Weight of each event since :meth:`begin`.

        Args:
            batch: what Pythia made of them, None where it made nothing.

        Returns:
            Weights [n_events]: 0 for a vetoed event, 1 for one that Pythia rejects.
        """
        if not self.active:
            return np.ones(len(batch))
        weights = ak.fill_none(ak.firsts(ak.fill_none(batch.info.weights, [], axis=0)), 1.0)
        # Where Pythia went on by itself, the list is longer, and the events are showered again one by one.
        vetoed = np.array(self._vetoed[: len(batch)], dtype=np.bool_)
        return np.where(vetoed, 0.0, ak.to_numpy(weights)[: len(vetoed)]).astype(np.float64)


class _Matching(pythia8mc.JetMatchingMadgraph):  # type: ignore[misc]  # pythia8mc has no type information
    """Pythia's kT-MLM veto, which tells of it."""

    def __init__(self, vetoes: Vetoes) -> None:
        pythia8mc.JetMatchingMadgraph.__init__(self)
        self._vetoes = vetoes

    def doVetoProcessLevel(self, process: Any) -> bool:  # noqa: N802  # Pythia calls this name
        vetoed = bool(super().doVetoProcessLevel(process))
        if vetoed:
            self._vetoes.veto()
        return vetoed

    def doVetoPartonLevelEarly(self, event: Any) -> bool:  # noqa: N802  # Pythia calls this name
        vetoed = bool(super().doVetoPartonLevelEarly(event))
        if vetoed:
            self._vetoes.veto()
        return vetoed


class _Watching(pythia8mc.UserHooks):  # type: ignore[misc]  # pythia8mc has no type information
    """Hears of events that fail the cut of the merging scale."""

    def __init__(self, vetoes: Vetoes) -> None:
        pythia8mc.UserHooks.__init__(self)
        self._vetoes = vetoes

    def onEndEvent(self, status: Any) -> None:  # noqa: N802  # Pythia calls this name
        if int(status) == _MERGING_FAILED:
            self._vetoes.veto()
