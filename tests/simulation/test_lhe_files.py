"""Files of generators, against what pylhe reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rs3l_gnn.simulation import HardEvents, read_lhe, write_lhe

pylhe = pytest.importorskip("pylhe")

FILES = [
    "lhe/madgraph5-3.5.8-pp_to_jj.lhe.gz",
    "lhe/powheg-box-v2-Zj.lhe",
    "lhe/pylhe-testfile-madgraph-2.0.0-wbj.lhe",
    "lhe/pylhe-testfile-madgraph-2.2.1-Z-mlm.lhe.gz",
    "lhe/pylhe-testfile-powheg-box-v2-hvq.lhe",
    "lhe/pylhe-testfile-powheg-box-v2-trijet.lhe",
    "lhe/pylhe-testfile-pr180.lhe",
    "lhe/pylhe-testfile-sherpa-3.0.1-eejjj.lhe",
    "sherpa/sherpa-3.0.3-Zj.lhe.gz",
]
FIRST = 300
COLUMNS = ["id", "status", "mother1", "mother2", "color1", "color2", "px", "py", "pz", "e", "m", "lifetime", "spin"]


def _compare(events: HardEvents, path: Path) -> None:
    other = pylhe.LHEFile.fromfile(str(path))
    info = other.init.initInfo
    assert (events.beams.id_a, events.beams.id_b) == (info.beamA, info.beamB)
    assert (events.beams.energy_a, events.beams.energy_b) == (info.energyA, info.energyB)
    assert events.strategy == info.weightingStrategy
    assert [(p.identity, p.xsec, p.error, p.maximum) for p in events.processes] == [
        (p.procId, p.xSection, p.error, p.unitWeight) for p in other.init.procInfo
    ]
    for index, event in enumerate(list(other.events)[: len(events)]):
        head = event.eventinfo
        assert (events.process[index], events.weight[index], events.scale[index]) == (head.pid, head.weight, head.scale)
        assert (events.alpha_qed[index], events.alpha_qcd[index]) == (head.aqed, head.aqcd)
        columns = (
            "id",
            "status",
            "mother1",
            "mother2",
            "color1",
            "color2",
            "px",
            "py",
            "pz",
            "e",
            "m",
            "lifetime",
            "spin",
        )
        rows = [tuple(getattr(particle, name) for name in columns) for particle in event.particles]
        assert events.event(index).tolist() == rows
        assert dict(zip(events.weight_names, events.further_weights[index].tolist(), strict=True)) == event.weights
        assert (events.attributes[index] if events.attributes else {}) == event.attributes


@pytest.mark.parametrize("name", FILES)
def test_every_number_as_pylhe_reads_it(name: str, shared_data: Path, tmp_path: Path) -> None:
    path = shared_data / name
    events = read_lhe(path, limit=FIRST)
    _compare(events, path)
    again = tmp_path / "hard.lhe.gz"
    write_lhe(again, events, generator="test")
    back = read_lhe(again)
    assert np.array_equal(back.particles, events.particles)
    assert (back.slha, back.header, back.attributes) == (events.slha, events.header, events.attributes)
    assert back.weight == pytest.approx(events.weight, rel=1e-10)
    assert back.weight_names == events.weight_names
    assert np.allclose(back.further_weights, events.further_weights, rtol=1e-10, atol=0)
    assert back.xsec == pytest.approx(events.xsec, rel=1e-8)
    assert len(list(pylhe.LHEFile.fromfile(str(again)).events)) == len(events)


@pytest.mark.parametrize("name", [name for name in FILES if "madgraph" in name or "pr180" in name])
def test_the_header_of_madgraph(name: str, shared_data: Path) -> None:
    events = read_lhe(shared_data / name, limit=1)
    assert "BLOCK MASS" in events.slha.upper()
    assert "</slha>" not in events.slha + events.header
    assert "MGRunCard" in events.header


def test_the_header_of_powheg(shared_data: Path) -> None:
    events = read_lhe(shared_data / "lhe" / "pylhe-testfile-powheg-box-v2-hvq.lhe")
    assert events.slha == ""
    assert "file generated with POWHEG-BOX-V2" in events.header
    assert "<initrwgt>" in events.header
