from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rs3l_gnn.conventions import OutputError
from rs3l_gnn.simulation import HardEvents, write_lhe


def test_pylhe_reads_what_was_written(hard_events: HardEvents, tmp_path: Path) -> None:
    """Another package finds the same numbers, weights and names."""
    pylhe = pytest.importorskip("pylhe")
    few = replace(
        hard_events.part(0, 3),
        weight=np.array([2.5, 0.0, -1.0]),
        weight_names=("mu'2",),
        further_weights=np.array([[5.0], [1.0], [-2.0]]),
    )
    path = tmp_path / "few.lhe"
    write_lhe(path, few, generator="someone")
    events = list(pylhe.LHEFile.fromfile(path).events)
    assert [event.eventinfo.weight for event in events] == [2.5, 0.0, -1.0]
    assert [event.weights for event in events] == [{"mu'2": 5.0}, {"mu'2": 1.0}, {"mu'2": -2.0}]
    for index, event in enumerate(events):
        rows = few.event(index)
        assert [particle.id for particle in event.particles] == rows["id"].tolist()
        for name in ("px", "py", "pz", "e", "m"):
            assert [getattr(particle, name) for particle in event.particles] == rows[name].tolist()
        assert [particle.color1 for particle in event.particles] == rows["col1"].tolist()


def test_the_name_decides_on_packing_and_equal_events_are_equal_files(hard_events: HardEvents, tmp_path: Path) -> None:
    few = hard_events.part(0, 2)
    for name in ("a.lhe", "a.lhe.gz", "b.lhe.gz"):
        write_lhe(tmp_path / name, few, generator="someone")
    packed = (tmp_path / "a.lhe.gz").read_bytes()
    assert packed == (tmp_path / "b.lhe.gz").read_bytes()
    assert gzip.decompress(packed) == (tmp_path / "a.lhe").read_bytes()
    with pytest.raises(OutputError, match="exists already"):
        write_lhe(tmp_path / "a.lhe", few, generator="someone")
