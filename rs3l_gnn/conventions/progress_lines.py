"""Progress for long steps: a bar on a terminal, plain lines in a log."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Progress", "progress"]

_log = logging.getLogger("rs3l_gnn")
_SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """Counter handed out by :func:`progress`.

    Attributes:
        done: units that are done.
        note: what else there is to say, shown behind the numbers.
    """

    def __init__(self, what: str, total: int | None, unit: str) -> None:
        self.done = 0
        self.note = ""
        self._skipped = 0
        self._what, self._total, self._unit = what, total, unit
        self._start = self._last = time.monotonic()

    def advance(self, n: int = 1) -> None:
        """Count ``n`` more units as done."""
        self.done += n
        now = time.monotonic()
        if now - self._last >= _SECONDS_BETWEEN_LINES:
            self._last = now
            _log.info(self.line())

    def skip(self, n: int) -> None:
        """Count ``n`` units as done before; they do not enter the rate."""
        self._skipped += n
        self.advance(n)

    @property
    def rate(self) -> float:
        """Units per second since the start."""
        return (self.done - self._skipped) / max(time.monotonic() - self._start, 1e-9)

    def line(self) -> str:
        """One line for a log: how far, how fast, how long still."""
        text = f"{self._what}: {self.done}"
        if self._total:
            left = max(self._total - self.done, 0) / max(self.rate, 1e-9)
            text += f"/{self._total} {self._unit}, {self.rate:.1f}/s, {left:.0f} s left"
        else:
            text += f" {self._unit}, {self.rate:.1f}/s"
        return f"{text}, {self.note}" if self.note else text


class _Bar(Progress):
    def __init__(self, what: str, total: int | None, unit: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        super().__init__(what, total, unit)
        self.bar = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=Console(stderr=True),
        )
        self._task = self.bar.add_task(what, total=total, rate="", note="")

    def advance(self, n: int = 1) -> None:
        self.done += n
        self.bar.update(self._task, advance=n, rate=f"{self.rate:.0f} {self._unit}/s", note=self.note)


@contextmanager
def progress(what: str, total: int | None, unit: str = "events") -> Iterator[Progress]:
    """Show the progress of one step, unless the package is told to be quiet.

    Args:
        what: name of the step.
        total: how many units there are, None if unknown.
        unit: what is counted.
    """
    if sys.stderr.isatty() and _log.isEnabledFor(logging.INFO):
        shown = _Bar(what, total, unit)
        with shown.bar:
            yield shown
        return
    plain = Progress(what, total, unit)
    _log.info("%s: started", what)
    yield plain
    _log.info("%s: %d %s done, %.1f/s", what, plain.done, unit, plain.rate)
