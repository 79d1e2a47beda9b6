"""Features by name, sets of them, and features that another package brings."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from rs3l_gnn.conventions import (
    FEATURE_NAMES,
    FEATURE_SETS,
    Candidates,
    ConfigError,
    JetAxes,
    candidate_features,
    column_names,
    columns_of,
    feature_names,
    find_feature,
    known_features,
    unit_of,
)
from rs3l_gnn.conventions.features import catalogue

PLUGIN = """
from rs3l_gnn.conventions import Feature
squared = Feature("{name}", "GeV^2", "pT^2", lambda p: p.pt ** 2)
short = Feature("short", "1", "wrong", lambda p: p.pt[:-1])
"""
Install = Callable[[str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Another package with a feature."""

    def write(name: str, point: str) -> None:
        (tmp_path / "features_plugin.py").write_text(PLUGIN.format(name=name))
        metadata = tmp_path / "features_plugin-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: features-plugin\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[rs3l_gnn.features]\nmine = features_plugin:{point}\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        importlib.invalidate_caches()
        catalogue._registry.cache_clear()

    yield write
    sys.modules.pop("features_plugin", None)
    catalogue._registry.cache_clear()


def test_sets_stand_for_their_features() -> None:
    assert FEATURE_SETS["paper"] == FEATURE_NAMES
    assert len(FEATURE_SETS["nano"]) == 13
    assert feature_names("nano") == tuple(name for name in FEATURE_NAMES if name not in ("tanh_d0", "tanh_dz"))
    assert feature_names(["nano", "puppi_weight"]) == (*feature_names("nano"), "puppi_weight")
    assert feature_names(name for name in ("charge", "deta")) == ("charge", "deta")


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        (
            ["log_pt", "speed"],
            "unknown feature 'speed'; allowed: log_pt, .*, puppi_weight, .*the set paper, the set nano",
        ),
        (["paper", "nano"], "features must be named once each.*got log_pt, .* twice"),
        (["charge", "deta", "charge"], "named once each, and at least one; got charge twice"),
        ([], "at least one; got none"),
    ],
)
def test_what_cannot_be_asked_for(chosen: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        feature_names(chosen)


def test_every_feature_is_found_by_its_name() -> None:
    known = known_features()
    assert tuple(known)[:15] == FEATURE_NAMES
    for name, feature in known.items():
        assert feature.name == name
        assert find_feature(name) is feature
        assert unit_of(name) == feature.unit
    assert unit_of("speed") is None


def test_columns_for_a_network() -> None:
    nano = FEATURE_SETS["nano"]
    more = (*FEATURE_NAMES, "puppi_weight")
    assert columns_of(nano, FEATURE_NAMES) is None  # the network picks from the paper's 15 itself
    assert columns_of(FEATURE_NAMES[::-1], FEATURE_NAMES) is None
    assert columns_of(nano, nano) is None
    assert columns_of(("puppi_weight", "charge"), more) == [15, 6]
    assert columns_of(FEATURE_NAMES[::-1], more) == list(range(15))  # 15 columns of the paper are in its order
    assert column_names(FEATURE_NAMES[::-1], 15) == column_names(nano, 15) == FEATURE_NAMES
    assert column_names(nano[::-1], 13) == nano[::-1]
    assert column_names(nano, 14) is None
    own = (*nano, "puppi_weight", "track_quality")  # 15 of its own
    assert column_names(own, 15) == own
    assert columns_of(own, (*FEATURE_NAMES, "track_quality", "puppi_weight"))[-2:] == [16, 15]  # type: ignore[index]
    with pytest.raises(ConfigError, match="the inputs lack tanh_d0, tanh_dz; got log_pt"):
        columns_of(FEATURE_NAMES, nano)


def test_another_package_adds_a_feature(install: Install) -> None:
    install("pt_squared", "squared")
    assert tuple(known_features())[-1] == "pt_squared"
    assert feature_names(["charge", "pt_squared"]) == ("charge", "pt_squared")
    assert unit_of("pt_squared") == "GeV^2"
    two, axis = np.array([2.0, 3.0]), np.array([5.0])
    p = Candidates(two, two, two, two, two, two.astype(int), two, two)
    out = candidate_features(p, JetAxes(axis, axis, axis, axis), np.array([0, 2]), ("charge", "pt_squared"))
    assert out.tolist() == [[2, 4], [3, 9]]


@pytest.mark.parametrize(
    ("name", "point", "message"),
    [
        ("charge", "squared", "the feature 'charge' comes twice; got from this package and from features-plugin 1.0"),
        ("nano", "squared", "the feature 'nano' has the name of a set of features"),
        ("mine", "Feature", "the entry point 'mine' of features-plugin 1.0 is no feature"),
        ("mine", "absent", "the feature 'mine' of features-plugin 1.0 cannot be imported"),
    ],
)
def test_a_package_that_does_not_fit(install: Install, name: str, point: str, message: str) -> None:
    install(name, point)
    with pytest.raises(ConfigError, match=message):
        known_features()


def test_a_feature_of_another_length_is_refused(install: Install) -> None:
    install("mine", "short")
    ones, axis = np.ones(3), np.array([5.0])
    p = Candidates(ones, ones, ones, ones, ones, ones.astype(int), ones, ones)
    with pytest.raises(Exception, match=r"'short' must give one value for each candidate; got \(2,\)"):
        candidate_features(p, JetAxes(axis, axis, axis, axis), np.array([0, 3]), ("short",))
