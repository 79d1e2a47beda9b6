"""The cross-section of hard events, by the meaning that IDWTUP gives to their weights (arXiv:hep-ph/0109068)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import InputFileError

__all__ = ["XSECUP", "CrossSection", "LheProcess", "from_processes", "of_events"]

XSECUP = "XSECUP"
"""Source of a cross-section that stands in the ``<init>`` block."""
_SIGMAS, _SHARE = 5.0, 0.01
"""XSECUP and the weights contradict each other when they are this many errors and this share of XSECUP apart."""
_UNITY = 1e-6


@dataclass(frozen=True)
class LheProcess:
    """One line of the ``<init>`` block: cross-section and its error in pb, largest weight, identity."""

    identity: int
    xsec: float
    error: float
    maximum: float


@dataclass(frozen=True)
class CrossSection:
    """A cross-section in pb.

    Attributes:
        error: statistical, in pb; None if nobody says.
        source: where it comes from, in words.
    """

    value: float
    error: float | None
    source: str


def from_processes(processes: Sequence[LheProcess]) -> CrossSection | None:
    """Sum of XSECUP, or None where it cannot be one.

    Generators that do not know their cross-section write -1 (POWHEG with a suppression factor), 1 +- 1 (Sherpa) or
    1 +- 1e14 (JHUGen): no cross-section is below zero, and no one publishes an error larger than the number.
    """
    value = sum(process.xsec for process in processes)
    error = math.hypot(*(process.error for process in processes))
    usable = all(math.isfinite(process.xsec) and process.xsec >= 0 for process in processes)
    ones = all(process.xsec == process.error == 1 for process in processes)
    if not usable or ones or not value > 0 or not error <= value:
        return None
    known = error > 0 and all(process.error >= 0 for process in processes)
    return CrossSection(value, error if known else None, XSECUP)


def of_events(
    processes: Sequence[LheProcess],
    strategy: int,
    weight: NDArray[np.float64],
    trials: NDArray[np.float64] | None,
    *,
    where: str,
    key: str,
) -> CrossSection:
    """Cross-section of events, such that it is shared among them in proportion to their weights.

    =========  ==========================================================================================
    IDWTUP     cross-section
    =========  ==========================================================================================
    +-4        mean weight
    +-3, +-2   sum of XSECUP
    +-1        mean weight; the weights still ask for acceptance by XMAXUP, which is not done here
    any        sum of weights over sum of trials, where the events state their ``trials`` (Sherpa)
    =========  ==========================================================================================

    Where the weights give a cross-section and XSECUP is usable as well, they must agree, and the one with the smaller
    error is taken. A part of the events has the same mean weight within its error, so that reading a part is allowed.

    Args:
        processes: of the file.
        strategy: IDWTUP.
        weight: XWGTUP of the events, with a positive sum [n_events].
        trials: number of trials behind each event [n_events], or None.
        where: the file, for messages.
        key: name of the setting that states the cross-section, for messages.

    Raises:
        InputFileError: no number of the file can be the cross-section, or two of them contradict each other.
    """
    hint = f"state the cross-section in pb as {key}; the log or the web page of the generator's run has it"
    written = from_processes(processes)
    if abs(strategy) not in (1, 2, 3, 4):
        raise InputFileError(f"{where}: IDWTUP has no meaning", got=strategy, allowed="+-1, +-2, +-3, +-4", hint=hint)
    if abs(strategy) < 3 and len(processes) > 1 and not _unweighted(processes, weight):
        raise InputFileError(
            f"{where} has several processes, whose events are still to be accepted by weight (IDWTUP {strategy})",
            hint="let the generator write unweighted events, or one process a file",
        )
    if trials is not None:
        measured = _mean(weight, float(trials.sum()), "sum of weights over sum of trials")
    elif abs(strategy) in (1, 4):
        measured = _mean(weight, float(len(weight)), "mean weight")
    elif written is None:
        raise InputFileError(f"{where}: its <init> block states no cross-section", got=_listed(processes), hint=hint)
    else:
        return written
    if written is None:
        return measured
    scatter = math.inf if measured.error is None else measured.error
    tolerance = _SIGMAS * math.hypot(scatter, written.error or 0.0) + _SHARE * written.value
    if abs(measured.value - written.value) > tolerance:
        total = trials is None and abs(float(weight.sum()) - written.value) <= tolerance
        norm = "the weights seem to add up to it (event_norm = sum); " if total else ""
        raise InputFileError(
            f"{where} contradicts itself: its {measured.source} is {measured.value:.6g} pb",
            got=f"XSECUP = {_listed(processes)}",
            hint=norm + hint,
        )
    # Equal weights have no scatter; what is known of their size is the error of XSECUP.
    better = not measured.error or (written.error is not None and written.error <= measured.error)
    return written if better else measured


def _mean(weight: NDArray[np.float64], n_trials: float, source: str) -> CrossSection:
    """Mean weight of trials, of which all that made no event count with weight 0."""
    mean = float(weight.sum()) / n_trials
    scatter = float((weight**2).sum()) / n_trials - mean**2
    if n_trials <= 1:
        return CrossSection(mean, None, source)
    error = math.sqrt(max(scatter, 0.0) / (n_trials - 1))
    return CrossSection(mean, error if error > _UNITY * mean else 0.0, source)


def _unweighted(processes: Sequence[LheProcess], weight: NDArray[np.float64]) -> bool:
    """Whether all events count alike; then the acceptance by XMAXUP is done already."""
    sizes = np.abs(weight)
    return bool(np.ptp(sizes) <= _UNITY * sizes.max()) and len({process.maximum for process in processes}) == 1


def _listed(processes: Sequence[LheProcess]) -> str:
    return " + ".join(f"({process.xsec:g} +- {process.error:g})" for process in processes) + " pb"
