"""Files of views: what is written is read, and what is damaged is named."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from rs3l_gnn.conventions import (
    FEATURE_NAMES,
    IMPACT_FEATURES,
    InputFileError,
    InvalidDataError,
    JetDomain,
    MissingBranchError,
    OutputError,
    Rs3lError,
    unit_of,
)
from rs3l_gnn.conventions.features import FEATURES
from rs3l_gnn.data import Views, ViewsFile, ViewsWriter, concatenate_views, read_views, write_views


def assert_same(left: Views, right: Views) -> None:
    for field in dataclasses.fields(Views):
        a, b = getattr(left, field.name), getattr(right, field.name)
        if isinstance(a, np.ndarray):
            assert a.dtype == b.dtype, field.name
            np.testing.assert_array_equal(a, b, err_msg=field.name)
        else:
            assert a == b


def test_round_trip(views: Views, tmp_path: Path) -> None:
    write_views(tmp_path / "a.h5", views)
    assert_same(read_views(tmp_path / "a.h5"), views)


def test_events_in_their_order_unpack_every_chunk_once(views: Views, tmp_path: Path) -> None:
    write_views(tmp_path / "a.h5", views)
    file = ViewsFile(tmp_path / "a.h5")
    kept = file._file.id.get_access_plist().get_cache()[2]
    rows, columns = file._file["features"].chunks
    assert kept >= rows * columns * 4 * len(FEATURES)  # a chunk of every column that there is


def test_the_kind_of_jets_is_part_of_the_file(views: Views, tmp_path: Path) -> None:
    known = JetDomain(radius=0.8, pt_min=10.0, formats=("nanoaod15",), missing_features=IMPACT_FEATURES)
    write_views(tmp_path / "a.h5", views, domain=known)
    pt = (float(views.pt.min()), float(views.pt.max()))
    assert pt[0] > 10
    with ViewsFile(tmp_path / "a.h5") as file:
        assert file.domain == dataclasses.replace(known, pt_max=pt[1])
    with h5py.File(tmp_path / "a.h5", "r+") as raw:
        del raw.attrs["domain"]  # as files of earlier versions are
    with ViewsFile(tmp_path / "a.h5") as file:
        assert file.domain == JetDomain(pt_min=pt[0], pt_max=pt[1])


def test_blocks_make_the_same_file_as_one_write(views: Views, tmp_path: Path) -> None:
    names = views.shower_weight_names
    with ViewsWriter.open(tmp_path / "a.h5", views.samples, views.variations, shower_weight_names=names) as writer:
        for part in np.array_split(np.arange(views.n_events), 4):
            writer.append(views.select_events(np.isin(np.arange(views.n_events), part)))
    assert_same(read_views(tmp_path / "a.h5"), views)


def test_a_range_of_events_is_that_part_of_the_file(views: Views, tmp_path: Path) -> None:
    write_views(tmp_path / "a.h5", views)
    with ViewsFile(tmp_path / "a.h5", shower_weights=True) as file:
        assert file.index.n_jets == views.n_jets
        part = file.read(10, 25)
        nothing = file.read(7, 7)
    events = np.arange(views.n_events)
    assert_same(part, views.select_events((events >= 10) & (events < 25)))
    assert nothing.n_jets == 0
    assert nothing.features.shape == (0, 15)


def test_the_stored_variations_say_their_settings(views: Views, tmp_path: Path) -> None:
    write_views(tmp_path / "a.h5", views)
    with h5py.File(tmp_path / "a.h5") as file:
        records = json.loads(file.attrs["variations"])
    assert [record["name"] for record in records] == ["nominal", "seed", "fsrRenHi", "fsrRenLo"]
    assert records[2]["settings"] == ["TimeShower:renormMultFac=0.707"]


def test_nothing_is_left_when_writing_fails(views: Views, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="on purpose"), ViewsWriter.open(tmp_path / "a.h5", (), ()):
        raise ValueError("on purpose")
    assert list(tmp_path.iterdir()) == []
    write_views(tmp_path / "a.h5", views)
    with pytest.raises(OutputError, match="exists already"):
        write_views(tmp_path / "a.h5", views)


def test_a_block_that_does_not_fit_is_refused(views: Views, tmp_path: Path) -> None:
    with (
        pytest.raises(InvalidDataError, match="does not fit"),
        ViewsWriter.open(tmp_path / "a.h5", ("another",), views.variations) as writer,
    ):
        writer.append(views)


@pytest.fixture
def written(views: Views, tmp_path: Path) -> Path:
    write_views(tmp_path / "a.h5", views)
    return tmp_path / "a.h5"


def test_a_missing_file() -> None:
    with pytest.raises(InputFileError, match=r"nowhere\.h5 does not exist"):
        read_views("nowhere.h5")


def test_a_truncated_file(written: Path) -> None:
    content = written.read_bytes()
    written.write_bytes(content[: len(content) // 2])
    with pytest.raises(InputFileError, match="not a complete HDF5 file"):
        read_views(written)


def test_a_damaged_file_is_refused_or_read_as_it_was(written: Path, views: Views) -> None:
    """Wrong bytes at any place: never other numbers, never an error without a name."""
    whole = written.read_bytes()
    rng = np.random.default_rng(3)
    places = [*range(0, 12_000, 200), *rng.integers(len(whole), size=20)]
    refused = 0
    for number, place in enumerate(places):
        content = bytearray(whole)
        width = 200 if number % 2 else 1
        content[place : place + width] = bytes(byte ^ 0xA5 for byte in content[place : place + width])
        written.write_bytes(content)
        try:
            found = read_views(written)
        except Rs3lError:
            refused += 1
            continue
        np.testing.assert_array_equal(found.features, views.features)
        np.testing.assert_array_equal(found.event, views.event)
    assert refused > len(places) // 2


def test_texts_of_free_length_are_read_too(written: Path, views: Views) -> None:
    """As earlier versions wrote them."""
    with h5py.File(written, "a") as file:
        for name in ("format", "features", "samples", "variations"):
            file.attrs[name] = file.attrs[name].decode()
    np.testing.assert_array_equal(read_views(written).features, views.features)


def test_texts_may_be_longer_than_a_header(views: Views, tmp_path: Path) -> None:
    named = tuple(f"sample-{number}-{'x' * 40}" for number in range(3000))
    write_views(tmp_path / "a.h5", dataclasses.replace(views, samples=(*views.samples, *named)))
    assert read_views(tmp_path / "a.h5").samples[-3000:] == named


def test_a_file_of_another_kind(written: Path) -> None:
    with h5py.File(written, "a") as file:
        file.attrs["format"] = "pictures"
    with pytest.raises(InputFileError, match="got format 'pictures'"):
        read_views(written)


def test_a_missing_data_set(written: Path) -> None:
    with h5py.File(written, "a") as file:
        del file["jets/n2b1"]
    with pytest.raises(MissingBranchError, match=r"lacks jets/n2b1; got events, features, jets, offsets"):
        read_views(written)


@pytest.mark.parametrize(
    ("names", "units", "message"),
    [
        (["colour"], None, "does not say the units of its features; got colour"),
        (["colour"], ["1"], r"'features' must have 1 columns; got \(\d+, 15\)"),
        ([*FEATURE_NAMES[:-1], "puppi_weight"], [*["1"] * 15], "'log_pt' in another unit; got 1; allowed: log"),
        ([*FEATURE_NAMES[:-1], "puppi_weight"], ["log(pT/GeV)"], "damaged"),
    ],
)
def test_columns_that_nobody_can_use(written: Path, names: list[str], units: list[str] | None, message: str) -> None:
    with h5py.File(written, "a") as file:
        file.attrs["features"] = json.dumps(names)
        if units is not None:
            file.attrs["units"] = json.dumps(units)
    with pytest.raises(InputFileError, match=message):
        read_views(written)


def test_a_feature_of_a_package_that_is_not_here_can_be_read(written: Path, views: Views) -> None:
    names = (*FEATURE_NAMES[:-1], "colour")
    with h5py.File(written, "a") as file:
        file.attrs["features"] = json.dumps(names)
        file.attrs["units"] = json.dumps([*(unit_of(name) for name in FEATURE_NAMES[:-1]), "hue"])
    found = read_views(written)
    assert found.feature_names == names
    np.testing.assert_array_equal(found.features, views.features)


def test_values_that_are_not_finite_are_located(written: Path) -> None:
    with h5py.File(written, "a") as file:
        file["features"][123, 4] = np.nan
    with pytest.raises(InvalidDataError, match=r"a\.h5: 'log_e' in row 123 of 'features' is not finite"):
        read_views(written)


def test_shower_weights_are_read_where_they_are_and_asked_for(views: Views, tmp_path: Path) -> None:
    write_views(tmp_path / "new.h5", views)
    older = dataclasses.replace(views, shower_weights=None, shower_weight_names=())
    write_views(tmp_path / "older.h5", older)
    with h5py.File(tmp_path / "older.h5") as file:
        assert "shower_weights" not in file
    assert_same(read_views(tmp_path / "older.h5"), older)
    with ViewsFile(tmp_path / "new.h5") as file:  # a training has no use for them
        assert file.index.shower_weights is None
        assert file.index.shower_weight_names == ()
    joined = concatenate_views([read_views(tmp_path / "older.h5"), read_views(tmp_path / "new.h5")])
    assert joined.shower_weight_names == ("isrUp", "isrDown")
    assert joined.shower_weights is not None
    assert np.isnan(joined.shower_weights[: views.n_jets]).all()
    np.testing.assert_array_equal(joined.shower_weights[views.n_jets :], views.shower_weights)


def test_a_block_of_other_shower_weights_is_refused(views: Views, tmp_path: Path) -> None:
    with (
        pytest.raises(InvalidDataError, match=r"other shower weights.*isrUp.*allowed: a, b"),
        ViewsWriter.open(tmp_path / "a.h5", views.samples, views.variations, shower_weight_names=("a", "b")) as writer,
    ):
        writer.append(views)


@pytest.mark.parametrize("compression", ["gzip", "lzf", "none"])
def test_compression_changes_no_array(views: Views, tmp_path: Path, compression: Any) -> None:
    with ViewsWriter.open(tmp_path / "v.h5", views.samples, views.variations, compression=compression) as writer:
        writer.append(dataclasses.replace(views, shower_weights=None, shower_weight_names=()))
    with h5py.File(tmp_path / "v.h5") as file:
        assert file["features"].compression == (None if compression == "none" else compression)
        np.testing.assert_array_equal(file["features"][:], views.features)
        np.testing.assert_array_equal(file["jets/event"][:], views.event)


@pytest.mark.parametrize("name", ["offsets", "jets/pt", "features"])
def test_a_small_file_of_large_columns_is_refused(written: Path, name: str) -> None:
    with h5py.File(written, "r+") as file:
        file[name].resize(10**9, axis=0)
        if name == "features":
            offsets = file["offsets"][:]
            offsets[-1] = 10**9
            file["offsets"][:] = offsets
    with pytest.raises(InputFileError, match=r"would take \d+ MB of memory; got a file of"):
        read_views(written)
