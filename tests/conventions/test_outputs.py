from __future__ import annotations

import errno
import os
import pickle
from pathlib import Path

import pytest

from rs3l_gnn.conventions import InputFileError, OutputError, atomic_directory, atomic_file, refuse_existing, write_json


def test_file_appears_whole(tmp_path: Path) -> None:
    with atomic_file(tmp_path / "new" / "a.txt") as partial:
        partial.write_text("x")
        assert not (tmp_path / "new" / "a.txt").exists()
        assert partial.suffix == ".txt"
    assert (tmp_path / "new" / "a.txt").read_text() == "x"
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["a.txt"]


def test_file_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), atomic_file(tmp_path / "a.txt") as partial:
        partial.write_text("half")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_full_disk_is_said_and_the_old_file_stays(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(OutputError, match="cannot write .*a.txt: No space left"), atomic_file(target, force=True) as p:
        p.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert target.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_nothing_is_overwritten_without_force(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    with pytest.raises(OutputError, match="--force"), atomic_file(tmp_path / "a"):
        pytest.fail("the block must not start")
    (tmp_path / "d").mkdir()
    with pytest.raises(OutputError, match="--force"), atomic_directory(tmp_path / "d"):
        pytest.fail("the block must not start")


def test_directory_replaces_the_old_one_whole(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "old").write_text("old")
    with pytest.raises(ZeroDivisionError), atomic_directory(tmp_path / "d", force=True) as partial:
        (partial / "new").write_text("half")
        raise ZeroDivisionError
    assert [p.name for p in (tmp_path / "d").iterdir()] == ["old"]
    with atomic_directory(tmp_path / "d", force=True) as partial:
        (partial / "new").write_text("new")
    assert [p.name for p in (tmp_path / "d").iterdir()] == ["new"]
    assert [p.name for p in tmp_path.iterdir()] == ["d"]


def test_json_refuses_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Out of range"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_errors_survive_the_way_back_from_a_worker() -> None:
    error = InputFileError("a.root is truncated", got=3, allowed=["a", "b"], hint="copy it again")
    back = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert type(back) is InputFileError
    assert str(back) == "a.root is truncated; got 3; allowed: a, b; copy it again"


def test_places_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "closed").mkdir(mode=0o555)
    places = [
        (tmp_path / "file" / "below", "file is no folder"),
        (tmp_path / "file" / "far" / "below", "file is no folder"),
        (tmp_path / ("n" * 300), "too long"),
        (tmp_path / "a\0b", "NUL"),
    ]
    if os.geteuid() != 0:  # root may write everywhere
        places.append((tmp_path / "closed" / "new", "no permission"))
    for path, message in places:
        with pytest.raises(OutputError, match=message):
            refuse_existing(path, force=True)
        with pytest.raises(OutputError, match=message), atomic_file(path):
            pytest.fail("the block must not start")
        with pytest.raises(OutputError, match=message), atomic_directory(path):
            pytest.fail("the block must not start")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["closed", "file"]


def test_new_folders_on_the_way_are_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with atomic_file(Path("new/deep/a.txt")) as partial:
        partial.write_text("x")
    assert (tmp_path / "new/deep/a.txt").read_text() == "x"
