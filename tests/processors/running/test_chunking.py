"""How files are cut into chunks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rs3l_gnn.processors import AnalysisConfig
from rs3l_gnn.processors.files import FileInfo, FileToOpen, look_at_files
from rs3l_gnn.processors.running.chunking import events_in_chunk, work_items
from rs3l_gnn.processors.running.fileset import Dataset, Plan


def _config(**more: Any) -> AnalysisConfig:
    return AnalysisConfig.model_validate({"filesets": "a.json", **more})


def _info(events: int, candidates: float = 0.0) -> FileInfo:
    return FileInfo("qcd", "a.root", "Events", events, b"", (), candidates)


@pytest.mark.parametrize(
    ("candidates", "size"), [(0, 20_000), (50, 20_000), (240, 10_000), (1800, 1333), (1_000_000, 100)]
)
def test_files_with_more_candidates_have_smaller_chunks(candidates: float, size: int) -> None:
    assert events_in_chunk(_config(), _info(10, candidates)) == size


def test_shifts_of_candidates_take_room_and_a_given_size_wins() -> None:
    shifts = {"candidates": [{"name": "ces", "kind": "energy_scale", "size": 0.01}]}
    assert events_in_chunk(_config(systematics=shifts), _info(10, 240)) == 5000
    assert events_in_chunk(_config(run={"chunksize": 7}), _info(10, 1800)) == 7


def test_chunks_are_even_and_cover_the_file() -> None:
    datasets = {"qcd": Dataset("qcd", {"a.root": "Events"}, {}, Plan("qcd", "nominal", "qcd", paired=False))}
    items, left_out = work_items(_config(run={"chunksize": 40}), datasets, [_info(101), _info(0)])
    assert [(item.entrystart, item.entrystop) for item in items] == [(0, 33), (33, 67), (67, 101), (0, 0)]
    assert left_out == 0
    limited, left_out = work_items(_config(run={"chunksize": 40, "limit_chunks": 1}), datasets, [_info(101), _info(0)])
    assert ([item.entrystop for item in limited], left_out) == ([33], 3)


def test_the_density_of_candidates_is_that_of_the_file(shared_data: Path, tagger_path: Path) -> None:
    path = shared_data / "cms" / "pfnano.root"
    for taggers, expected in (({"rs3l": str(tagger_path)}, 1820), ({"n2": "n2"}, 0)):
        (info,), _ = look_at_files(
            [FileToOpen("cms", str(path), "Events", simulation=False)],
            _config(taggers=taggers),
            compare=lambda *_: None,
            timeout=10,
        )
        assert info.candidates == pytest.approx(expected, rel=0.02)
