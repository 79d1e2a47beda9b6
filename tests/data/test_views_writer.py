"""Files of views keep the shape of earlier versions for the paper's features, and name others with their units."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from rs3l_gnn.conventions import FEATURE_NAMES, FEATURE_SETS, InvalidDataError
from rs3l_gnn.data import Views, ViewsFile, ViewsWriter, concatenate_views, read_views, write_views

ATTRIBUTES = {"version", "format", "features", "samples", "variations"}


def _with(views: Views, names: tuple[str, ...]) -> Views:
    columns = [views.features[:, FEATURE_NAMES.index(name) if name in FEATURE_NAMES else 3] for name in names]
    return dataclasses.replace(views, features=np.stack(columns, axis=1), feature_names=names)


def test_the_papers_features_make_the_file_that_they_always_made(views: Views, tmp_path: Path) -> None:
    write_views(tmp_path / "a.h5", views)
    with h5py.File(tmp_path / "a.h5") as file:
        assert set(file.attrs) == ATTRIBUTES
        assert file.attrs["features"] == json.dumps(FEATURE_NAMES).encode()
        assert (file["features"].shape[1], file["features"].chunks, file["features"].dtype) == (15, (16384, 1), "<f4")


@pytest.mark.parametrize("compression", ["gzip", "lzf", "none"])
def test_other_features_stand_with_their_units(views: Views, tmp_path: Path, compression: str) -> None:
    names = (*FEATURE_SETS["nano"], "puppi_weight")
    mine = _with(views, names)
    parts = (mine.select_events(np.arange(mine.n_events) % 2 == side) for side in (0, 1))
    with ViewsWriter.open(
        tmp_path / "a.h5",
        mine.samples,
        mine.variations,
        shower_weight_names=mine.shower_weight_names,
        features=names,
        compression=compression,  # type: ignore[arg-type]  # one of the parameters above
    ) as writer:
        for part in parts:
            writer.append(part)
    with h5py.File(tmp_path / "a.h5") as file:
        assert set(file.attrs) == {*ATTRIBUTES, "units"}
        units = json.loads(file.attrs["units"])
    assert dict(zip(names, units, strict=True))["log_pt_rel"] == "log(pT/pT_jet)"
    assert dict(zip(names, units, strict=True))["puppi_weight"] == "1"
    found = read_views(tmp_path / "a.h5")
    assert found.feature_names == names
    assert sorted(found.features.tolist()) == sorted(mine.features.tolist())
    with ViewsFile(tmp_path / "a.h5") as file:
        assert file.index.feature_names == names


def test_blocks_and_files_with_other_features_do_not_mix(views: Views, tmp_path: Path) -> None:
    nano = _with(views, FEATURE_SETS["nano"])
    with (
        pytest.raises(InvalidDataError, match="a block of views has other features than its file; got"),
        ViewsWriter.open(tmp_path / "a.h5", views.samples, views.variations) as writer,
    ):
        writer.append(nano)
    assert not (tmp_path / "a.h5").exists()
    with pytest.raises(InvalidDataError, match="views with different features do not go together"):
        concatenate_views([views, nano])


def test_views_with_some_of_their_features(views: Views) -> None:
    some = views.with_features(("tanh_dz", "charge"))
    assert some.feature_names == ("tanh_dz", "charge")
    np.testing.assert_array_equal(some.features, views.features[:, [8, 6]])
    np.testing.assert_array_equal(some.offsets, views.offsets)
    with pytest.raises(InvalidDataError, match="the views do not hold puppi_weight; got log_pt, "):
        views.with_features(("charge", "puppi_weight"))
