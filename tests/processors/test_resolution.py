"""The hybrid method, against a loop over jets of a CMS file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
from coffea.nanoevents import NanoEventsFactory

from rs3l_gnn.processors import JetSchema
from rs3l_gnn.processors.resolution import generated_pt, smearing
from rs3l_gnn.processors.selection import nominal_view


def _events(path: Path) -> Any:
    return NanoEventsFactory.from_root({str(path): "Events"}, schemaclass=JetSchema, mode="virtual").events()


def test_matched_jets_are_stretched_and_others_drawn() -> None:
    pt, resolution, factor = np.full(4, 500.0), np.full(4, 0.1), np.array([1.2, 1.2, 1.2, 0.9])
    generated = np.array([450.0, np.nan, 200.0, np.nan])  # matched, none, too far in pT, none
    out = smearing(pt, resolution, factor, generated=generated, normal=np.array([2.0, 2.0, -1.0, 2.0]))
    width = 0.1 * np.sqrt(1.2**2 - 1)
    assert out == pytest.approx([1 + 0.2 * 0.1, 1 + 2 * width, 1 - width, 1.0])
    assert smearing(pt[:1], resolution[:1], factor[:1], generated=generated[1:2], normal=np.array([-99.0])) == 0.01


@pytest.mark.parametrize("name", ["nano_tt_v15", "pfnano"])
def test_generated_jets_against_a_loop(name: str, slim_data: Path) -> None:
    events = _events(slim_data / "cms" / f"{name}.root")
    found = generated_pt(events, nominal_view(events.FatJet), "GenJetAK8")
    place = matched = 0
    for event in events[["FatJet", "GenJetAK8"]].to_list()[:100]:
        for jet in event["FatJet"]:
            best, expected = 0.4, np.nan
            for gen in event["GenJetAK8"]:
                dphi = (jet["phi"] - gen["phi"] + np.pi) % (2 * np.pi) - np.pi
                distance = np.hypot(jet["eta"] - gen["eta"], dphi)
                if distance < best:
                    best, expected = distance, gen["pt"]
            assert found[place] == pytest.approx(expected, nan_ok=True)
            matched += np.isfinite(expected)
            place += 1
    assert matched > 10
    assert np.isfinite(found).mean() > 0.5


def test_without_generated_jets_none_is_matched(slim_data: Path) -> None:
    events = _events(slim_data / "cms" / "pfnano.root")
    view = nominal_view(events.FatJet)
    for collection in (None, "GenJetAK15"):
        assert np.isnan(generated_pt(events, view, collection)).all()
    none = events[:0]
    assert generated_pt(none, nominal_view(none.FatJet), "GenJetAK8").shape == (0,)
    assert ak.sum(ak.num(events.FatJet.pt)) == len(view.pt)
