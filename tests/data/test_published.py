"""The published layouts, written here from toy views and read back."""

from pathlib import Path
from typing import Any

import awkward as ak
import h5py
import numpy as np
import pytest
import uproot

from rs3l_gnn.conventions import InputFileError, InvalidDataError, MissingBranchError
from rs3l_gnn.data import Views, ViewsSource, convert_published, read_views, write_views


@pytest.fixture
def pairs(views: Views) -> Views:
    """Nominal and one variation of each event."""
    return views.select_jets(np.isin(views.vartype, [-1, 1]))


def write_hdf5(path: Path, views: Views, *, swapped: bool = False) -> None:
    order = np.arange(views.n_jets).reshape(-1, 2)[:, ::-1].ravel() if swapped else np.arange(views.n_jets)
    padded = np.zeros((views.n_jets, 100, 15), np.float32)
    for row, jet in enumerate(order):
        mine = views.features[views.offsets[jet] : views.offsets[jet + 1]]
        padded[row, : len(mine)] = mine
    energy = np.hypot(views.pt * np.cosh(views.eta), views.mass)
    jets = np.stack([views.pt, views.eta, views.phi, energy, views.msoftdrop, views.n2b1], axis=1)
    with h5py.File(path, "w") as file:
        file["features"], file["jet_features"] = padded, jets[order]
        file["jettype"], file["vartype"] = views.jettype[order], views.vartype[order]


@pytest.mark.parametrize("swapped", [False, True])
def test_hdf5_pairs(pairs: Views, tmp_path: Path, swapped: bool) -> None:
    write_hdf5(tmp_path / "a.h5", pairs, swapped=swapped)
    assert convert_published([tmp_path / "a.h5"], tmp_path / "views.h5") == pairs.n_jets
    got = read_views(tmp_path / "views.h5")
    for name in ("features", "offsets", "first", "vartype", "jettype", "pt", "msoftdrop", "n2b1"):
        np.testing.assert_array_equal(getattr(got, name), getattr(pairs, name), err_msg=name)
    np.testing.assert_allclose(got.mass, pairs.mass, atol=0.2)  # from E^2 - p^2 in single precision
    assert got.event.tolist() == np.repeat(np.arange(pairs.n_events), 2).tolist()


def test_events_are_numbered_through_several_files(pairs: Views, tmp_path: Path) -> None:
    write_hdf5(tmp_path / "a.h5", pairs)
    convert_published([tmp_path / "a.h5"] * 2, tmp_path / "views.h5", sample="twice")
    got = read_views(tmp_path / "views.h5")
    assert got.samples == ("twice",)
    assert len(np.unique(got.event)) == 2 * pairs.n_events


def write_root(path: Path, views: Views, **changes: Any) -> None:
    def ragged(column: int) -> ak.Array:
        return ak.unflatten(views.features[:, column], np.diff(views.offsets))

    names = ("pt", "relpt", "eta", "phi", "e", "rele", "charge", "d0", "dz", "dr")
    tree = {f"pfcand_{name}": ragged(column) for column, name in enumerate(names)}
    ids = np.select([views.features[:, 10 + i] == 1 for i in range(5)], [22, -13, 11, 211, 0])
    tree["pfcand_pdgid"] = ak.unflatten(ids.astype(np.int32), np.diff(views.offsets))
    energy = np.hypot(views.pt * np.cosh(views.eta), views.mass)
    columns = (views.pt, views.eta, views.phi, energy, views.msoftdrop, views.n2b1)
    tree |= {f"jet_{name}": v for name, v in zip(("pt", "eta", "phi", "e", "msd", "n2"), columns, strict=True)}
    tree |= {"jettype": views.jettype.astype(np.int32), "vartype": views.vartype.astype(np.int32), **changes}
    with uproot.recreate(path) as file:
        types = {name: v.dtype if isinstance(v, np.ndarray) else ak.type(v).content for name, v in tree.items()}
        file.mktree("events", types)
        file["events"].extend(tree)


def test_root_jets_stand_alone(pairs: Views, tmp_path: Path) -> None:
    write_root(tmp_path / "a.root", pairs)
    convert_published([tmp_path / "a.root"], tmp_path / "views.h5")
    got = read_views(tmp_path / "views.h5")
    np.testing.assert_array_equal(got.features, pairs.features)
    assert got.n_events == got.n_jets == pairs.n_jets


@pytest.mark.parametrize("kind", ["h5", "root"])
def test_any_range_is_read_in_place(pairs: Views, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"some_jets.{kind}"
    (write_hdf5 if kind == "h5" else write_root)(path, pairs)
    per_event = 2 if kind == "h5" else 1
    source = ViewsSource([path])
    assert source.index.n_events == pairs.n_jets // per_event
    assert source.index.samples == ("some_jets",)
    assert [variation.name for variation in source.index.variations] == ["nominal", "fsrRenHi"]
    np.testing.assert_array_equal(source.index.jettype, pairs.jettype)
    got = source.read(7, 12)
    jets = np.arange(7 * per_event, 12 * per_event)
    features, offsets = pairs.take(jets)
    np.testing.assert_array_equal(got.features, features)
    np.testing.assert_array_equal(got.offsets, offsets)
    np.testing.assert_array_equal(got.event, 7 + np.arange(len(jets)) // per_event)
    features, _ = source.read_jets(np.array([2, 9, 30]))
    np.testing.assert_array_equal(features, pairs.take(np.array([2, 9, 30]))[0])
    source.close()


def test_pairs_of_both_kinds_of_files_mix(pairs: Views, tmp_path: Path) -> None:
    write_hdf5(tmp_path / "public.h5", pairs)
    write_views(tmp_path / "own.h5", pairs)
    with ViewsSource([tmp_path / "public.h5", tmp_path / "own.h5"]) as source:
        assert source.index.samples == ("public", *pairs.samples)
        assert source.index.n_jets == 2 * pairs.n_jets
        features, _ = source.read_jets(np.array([3, pairs.n_jets + 3]))
        half = len(features) // 2
        np.testing.assert_array_equal(features[:half], features[half:])


def test_wrong_files_are_named(pairs: Views, tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match=r"gone\.h5 does not exist"):
        convert_published([tmp_path / "gone.h5"], tmp_path / "views.h5")
    write_hdf5(tmp_path / "a.h5", pairs)
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file["vartype"][3] = 99
    with pytest.raises(InputFileError, match=r"unknown values of vartype; got \[99\]"):
        convert_published([tmp_path / "a.h5"], tmp_path / "views.h5")
    write_hdf5(tmp_path / "b.h5", pairs)
    with h5py.File(tmp_path / "b.h5", "a") as file:
        file["features"][7, 0, 3] = np.inf
    with pytest.raises(InvalidDataError, match=r"b\.h5: 'dphi' in row 7 is not finite"):
        convert_published([tmp_path / "b.h5"], tmp_path / "views.h5")
    with h5py.File(tmp_path / "c.h5", "w") as file:
        file["features"] = np.zeros((2, 100, 15))
    with pytest.raises(MissingBranchError, match="lacks jet_features, jettype, vartype; got features"):
        convert_published([tmp_path / "c.h5"], tmp_path / "views.h5")
    (tmp_path / "d.root").write_bytes(b"nothing")
    with pytest.raises(InputFileError, match=r"d\.root cannot be read"):
        convert_published([tmp_path / "d.root"], tmp_path / "views.h5")
    assert not (tmp_path / "views.h5").exists()


def test_a_small_file_of_a_large_array_is_refused(pairs: Views, tmp_path: Path) -> None:
    """HDF5 gives zeros where a file holds nothing: a few kilobytes can stand for any number of them."""
    for name, shape in (("jet_features", (2 * 10**9, 6)), ("features", (2, 10**8, 15))):
        write_hdf5(tmp_path / "a.h5", pairs.select_events(np.arange(pairs.n_events) < 1))
        with h5py.File(tmp_path / "a.h5", "r+") as file:
            del file[name]
            file.create_dataset(name, shape, np.float32, chunks=True)
        with pytest.raises(InputFileError, match=r"would take \d+ MB of memory; got a file of"):
            convert_published([tmp_path / "a.h5"], tmp_path / "views.h5")
    assert not (tmp_path / "views.h5").exists()
