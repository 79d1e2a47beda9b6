"""How a run that is told to stop ends: as after Ctrl-C, with nothing half-written and no process left."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Stopped", "stopping"]


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

    Raises:
        Stopped: the run was told to stop, or a library turned that into an exit of its own.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    told: list[int] = []
    own = os.getpid()

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

    def in_thread(failed: threading.ExceptHookArgs) -> None:
        # Threads of a pool whose workers were ended complain about that, also while the interpreter shuts down.
        if not told:
            hook(failed)

    hook, threading.excepthook = threading.excepthook, in_thread
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
        for number, handler in before.items():
            signal.signal(number, handler)
        if not told:
            threading.excepthook = hook
