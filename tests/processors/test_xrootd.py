"""Files on an XRootD server: one is started on the loopback address where its programs are installed."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rs3l_gnn.conventions import InputFileError, MissingDependencyError
from rs3l_gnn.processors import AnalysisConfig, analyze, files

Read = Callable[[Path], dict[str, Any]]


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def _answers(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def server(toy_directory: Path) -> Iterator[str]:
    """Address of a server with the files of the toy sample qcd."""
    pytest.importorskip("fsspec_xrootd", reason="needs fsspec-xrootd")
    program = shutil.which("xrootd")
    if program is None:
        pytest.skip("no XRootD server is installed (Debian: xrootd-server)")
    # Outside of pytest's folders, which only their owner can enter: the server never runs as root.
    with tempfile.TemporaryDirectory(prefix="xrootd-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        shutil.copytree(toy_directory / "qcd", folder / "data")
        (folder / "own").mkdir()
        options = []
        if os.getuid() == 0:
            user = pwd.getpwnam("nobody")
            os.chown(folder / "own", user.pw_uid, user.pw_gid)
            options = ["-R", user.pw_name]
        port = _free_port()
        (folder / "xrootd.cfg").write_text(
            f"all.export /\noss.localroot {folder}/data\nall.adminpath {folder}/own\nall.pidpath {folder}/own\n"
        )
        command = [program, *options, "-c", str(folder / "xrootd.cfg"), "-p", str(port), "-l", f"{folder}/own/log"]
        process = subprocess.Popen(command, cwd=folder / "own")  # noqa: S603 - the program found above
        try:
            for _ in range(200):
                if _answers(port) or process.poll() is not None:
                    break
                time.sleep(0.05)
            if not _answers(port):
                pytest.skip("the XRootD server does not start")
            yield f"root://127.0.0.1:{port}"
        finally:
            process.kill()
            process.wait()


def _config(folder: Path, server: str, **run: Any) -> AnalysisConfig:
    document = json.loads((folder / "qcd" / "fileset.json").read_text())
    for entry in document.values():
        entry["files"] = {f"{server}//{file}": tree for file, tree in entry["files"].items()}
    fileset = folder / "remote.json"
    fileset.write_text(json.dumps(document))
    return AnalysisConfig.model_validate({"filesets": fileset, "run": run})


def test_remote_files_give_the_histograms_of_local_ones(
    server: str, toy_directory: Path, tmp_path: Path, written: Read
) -> None:
    shutil.copytree(toy_directory / "qcd", tmp_path / "qcd")
    remote = _config(tmp_path, server, executor="futures", workers=2, chunksize=23)
    assert analyze(remote, tmp_path / "remote")["complete"] is True
    analyze(AnalysisConfig(filesets=(toy_directory / "qcd" / "fileset.json",)), tmp_path / "local")
    assert written(tmp_path / "remote")["histograms"] == written(tmp_path / "local")["histograms"]


def test_a_remote_file_that_is_not_there_is_named(server: str, toy_directory: Path, tmp_path: Path) -> None:
    shutil.copytree(toy_directory / "qcd", tmp_path / "qcd")
    document = json.loads((tmp_path / "qcd" / "fileset.json").read_text())
    document["qcd_seed"]["files"] = {"none.root": "Events"}
    (tmp_path / "qcd" / "fileset.json").write_text(json.dumps(document))
    with pytest.raises(InputFileError, match=rf"cannot read {server}//none\.root: .*no such file"):
        analyze(_config(tmp_path, server), tmp_path / "out")
    report = analyze(_config(tmp_path, server, skip_bad_files=True), tmp_path / "out")
    assert report["complete"] is False
    assert [entry["file"] for entry in report["skipped_files"]] == [f"{server}//none.root"]


def test_without_the_plug_in_its_name_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "find_spec", lambda _: None)
    (tmp_path / "a.json").write_text(json.dumps({"a": {"files": {"root://host//a.root": "Events"}}}))
    with pytest.raises(MissingDependencyError, match="pip install fsspec-xrootd"):
        analyze(AnalysisConfig(filesets=(tmp_path / "a.json",)), tmp_path / "out")
