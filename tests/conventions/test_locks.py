"""Two runs into one output, in real processes; owners that are gone; what killed runs leave."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rs3l_gnn.conventions import OutputError
from rs3l_gnn.conventions.locks import hold, holds_output

HOLD = """
import sys
from rs3l_gnn.conventions.locks import hold
with hold(sys.argv[1]):
    print('held', flush=True)
    input()
"""
FOREIGN = '{"system": "another", "host": "h", "pid": 1, "since": "then", "command": "c"}'


@contextmanager
def _other_run(path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLD, str(path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_the_second_run_is_told_who_holds_the_output(tmp_path: Path) -> None:
    output = tmp_path / "views.h5"
    with _other_run(output) as process, pytest.raises(OutputError) as error, hold(output):
        pass
    assert f"another run writes {output}; got process {process.pid} on {os.uname().nodename}, since " in str(
        error.value
    )
    assert f"-c {output}; wait for it or choose another output; if it runs no more, remove" in str(error.value)


def test_an_owner_that_was_killed_holds_nothing(tmp_path: Path) -> None:
    output = tmp_path / "a"
    with _other_run(output) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert (tmp_path / ".a.lock").exists()
    with hold(output):
        assert json.loads((tmp_path / ".a.lock").read_text())["pid"] == os.getpid()
    assert list(tmp_path.iterdir()) == []


def test_a_process_of_the_same_number_is_not_the_owner(tmp_path: Path) -> None:
    """Process numbers come again; the start of the process tells."""
    with hold(tmp_path / "a"):
        document = json.loads((tmp_path / ".a.lock").read_text())
    (tmp_path / ".a.lock").write_text(json.dumps({**document, "started": "1"}))
    with hold(tmp_path / "a"):
        pass


@pytest.mark.parametrize("text", [FOREIGN, "", "[]"])
def test_a_lock_of_another_machine_counts_while_it_is_renewed(text: str, tmp_path: Path) -> None:
    lock = tmp_path / ".a.lock"
    lock.write_text(text)
    with pytest.raises(OutputError, match="another run writes"), hold(tmp_path / "a"):
        pass
    old = time.time() - 700
    os.utime(lock, (old, old))
    with hold(tmp_path / "a"):
        pass
    assert not lock.exists()


def test_a_run_holds_within_itself_and_leaves_no_folders(tmp_path: Path) -> None:
    output = tmp_path / "new" / "folder" / "a"
    with hold(output, tmp_path / "b"):
        with hold(output):
            pass
        assert (output.parent / ".a.lock").exists()
    assert list(tmp_path.iterdir()) == []
    with hold(output):
        output.write_text("")
    assert [path.name for path in output.parent.iterdir()] == ["a"]


def test_leftovers_of_a_killed_run_go_and_what_it_replaced_comes_back(tmp_path: Path) -> None:
    for name in (".run.old-x/run", ".run.partial-y", ".run.tables-z", ".runs.partial-y", ".other.partial-1"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / ".run.old-x" / "run" / "kept").touch()
    (tmp_path / ".run.partial-7").touch()
    with hold(tmp_path / "run"):
        assert (tmp_path / "run" / "kept").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".other.partial-1", ".runs.partial-y", "run"]
    (tmp_path / ".views.partial-7.h5").touch()
    with hold(tmp_path / "views.h5"):
        pass
    assert not (tmp_path / ".views.partial-7.h5").exists()


def test_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    with _other_run(tmp_path / "a"), pytest.raises(OutputError, match="another run"), hold(tmp_path / "a"):
        pass
    with hold(tmp_path / "a"):
        assert json.loads((tmp_path / ".a.lock").read_text())["pid"] == os.getpid()


def test_a_function_holds_its_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @holds_output
    def write(config: int, output: Path, *, force: bool = False) -> bool:
        return (tmp_path / ".a.lock").exists()

    assert write(1, tmp_path / "a")
    assert write(1, output=tmp_path / "a", force=True)
    monkeypatch.setenv("LOCAL_RANK", "1")  # the processes beside the first one of a training
    assert not write(1, tmp_path / "a")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="no permission"), hold(tmp_path / "a"):
        pass


def test_a_full_disk_is_no_defect_wherever_it_is_met(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot write .*: No space left on device"), hold(tmp_path / "a"):
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(ConnectionError), hold(tmp_path / "a"):
        raise ConnectionError(errno.ECONNRESET, "reset")
    assert list(tmp_path.iterdir()) == []
