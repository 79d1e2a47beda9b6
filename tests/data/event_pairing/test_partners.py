"""Why a nominal jet has no partner, each under its first reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np

from rs3l_gnn.conventions import parse_config
from rs3l_gnn.data import PairConfig, pair, read_views

from .conftest import rows_of

_CANDIDATES = ("pt", "eta", "phi", "mass", "pdgId", "charge", "d0", "dz")


def _events(jets: list[list[tuple[float, float]]]) -> dict[str, Any]:
    """Jets as (pt, eta), all at phi 0, without candidates."""
    n = len(jets)
    columns = {
        "pt": [[pt for pt, _ in event] for event in jets],
        "eta": [[eta for _, eta in event] for event in jets],
        "phi": [[0.0 for _ in event] for event in jets],
        "mass": [[80.0 for _ in event] for event in jets],
    }
    counts = np.array([len(event) for event in jets])
    none = ak.unflatten(np.zeros(0, np.float32), np.zeros(n, np.int64))
    link = ak.unflatten(np.zeros(0, np.int32), np.zeros(n, np.int64))
    fat = {
        name: ak.unflatten(np.array([x for event in values for x in event], np.float32), counts)
        for name, values in columns.items()
    }
    whole = {"pdgId", "charge"}
    return {
        "run": np.ones(n, np.uint32),
        "luminosityBlock": np.ones(n, np.uint32),
        "event": np.arange(n, dtype=np.uint64) + np.uint64(2**33),
        "FatJet": ak.zip(fat),
        "PFCands": ak.zip({name: link if name in whole else none for name in _CANDIDATES}),
        "FatJetPFCands": ak.zip({"jetIdx": link, "pFCandsIdx": link}),
    }


def test_each_jet_without_partner_has_its_reason(two_views: Callable[..., Path], tmp_path: Path) -> None:
    nominal = _events(
        [
            [(500, 0.0), (400, 1.0), (300, 2.0)],  # found; too far; beyond max_jets
            [(500, 0.0), (400, 0.1)],  # the second is nearer to the only jet
            [(500, 0.0)],  # the other jet is too soft
            [(500, 0.0)],  # the event is not there
            [],
        ]
    )
    other = _events([[(510, 0.05), (390, 1.5), (290, 2.0)], [(500, 0.08)], [(150, 0.0)], [], [(500, 0.0)]])
    fileset = two_views([nominal], [rows_of(other, [4, 2, 1, 0])])
    events = {
        "filesets": [str(fileset)],
        "jets": {"match": "delta_r", "radius": 0.4, "max_jets": 2},
        "selection": {"pt_min": 200},
    }
    report: Any = pair(parse_config(PairConfig, {"events": events}, where="test"), tmp_path / "v.h5").samples["tt"]
    assert report.without_partner == {
        "herwig": {
            "beyond max_jets": 1,
            "the event is not there": 1,
            "no jet of the event passes": 1,
            "no jet within the radius": 1,
            "its nearest jet belongs to another one": 1,
        }
    }
    assert (report.jets, report.pairs, report.found["herwig"]) == (7, 2, 4)
    assert report.partons["herwig"] == {"agree": 0, "disagree": 0, "not compared": 4}
    views = read_views(tmp_path / "v.h5")
    assert views.event.tolist() == [2**33, 2**33, 2**33 + 1, 2**33 + 1]
    np.testing.assert_allclose(views.eta, [0.0, 0.05, 0.1, 0.08], rtol=1e-6)
    assert len(views.features) == 0


def test_files_without_events_are_passed_over(two_views: Callable[..., Path], tmp_path: Path) -> None:
    events = _events([[(500, 0.0)], [(400, 0.3)]])
    fileset = two_views(
        [rows_of(events, []), events], [rows_of(events, [1]), rows_of(events, []), rows_of(events, [0])]
    )
    document = {"events": {"filesets": [str(fileset)], "jets": {"match": "leading"}}}
    pair(parse_config(PairConfig, document, where="test"), tmp_path / "v.h5")
    assert read_views(tmp_path / "v.h5").event[::2].tolist() == [2**33, 2**33 + 1]
