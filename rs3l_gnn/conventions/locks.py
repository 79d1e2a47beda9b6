"""Who writes an output: a lock file beside it names the run, and a second run into the same place is told.

The file ``.<name>.lock`` holds host, process, command and time. It appears by a hard link, which is atomic on every
shared file system. Whether its owner still runs is asked of the operating system on the same machine, and of the file's
age on another one: the owner renews it every minute. Ages are differences of times that the file server gave, so that
clocks that jump or differ do not matter.
"""

from __future__ import annotations

import errno
import functools
import inspect
import json
import os
import shlex
import shutil
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from rs3l_gnn.conventions.errors import OutputError
from rs3l_gnn.conventions.outputs import cannot_write, require_place

__all__ = ["hold", "holds_output"]

P = ParamSpec("P")
Result = TypeVar("Result")

_RENEWED, _ABANDONED = 60.0, 600.0
"""Seconds between two signs of life, and without any on another machine until a lock counts for nothing."""
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}
"""Errors of a write that say nothing of the program: whatever was being written, there is no place for it."""
_held: dict[Path, int] = {}
"""What this process holds, and how often: an output may be written within the one that holds it."""


@contextmanager
def hold(*paths: Path | str) -> Iterator[None]:
    """Be the only run that writes these outputs; what a killed run left of them is taken away first.

    Args:
        paths: files or folders that need not exist yet; each is held for itself, not what is above or below it.

    Raises:
        OutputError: another run holds one of them, which is named with its machine, process, command and start; or no
            lock can be written, or the disk is full while it is held.
    """
    with ExitStack() as stack:
        for path in paths:
            stack.enter_context(_hold(Path(path).absolute()))
        yield


def holds_output(function: Callable[P, Result]) -> Callable[P, Result]:
    """Let a function :func:`hold` what its argument ``output`` names, while it runs."""
    signature = inspect.signature(function)

    @functools.wraps(function)
    def held(*args: P.args, **kwargs: P.kwargs) -> Result:
        output = signature.bind(*args, **kwargs).arguments["output"]
        # Processes that a training starts beside this one write nothing.
        if int(os.environ.get("LOCAL_RANK", "0")) > 0:
            return function(*args, **kwargs)
        with hold(output):
            return function(*args, **kwargs)

    return held


@contextmanager
def _hold(path: Path) -> Iterator[None]:
    if path in _held:
        _held[path] += 1
        try:
            yield
        finally:
            _held[path] -= 1
        return
    require_place(path)
    lock, ended = path.parent / f".{path.name}.lock", threading.Event()
    made: list[Path] = []
    try:
        try:
            made += _make_folders(path)
            _take(path, lock)
        except OSError as error:
            raise cannot_write(path, error) from error
        _held[path] = 1
        try:
            _clear(path)
            threading.Thread(target=_renew, args=(lock, ended), daemon=True).start()
            yield
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
            raise cannot_write(path, error) from error
        finally:
            ended.set()
            del _held[path]
            with suppress(OSError):
                lock.unlink()
    finally:
        for folder in reversed(made):
            with suppress(OSError):  # something was written there
                folder.rmdir()


def _make_folders(path: Path) -> list[Path]:
    """Make the folders above, and give those that were not there, from the top."""
    missing = [parent for parent in path.parents if not parent.exists()][::-1]
    path.parent.mkdir(parents=True, exist_ok=True)
    return missing


def _take(path: Path, lock: Path) -> None:
    """Make the lock, in place of one whose owner is gone."""
    own = lock.with_name(f".lock-{socket.gethostname()[:60]}-{os.getpid()}-{threading.get_ident()}")
    try:
        own.write_text(json.dumps(_describe()), encoding="utf-8")
        while not _link(own, lock):
            with suppress(FileNotFoundError):  # its owner has just finished
                found = lock.read_text(encoding="utf-8")
                if not _is_abandoned(lock, own, found):
                    raise OutputError(
                        f"another run writes {path}",
                        got=_owner(found),
                        hint=f"wait for it or choose another output; if it runs no more, remove {lock}",
                    )
                _remove(lock, own.with_suffix(".old"), found)
    finally:
        with suppress(OSError):
            own.unlink()


def _link(own: Path, lock: Path) -> bool:
    try:
        os.link(own, lock)
    except FileExistsError:
        return False
    except OSError:  # no hard links there
        with suppress(FileExistsError), lock.open("x", encoding="utf-8") as stream:
            stream.write(own.read_text(encoding="utf-8"))
            return True
        return False
    return True


def _remove(lock: Path, aside: Path, found: str) -> None:
    """Take an abandoned lock away; if a third run was faster and it is that run's by now, give it back."""
    lock.rename(aside)
    if aside.read_text(encoding="utf-8") != found:
        _link(aside, lock)
    aside.unlink()


def _describe() -> dict[str, Any]:
    return {
        "host": socket.gethostname(),
        "system": _system(),
        "pid": os.getpid(),
        "started": _start_of(os.getpid()),
        "since": time.strftime("%Y-%m-%d %H:%M:%S"),
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])[:500],
    }


def _owner(text: str) -> str:
    try:
        document = json.loads(text)
        return "process {pid} on {host}, since {since}: {command}".format(**document)
    except (ValueError, KeyError, TypeError):
        return "a lock that does not name its run"


def _is_abandoned(lock: Path, own: Path, found: str) -> bool:
    try:
        document = json.loads(found)
        if document["system"] == _system():
            return bool(_start_of(int(document["pid"])) != document["started"])
    except (ValueError, KeyError, TypeError):
        pass  # of another version, or cut short by a full disk: its age decides
    os.utime(own)
    return own.stat().st_mtime - lock.stat().st_mtime > _ABANDONED


def _system() -> str:
    """The machine since its start, and the container: where process numbers mean the same."""
    parts = [socket.gethostname()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip())
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return " ".join(parts)


def _start_of(pid: int) -> str | None:
    """When a process started, in ticks of a clock that nobody sets; None where there is no such process."""
    try:
        line = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        if Path("/proc/self/stat").exists():
            return None
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return None
        except PermissionError:
            pass
        return "runs"
    # Behind the name in brackets, which may hold anything (man proc_pid_stat): state, and 18 fields before the start.
    state, *fields = line.rpartition(")")[2].split()
    return None if state in "ZX" else fields[18]


def _renew(lock: Path, ended: threading.Event) -> None:
    while not ended.wait(_RENEWED):
        with suppress(OSError):
            os.utime(lock)


def _clear(path: Path) -> None:
    """Take away what a killed run left in the making; an output that it was about to replace comes back."""
    for left in path.parent.glob(f".{_plain(path.name)}.old-*"):
        with suppress(OSError):
            if (left / path.name).exists() and not path.exists():
                (left / path.name).replace(path)
        shutil.rmtree(left, ignore_errors=True)
    for kind in ("partial", "tables"):
        for left in path.parent.glob(f".{_plain(path.name)}.{kind}-*"):
            shutil.rmtree(left, ignore_errors=True)
    for left in path.parent.glob(f".{_plain(path.stem)}.partial-*{_plain(path.suffix)}"):
        with suppress(OSError):
            left.unlink()


def _plain(name: str) -> str:
    """A name in which no letter is a wildcard."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)
