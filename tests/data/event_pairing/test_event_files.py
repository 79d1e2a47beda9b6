"""One event file: what it is, and its events in chunks of any size."""

from __future__ import annotations

from pathlib import Path

import awkward as ak
import numpy as np
import pytest

from rs3l_gnn.conventions import InputFileError, MissingBranchError
from rs3l_gnn.data.event_pairing.event_files import EventFile

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
