"""Data sets of filesets as samples with their views."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rs3l_gnn.conventions import Rs3lError
from rs3l_gnn.data.event_pairing.chunk_run import ChunkRun
from rs3l_gnn.data.event_pairing.config import EventPairConfig
from rs3l_gnn.data.event_pairing.sample_views import DataSets, SampleViews, find_samples
from rs3l_gnn.running.config import ChunkRunConfig

from .conftest import write_fileset


def samples_of(fileset: Path, keep: tuple[str, ...] | None = None, **config: Any) -> list[SampleViews]:
    sets = DataSets.read(EventPairConfig(filesets=(fileset,), **config), keep)
    with ChunkRun.open(ChunkRunConfig()) as run:
        return find_samples(sets, run, {})


@pytest.fixture
def files(toy_sample: Callable[..., Any], tmp_path: Path) -> dict[str, Path]:
    names = ("nominal", "seed", "fsrRenHi")
    return {name: toy_sample("qcd", n_events=5).write(tmp_path / f"{name}.root", name) for name in names}


def test_views_belong_to_their_nominal_data_set(files: dict[str, Path], tmp_path: Path) -> None:
    def view(name: str, of: str = "qcd") -> tuple[list[Path], dict[str, str]]:
        return [files[name]], {"resimulated_of": of, "variation": name}

    sets = {"b": view("fsrRenHi"), "qcd": ([files["nominal"]], {"sample": "jets"}), "a": view("seed")}
    fileset = write_fileset(tmp_path / "f.json", {**sets, "alone": ([files["nominal"]], {})})
    (sample,) = samples_of(fileset)
    assert sample.name == "jets"
    assert [one.variation.name for one in sample.views] == ["nominal", "seed", "fsrRenHi"]
    assert [one.dataset for one in sample.views] == ["qcd", "a", "b"]
    (fewer,) = samples_of(fileset, ("seed",))
    assert [one.variation.name for one in fewer.views] == ["nominal", "seed"]
    with pytest.raises(Rs3lError, match="no data set has the variation 'herwig'"):
        samples_of(fileset, ("herwig",))
    with pytest.raises(Rs3lError, match="'qcd', which is not there.*datasets and exclude leave it out"):
        samples_of(fileset, datasets=("a", "alone"))
    with pytest.raises(Rs3lError, match="no data set is a view of another one; got qcd, alone"):
        samples_of(fileset, datasets=("qcd", "alone"))
    twice = write_fileset(tmp_path / "g.json", {**sets, "c": view("seed")})
    with pytest.raises(Rs3lError, match="data sets 'a' and 'c' are the same view .seed."):
        samples_of(twice)
