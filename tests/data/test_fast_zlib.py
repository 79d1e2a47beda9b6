"""zlib's format by another library: any zlib reads it, and ROOT files are read to the same arrays."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest
import uproot

from rs3l_gnn.data import fast_zlib

CONTENTS = (b"", b"a", bytes(100_000), np.random.default_rng(1).normal(size=5000).astype(np.float32).tobytes())


@pytest.mark.parametrize("installed", [True, False])
def test_any_zlib_reads_it(installed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not installed:
        monkeypatch.setattr(fast_zlib, "_isal", None)
    for content in CONTENTS:
        assert zlib.decompress(fast_zlib.compress(memoryview(content))) == content


def test_reading_is_faster_and_writing_as_it_was(toy_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("isal")
    reader = uproot.compression._decompress_ZLIB
    path = toy_directory / "qcd" / "nominal_0000.root"
    found = []
    for library in ("zlib", "isal"):
        monkeypatch.setattr(reader, "library", "zlib")
        if library == "isal":
            fast_zlib.read_fast()
        assert reader.library == library
        with uproot.open(path) as file:
            found.append(file["Events"].arrays(["PFCands_pt", "PFCands_pdgId"]).to_list())
    assert found[0] == found[1]
    assert uproot.ZLIB.library == "zlib"
    assert uproot.ZLIB(1).compress(CONTENTS[3]) == zlib.compress(CONTENTS[3], 1)
