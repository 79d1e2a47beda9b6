"""One event file: what it is, and its events in chunks of any size."""

from __future__ import annotations

from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from rs3l_gnn.conventions import InputFileError, JetDomain, MissingBranchError
from rs3l_gnn.data.event_pairing.event_files import EventFile
from rs3l_gnn.data.format_registry import get_format

from .conftest import CmsFile, write_events


def test_chunks_are_the_file(nano15: CmsFile, tmp_path: Path) -> None:
    path = write_events(tmp_path / "f.root", nano15.events)
    file = EventFile.look(str(path), "Events", None)
    assert (file.form.name, file.entries, file.domain.radius) == ("nanoaod15", 200, 0.8)
    for memory, start, stop in ((1, 190, 200), (20_000, 0, None), (10**9, 7, 130)):
        chunks = list(file.chunks(["event", "FatJet_pt", "FatJet_eta"], memory=memory, start=start, stop=stop))
        assert chunks[0].start == start
        events = ak.concatenate([chunk.events for chunk in chunks])
        np.testing.assert_array_equal(events["event"], nano15.events["event"][start:stop])
        assert events["FatJet"]["eta"].to_list() == nano15.events["FatJet"]["eta"][start:stop].to_list()
    assert len(list(file.chunks(["event"], memory=1, start=190))) == 10


def test_what_is_no_event_file_is_refused(nano15: CmsFile, tmp_path: Path) -> None:
    path = write_events(tmp_path / "f.root", nano15.events)
    file = EventFile.look(str(path), "Events", None)
    with pytest.raises(MissingBranchError, match="lacks FatJet_tau9, needed for the jets; got FatJet_eta, FatJet_"):
        file.require(["FatJet_tau9", "FatJet_pt"], what="the jets")
    with pytest.raises(InputFileError, match=r"f.root has no tree 'Delphes'; got Events"):
        EventFile.look(str(path), "Delphes", None)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(InputFileError, match=r"f.root cannot be read"):
        list(EventFile.look(str(path), "Events", None).chunks(["PFCand_pt"], memory=10**6))


def test_pieces_end_with_baskets_that_are_not_too_large(tmp_path: Path) -> None:
    path = tmp_path / "f.root"
    with uproot.recreate(path) as opened:
        opened.mktree("Events", {"event": np.int64, "FatJet_pt": np.float64})
        for n in (1000, 1000, 1000, 20_000, 500):
            opened["Events"].extend({"event": np.arange(n), "FatJet_pt": np.ones(n)})
    with uproot.open(path) as opened:
        uuid = str(opened.file.uuid)
    names = {name: name for name in ("event", "FatJet_pt")}
    file = EventFile(str(path), "Events", get_format("pfnano"), names, 23_500, JetDomain(), (), uuid)
    pieces = file.pieces(["event", "FatJet_pt"], memory=1500 * 16)  # 16 bytes an event
    assert [one[1] for one in pieces[:-1]] == [one[0] for one in pieces[1:]]
    assert (pieces[0], pieces[-1]) == ((0, 2000), (23_000, 23_500))
    assert pieces[-2][1] == 23_000
    assert max(stop - start for start, stop in pieces) <= 4 * 1500
    assert file.pieces(["event"], memory=10**9) == [(0, 23_500)]
    assert file.pieces(["event"], memory=1, entries=10_000) == [(0, 10_000), (10_000, 20_000), (20_000, 23_500)]


def test_a_file_that_is_written_anew_is_told(nano15: CmsFile, tmp_path: Path) -> None:
    file = EventFile.look(str(write_events(tmp_path / "f.root", nano15.events)), "Events", None)
    write_events(tmp_path / "f.root", nano15.events)
    with pytest.raises(InputFileError, match=r"f\.root is another file than it was at the first look"):
        list(file.chunks(["event"], memory=10**6))
