"""How a run that is told to stop ends: as after Ctrl-C, with nothing half-written and no process left."""

from __future__ import annotations

import _thread
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["STATUSES", "Stopped", "end_surely", "stopping"]


_AGAIN = 0.02
"""Seconds after which a run is told again that did not hear."""


_PATIENCE = 10.0
"""Seconds that threads of libraries have to end, once everything is tidied up."""
STATUSES = (128 + signal.SIGINT, 128 + signal.SIGTERM)
"""Exit statuses of runs that were told to stop."""


def end_surely(status: int) -> None:
    """End the process of a run that has tidied up, although the interpreter waits for a thread that never ends.

    A pool whose workers were ended, or that was interrupted while it held a lock, may leave such a thread.

    Args:
        status: with which the process ends.
    """

    def end() -> None:
        time.sleep(_PATIENCE)
        os._exit(status)

    # No threading.Thread: the interpreter does not wait for this one, and nothing of its own can hold it.
    _thread.start_new_thread(end, ())


class Stopped(BaseException):
    """The run was told to stop; no error, so that nobody takes it for one and goes on.

    Args:
        number: of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number

    @property
    def status(self) -> int:
        """Exit status, as shells have it for a process that a signal ended."""
        return 128 + self.number


@contextmanager
def stopping() -> Iterator[None]:
    """Raise :class:`Stopped` on SIGTERM, which batch systems send before they kill, and on Ctrl-C; end workers first.

    Python drops what is raised while it tidies up (``__del__``, callbacks of weak references, of the collector and of
    libraries in C) and goes on: the run is then told again, until it hears.

    Raises:
        Stopped: the run was told to stop, or a library turned that into an exit of its own.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    told: list[int] = []
    own, goes_on = os.getpid(), True

    def stop(number: int, _: FrameType | None) -> None:
        if os.getpid() != own:  # a process that was forked, and has nothing to say
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        told.append(number)
        for child in multiprocessing.active_children():
            child.terminate()
        if number == signal.SIGINT:
            raise KeyboardInterrupt  # libraries know it
        raise Stopped(number)

    def again(number: int) -> None:
        time.sleep(_AGAIN)
        if goes_on:
            os.kill(own, number)

    def dropped(unheard: sys.UnraisableHookArgs) -> None:
        if told and issubclass(unheard.exc_type, (Stopped, KeyboardInterrupt)):
            # Not threading.Thread: what was interrupted may hold the locks that it takes.
            _thread.start_new_thread(again, (told[-1],))
        else:
            unraisable(unheard)

    def in_thread(failed: threading.ExceptHookArgs) -> None:
        # Threads of a pool whose workers were ended complain about that, also while the interpreter shuts down.
        if not told:
            hook(failed)

    hook, threading.excepthook = threading.excepthook, in_thread
    unraisable, sys.unraisablehook = sys.unraisablehook, dropped
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except Stopped:
        raise
    except BaseException as error:
        if told:  # what the end of a worker or a closed connection made of it
            raise Stopped(told[0]) from error
        raise
    finally:
        goes_on = False
        for number, handler in before.items():
            signal.signal(number, handler)
        sys.unraisablehook = unraisable
        if not told:
            threading.excepthook = hook
