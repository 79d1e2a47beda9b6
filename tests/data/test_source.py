"""Several files as one source."""

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rs3l_gnn.conventions import (
    FEATURE_NAMES,
    IMPACT_FEATURES,
    KINEMATIC_FEATURES,
    InputFileError,
    InvalidDataError,
    JetDomain,
)
from rs3l_gnn.data import EventBatches, ViewDraw, Views, ViewsSource, write_views


@pytest.fixture
def source(views: Views, tmp_path: Path) -> ViewsSource:
    """The same views, cut into two files."""
    events = np.arange(views.n_events)
    for name, keep in (("a", events < 40), ("b", events >= 40)):
        write_views(tmp_path / f"{name}.h5", views.select_events(keep))
    return ViewsSource([tmp_path / "a.h5", tmp_path / "b.h5"])


def test_ranges_cross_the_border_of_files(source: ViewsSource, views: Views) -> None:
    assert source.index.n_jets == views.n_jets
    got = source.read(35, 45)
    events = np.arange(views.n_events)
    expected = views.select_events((events >= 35) & (events < 45))
    np.testing.assert_array_equal(got.features, expected.features)
    np.testing.assert_array_equal(got.event, expected.event)


@pytest.mark.parametrize("block", [1, 7, 1000])
def test_chosen_events_do_not_depend_on_the_block(source: ViewsSource, views: Views, block: int) -> None:
    chosen = np.array([0, 3, 4, 38, 41, 80, views.n_events - 1])
    got = source.read_events(chosen, block=block)
    expected = views.select_events(np.isin(np.arange(views.n_events), chosen))
    np.testing.assert_array_equal(got.features, expected.features)
    np.testing.assert_array_equal(got.first, expected.first)


@pytest.mark.parametrize("block", [1, 7, 1000])
def test_chosen_jets_do_not_depend_on_the_block(source: ViewsSource, views: Views, block: int) -> None:
    jets = np.flatnonzero(np.random.default_rng(1).random(views.n_jets) < 0.3)
    jets = jets[(jets < 60) | (jets > 120)]  # with a hole
    for chosen in (jets, np.arange(views.n_jets), jets[-1:]):
        features, offsets = source.read_jets(chosen, block=block)
        expected, cuts = views.take(chosen)
        np.testing.assert_array_equal(features, expected)
        np.testing.assert_array_equal(offsets, cuts)


def test_blocks_without_a_chosen_jet_are_not_read(source: ViewsSource, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    honest = source.read

    def noting(start: int, stop: int) -> Views:
        read.append((start, stop))
        return honest(start, stop)

    monkeypatch.setattr(source, "read", noting)
    first = source.index.first
    source.read_jets(np.array([first[3], first[5], first[90], first[90] + 1]), block=10)
    assert read == [(3, 6), (90, 91)]


def test_nothing_chosen(source: ViewsSource) -> None:
    assert source.read_events(np.zeros(0, np.int64)).n_jets == 0
    features, offsets = source.read_jets(np.zeros(0, np.int64))
    assert features.shape == (0, 15)
    assert offsets.tolist() == [0]
    assert source.read(5, 5).n_jets == 0


def test_it_travels_to_another_process_and_opens_again(source: ViewsSource, views: Views) -> None:
    copy = pickle.loads(pickle.dumps(source))  # noqa: S301 - made one line above
    source.close()
    for one in (copy, source):
        np.testing.assert_array_equal(one.read(0, views.n_events).features, views.features)


def test_no_file_is_refused() -> None:
    with pytest.raises(InputFileError, match="no file of views"):
        ViewsSource([])


def test_the_kind_of_jets_is_that_of_all_files(views: Views, tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.h5" for name in "abc"]
    wide = JetDomain(radius=0.8, pt_min=10.0, formats=("pfnano",), missing_features=())
    untracked = JetDomain(radius=0.8, pt_min=20.0, formats=("nanoaod15",), missing_features=IMPACT_FEATURES)
    for path, domain in zip(paths, (wide, untracked, JetDomain(radius=1.0)), strict=True):
        write_views(path, views, domain=domain)
    with ViewsSource(paths[:2]) as source:
        hardest = float(views.pt.max())
        assert source.domain == JetDomain(0.8, 10.0, hardest, ("pfnano", "nanoaod15"), IMPACT_FEATURES)
        source.require_features(KINEMATIC_FEATURES, what="the encoder")
        with pytest.raises(InvalidDataError, match=r"takes tanh_dz, which the views do not have.*features: \[log_pt\]"):
            source.require_features(("log_pt", "tanh_dz"), what="the encoder")
    with pytest.raises(InvalidDataError, match=r"different radii do not go together; got 0.8, 1"):
        ViewsSource(paths)


def test_particles_as_a_network_takes_them(views: Views, tmp_path: Path) -> None:
    names = ("charge", "puppi_weight", *(name for name in FEATURE_NAMES if name != "charge"))
    place = [6, 0, *(i for i in range(15) if i != 6)]  # weights as log pT, to see where they go
    write_views(tmp_path / "a.h5", replace(views, features=views.features[:, place], feature_names=names))
    jets = np.array([0, 3, 8])
    kept, offsets = views.take(jets)
    with ViewsSource([tmp_path / "a.h5"]) as source:
        assert source.index.feature_names == names
        whole, cuts = source.read_jets(jets)
        np.testing.assert_array_equal(cuts, offsets)
        np.testing.assert_array_equal(whole, kept[:, place])
        for wanted, columns in (
            (("deta", "puppi_weight"), [2, 0]),
            (FEATURE_NAMES[::-1], list(range(15))),  # a network of the paper's 15 is given them in their order
        ):
            some, cuts = source.read_jets(jets, features=wanted)
            np.testing.assert_array_equal(cuts, offsets)
            np.testing.assert_array_equal(some, kept[:, columns])
        draw = ViewDraw(1, anchored=True)
        batches = EventBatches(
            source, np.arange(9), draw, batch_events=3, seed=1, shuffle=False, features=("puppi_weight", "charge")
        )
        batch = batches.batch(0, 1)
        np.testing.assert_array_equal(batch.features, views.take(batch.jets)[0][:, [0, 6]])
        source.require_features(names, what="the encoder")
        with pytest.raises(InvalidDataError, match="takes from_pv, which the views do not hold; got .*pair again"):
            source.require_features(("from_pv",), what="the encoder")
    write_views(tmp_path / "b.h5", views)
    with pytest.raises(InvalidDataError, match="views with different features do not go together"):
        ViewsSource([tmp_path / "a.h5", tmp_path / "b.h5"])
