"""The first look into a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot

from rs3l_gnn.conventions import InputFileError
from rs3l_gnn.data import FORMATS
from rs3l_gnn.data.fast_zlib import read_fast
from rs3l_gnn.data.plain_columns import read_column
from rs3l_gnn.processors.config import ProcessorConfig
from rs3l_gnn.processors.files import (
    FileToOpen,
    is_read_error,
    look_at_files,
    required_branches,
)


def _look(path: Path, **more: Any) -> tuple[list[Any], list[Any]]:
    config = ProcessorConfig(**more)
    return look_at_files(
        [FileToOpen("d", str(path), "Events", simulation=True)], config, compare=lambda *_: None, timeout=10
    )


def test_a_good_file_says_what_it_holds(toy_directory: Path) -> None:
    path = toy_directory / "qcd" / "nominal_0000.root"
    (info,), bad = _look(path)
    assert bad == []
    assert (info.events, info.psweight_names, len(info.uuid)) == (60, ("isrUp", "isrDown"), 16)


@pytest.mark.parametrize("content", [b"", b"not a ROOT file at all, but long enough to hold a header" * 20])
def test_a_file_that_is_not_root(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.root"
    path.write_bytes(content)
    good, (failure,) = _look(path)
    assert good == []
    assert isinstance(failure.error, InputFileError)
    assert "a.root" in str(failure.error)


def test_a_file_without_the_tree_lists_what_it_has(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "a.root") as file:
        file["note"] = "hello"
    _, (failure,) = _look(tmp_path / "a.root")
    assert "has no tree 'Events'; got note" in str(failure.error)


def test_only_what_the_configuration_needs_is_required() -> None:
    form = FORMATS["pfnano"]
    plain = required_branches(ProcessorConfig(), form, simulation=True)
    assert "FatJet_n2b1" in plain
    assert not any(name.startswith("PFCands") for name in plain)
    network = ProcessorConfig(taggers={"rs3l": "default-hbb"}, jet={"choice": "anchor"})
    needed = required_branches(network, form, simulation=True)
    assert {"PFCands_d0", "FatJetPFCands_pFCandsIdx", "FatJet_anchor"} <= set(needed)
    assert "FatJet_n2b1" not in needed


def test_shifts_of_candidates_need_candidates() -> None:
    shifted = ProcessorConfig.model_validate(
        {"systematics": {"candidates": [{"name": "ces", "kind": "energy_scale", "size": 0.1}]}}
    )
    assert "PFCands_pt" in required_branches(shifted, FORMATS["pfnano"], simulation=True)


def test_mistakes_in_a_program_are_no_read_errors() -> None:
    assert is_read_error(OSError("disk"))
    assert is_read_error(ValueError("unrecognized compression algorithm\nin file a.root"))
    assert not is_read_error(ValueError("shapes do not match"))
    assert not is_read_error(KeyError("x"))


@pytest.mark.parametrize(
    "compression", [uproot.ZLIB(1), uproot.LZMA(1), uproot.LZ4(1), uproot.ZSTD(1)], ids=lambda c: type(c).__name__
)
def test_what_cannot_be_unpacked_is_a_read_error(compression: Any, tmp_path: Path) -> None:
    """Each of the packages that uproot unpacks with has errors of its own."""
    read_fast()
    path = tmp_path / "a.root"
    with uproot.recreate(path, compression=compression) as file:
        file.mktree("Events", {"x": "int64"}).extend({"x": np.arange(500)})
    with uproot.open(path) as file:
        branch = file["Events"]["x"]
        start, size = int(branch.member("fBasketSeek")[0]), branch.basket_compressed_bytes(0)
        key = branch.basket(0).member("fKeylen")
    content = bytearray(path.read_bytes())
    content[start + key + 20 : start + size] = b"\xff" * (size - key - 20)
    path.write_bytes(content)
    with uproot.open(path) as file:
        for read in (lambda branch: read_column(branch, 0, 500), lambda branch: branch.array()):
            with pytest.raises(Exception) as caught:  # noqa: PT011 - which one is what is asked here
                read(file["Events"]["x"])
            assert is_read_error(caught.value)


def test_a_tree_that_holds_itself_is_a_damaged_file(toy_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(*arguments: Any) -> Any:
        return endless(*arguments)

    monkeypatch.setattr("rs3l_gnn.processors.files.describe_tree", endless)
    good, bad = _look(toy_directory / "qcd" / "nominal_0000.root")
    assert good == []
    assert isinstance(bad[0].error, InputFileError)
    assert "cannot read" in str(bad[0].error)


@pytest.mark.parametrize("entries", [2 * 10**14, 61, -1])
def test_a_damaged_number_of_events_is_refused(
    entries: int, toy_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut into chunks, it would never end."""

    def damaged(directory: Any, name: str) -> Any:
        tree = directory[name]
        tree._members["fEntries"] = entries
        return tree

    monkeypatch.setattr("rs3l_gnn.processors.files.describe_tree", damaged)
    good, bad = _look(toy_directory / "qcd" / "nominal_0000.root")
    assert good == []
    assert f"got {entries} events, says the tree; allowed: 60, says its branch run" in str(bad[0].error)
