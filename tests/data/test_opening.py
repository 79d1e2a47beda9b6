"""Local files are read by the thread that asks; remote ones as uproot does by itself."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import uproot

from rs3l_gnn.data.opening import is_local, open_events, reading_options


def test_no_other_thread_reads_a_local_file(tmp_path: Path) -> None:
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        file.mktree("Events", {"x": "int64"}).extend({"x": np.arange(50)})
    before = set(threading.enumerate())
    with open_events(str(path), timeout=5) as file:
        assert file["Events"]["x"].array(library="np").tolist() == list(range(50))
        assert set(threading.enumerate()) == before
        assert file.file.source.num_bytes == path.stat().st_size
        assert is_local(file["Events"])
    with uproot.open(path) as file:
        assert not is_local(file["Events"])


def test_remote_files_keep_the_handler_of_uproot() -> None:
    assert reading_options("root://somewhere//a.root") == {}
    assert reading_options("https://somewhere/a.root") == {}
