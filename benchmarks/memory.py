"""Resident memory of this process and of its children, as the operating system counts it."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

__all__ = ["child_peak_mb", "current_mb", "peak_mb"]

_STATUS = Path("/proc/self/status")


def peak_mb(*, children: bool = False) -> float:
    """Largest resident memory of this process so far, in MiB: everything that it did counts, not the last call alone.

    Args:
        children: take the largest of this process and of each child that has ended and was waited for.
    """
    # Linux' rusage counts the parent's memory before the start of a child's own program; the status file does not.
    own = _status_mb("VmHWM") if _STATUS.is_file() else _rusage_mb(resource.RUSAGE_SELF)
    return max(own, child_peak_mb()) if children else own


def child_peak_mb() -> float:
    """Largest resident memory of any child of this process that has ended and was waited for, in MiB; 0 without one."""
    return _rusage_mb(resource.RUSAGE_CHILDREN)


def current_mb() -> float:
    """Resident memory of this process now, in MiB; where the system does not say it, the peak."""
    return _status_mb("VmRSS") if _STATUS.is_file() else peak_mb()


def _status_mb(key: str) -> float:
    (line,) = (line for line in _STATUS.read_text().splitlines() if line.startswith(key))
    return int(line.split()[1]) / 2**10


def _rusage_mb(who: int) -> float:
    """Linux counts in KiB, macOS in bytes."""
    return resource.getrusage(who).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
