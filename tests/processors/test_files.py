"""The first look into a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import uproot

from rs3l_gnn.conventions import InputFileError
from rs3l_gnn.data import FORMATS
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
