from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from rs3l_gnn.conventions import CheckpointError, FitError, InputFileError, file_digest
from rs3l_gnn.conventions.inputs import file_states, reading, require_file, require_unchanged
from rs3l_gnn.conventions.packed import open_packed
from rs3l_gnn.data.event_pairing.event_files import EventFile
from rs3l_gnn.data.published import PublishedFile
from rs3l_gnn.data.simulated import SimulatedFile
from rs3l_gnn.data.views_file import ViewsFile, is_views_file


def test_files_missing_names_and_urls_pass(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    for path in (tmp_path / "a", tmp_path / "link", tmp_path / "gone", "root://host//a.root", "https://host/a"):
        require_file(path)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("pipe", "a pipe or device"),
        ("link", "a pipe or device"),
        ("socket", "a pipe or device"),
        ("folder", "a folder"),
    ],
)
def test_what_is_there_and_no_file_is_refused(name: str, kind: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    (tmp_path / "folder").mkdir()
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(tmp_path / "socket"))
        for path in (tmp_path / name, f"file://{tmp_path / name}"):
            with pytest.raises(InputFileError, match=f"cannot read the table .*{name}: it is {kind}.*give a file"):
                require_file(path, what="the table")


def test_devices_are_refused() -> None:
    with pytest.raises(InputFileError, match="cannot read /dev/zero: it is a pipe or device"):
        require_file("/dev/zero")


def _packed(path: Path) -> None:
    with open_packed(path):
        pass


def _events(path: Path) -> None:
    EventFile.look(str(path), "Events", None)


@pytest.mark.parametrize(
    "read",
    [_packed, _events, file_digest, ViewsFile, is_views_file, PublishedFile, SimulatedFile.open],
)
def test_every_opener_refuses_a_pipe(read: Callable[[Path], object], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputFileError, match="it is a pipe or device"):
        read(tmp_path / "pipe")


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (struct.error("unpack\n  requires"), "a.root is damaged: unpack requires"),
        (AssertionError(), "a.root is damaged: AssertionError"),
        (ValueError("x" * 5000), f"a.root is damaged: {'x' * 200}"),
        (FileNotFoundError(2, "No such file"), "a.root does not exist"),
        (MemoryError(), "a.root is damaged: it says that it holds more than there is memory for"),
    ],
)
def test_what_a_library_raises_names_the_file(found: Exception, message: str) -> None:
    with pytest.raises(CheckpointError) as error, reading("a.root", "is damaged", error=CheckpointError):
        raise found
    assert str(error.value) == message
    assert error.value.__cause__ is found


def test_a_file_that_goes_while_it_is_read(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="gone does not exist"):
        file_digest(tmp_path / "gone")


def test_errors_of_ours_keep_their_class_and_get_the_name() -> None:
    with pytest.raises(FitError, match=r"^a.root: no bins$"), reading("a.root", "is damaged"):
        raise FitError("no bins")
    with pytest.raises(FitError, match=r"^in a.root no bins$"), reading("a.root", "is damaged"):
        raise FitError("in a.root no bins")
    with pytest.raises(KeyboardInterrupt), reading("a.root", "is damaged"):
        raise KeyboardInterrupt


def test_files_that_change_while_they_are_read(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a", "b", "c")]
    for path in paths:
        path.write_text("1")
    states = file_states([*paths, tmp_path / "none", "root://host//a.root"])
    assert list(states) == [str(path) for path in paths]
    require_unchanged(states)
    paths[1].write_text("22")
    with pytest.raises(InputFileError, match=r"/b changed while it was read; run again"):
        require_unchanged(states)
    paths[2].rename(tmp_path / "d")
    with pytest.raises(InputFileError, match=r"/b, .*/c changed while it was read; got 2 of 3 files"):
        require_unchanged(states)
