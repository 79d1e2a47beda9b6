from __future__ import annotations

import json

import numpy as np
import pytest
import uproot

from rs3l_gnn.conventions import InputFileError
from rs3l_gnn.simulation import SimulationSummary
from rs3l_gnn.simulation.validation import VARIABLES, read_anchor_jets


@pytest.mark.parametrize("variation", ["nominal", "fsrDefDown"])
def test_jets_are_those_of_a_loop_over_the_files(small: SimulationSummary, variation: str) -> None:
    jets = read_anchor_jets(small.output / "hbb", variation)
    assert len(jets.pt) == small.samples["hbb"].matched[variation]
    row = 0
    for path in sorted((small.output / "hbb").glob(f"{variation}_*.root")):
        for event in uproot.open(path)["Events"].arrays().tolist():
            for k, anchor in enumerate(event["FatJet_anchor"]):
                if not anchor:
                    continue
                links = zip(event["FatJetPFCands_jetIdx"], event["FatJetPFCands_pFCandsIdx"], strict=True)
                inside = [one for jet, one in links if jet == k]
                pt = sum(event["PFCands_pt"][i] for i in inside)
                charged = [i for i in inside if event["PFCands_charge"][i]]
                assert jets.event[row] == event["event"]
                assert jets.weight[row] == event["genWeight"]
                assert jets.pt[row] == event["FatJet_pt"][k]
                assert jets.msoftdrop[row] == event["FatJet_msoftdrop"][k]
                assert jets.n2b1[row] == event["FatJet_n2b1"][k]
                assert jets.multiplicity[row] == len(inside)
                assert jets.charged[row] == pytest.approx(sum(event["PFCands_pt"][i] for i in charged) / pt, rel=1e-5)
                farthest = max((abs(event["PFCands_d0"][i]) for i in charged), default=0.0)
                assert jets.max_d0[row] == pytest.approx(10 * farthest)
                row += 1
    assert row == len(jets.event)
    assert (np.diff(jets.event) > 0).all()


def test_shower_weights_have_the_names_of_the_file(small: SimulationSummary) -> None:
    jets = read_anchor_jets(small.output / "hbb", "nominal")
    with uproot.open(next((small.output / "hbb").glob("nominal_*.root"))) as file:
        names = json.loads(str(file["rs3l_metadata"]))["psweight_names"]
        first = file["Events/PSWeight"].array()[file["Events/event"].array() == jets.event[0]][0]
    assert list(jets.shower_weights) == names
    assert [jets.shower_weights[name][0] for name in names] == first.to_list()
    assert read_anchor_jets(small.output / "hbb", "seed").shower_weights == {}


def test_variables_are_columns_with_units(small: SimulationSummary) -> None:
    jets = read_anchor_jets(small.output / "qcd", "nominal")
    for variable in VARIABLES:
        assert len(getattr(jets, variable.name)) == len(jets.event)
        assert (np.diff(variable.edges) > 0).all()
        assert variable.axis_label.endswith(f"[{variable.unit}]" if variable.unit else variable.label)


def test_a_variation_without_files_is_refused(small: SimulationSummary) -> None:
    with pytest.raises(InputFileError, match="holds no files of the variation 'herwig'"):
        read_anchor_jets(small.output / "hbb", "herwig")
