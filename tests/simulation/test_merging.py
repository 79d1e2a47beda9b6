from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from rs3l_gnn.conventions import ConfigError, InputFileError, get_variation
from rs3l_gnn.simulation import HardEvents, SampleConfig, read_lhe
from rs3l_gnn.simulation.merging import MergingPlan, plan_merging
from rs3l_gnn.simulation.merging_config import MergingConfig
from rs3l_gnn.simulation.settings import COMMON, CP5
from rs3l_gnn.simulation.shower import Shower

MakeEvents = Callable[..., HardEvents]

CARD = "<MGRunCard>\n  {line}\n</MGRunCard>"
NLO_CARD = "<MGRunCard>\n  PYTHIA8 = parton_shower\n {number} = ickkw ! 0 no merging, 3 FxFx merging\n</MGRunCard>"

PROCESS = (
    "<MG5ProcCard>\ngenerate p p > e+ ve @0\nadd process p p > e+ ve j @1\nadd process p p > e+ ve j j\n</MG5ProcCard>"
)


def plan(hard: HardEvents, document: object = None, *variations: str) -> MergingPlan:
    config = None if document is None else MergingConfig.model_validate(document)
    chosen = tuple(get_variation(name) for name in ("nominal", *variations))
    return plan_merging(hard, config, chosen, where="a.lhe (samples.a)")


def test_plain_events_need_nothing(z_plus_jets: MakeEvents) -> None:
    assert plan(z_plus_jets(1, 1)) == MergingPlan("none", "none", ())


@pytest.mark.parametrize(
    ("header", "what", "hint"),
    [
        (CARD.format(line="1 = ickkw"), "need MLM merging", "set 'merging: mlm'"),
        (CARD.format(line="20 = ktdurham"), "need CKKW-L merging", "set 'merging: ckkwl'"),
        (NLO_CARD.format(number=3), "need FxFx merging", "takes the multiplicity of each event from its tag"),
        (NLO_CARD.format(number=4), "need UNLOPS merging", "event would not share its hard partons"),
        ("<SHRunCard>\n- 93 93 -> 23 93{2}:\n    CKKW: 20\n</SHRunCard>", "Sherpa's own merging", "not possible here"),
    ],
)
def test_merged_events_are_refused_with_the_reason(z_plus_jets: MakeEvents, header: str, what: str, hint: str) -> None:
    hard = z_plus_jets(1, 1, header=header)
    with pytest.raises(InputFileError, match=what) as caught:
        plan(hard)
    assert hint in str(caught.value)
    assert "count twice" in str(caught.value)
    assert plan(hard, "none").scheme == "none"


def test_several_multiplicities_are_refused(z_plus_jets: MakeEvents) -> None:
    hard = z_plus_jets(0, 1, 2)
    with pytest.raises(InputFileError, match="hard events with 0, 1, 2 light partons"):
        plan(hard)
    assert plan(hard, "none").settings == ()


def test_mlm_takes_its_numbers_from_the_run_card(z_plus_jets: MakeEvents) -> None:
    card = CARD.format(line="1 = ickkw\n 10 = xqcut\n 4 = maxjetflavor\n 1.5 = alpsfact\n 5.0 = etaj")
    hard = z_plus_jets(0, 1, header=PROCESS + card)
    by_header = dict(setting.split("=", 1) for setting in plan(hard, "mlm").settings)
    assert by_header["JetMatching:qCut"] == by_header["JetMatching:eTjetMin"] == "10.0"
    assert by_header["JetMatching:nQmatch"] == "4"
    assert by_header["JetMatching:clFact"] == "1.5"
    assert by_header["JetMatching:etaJetMax"] == "5"
    assert by_header["JetMatching:nJetMax"] == "2"  # the process lines, not the events at hand
    chosen = plan(hard, {"scheme": "mlm", "scale": 15, "jets": 3, "flavours": 5}).settings
    assert {"JetMatching:qCut=15.0", "JetMatching:nJetMax=3", "JetMatching:nQmatch=5"} <= set(chosen)
    with pytest.raises(ConfigError, match=r"below the cut.*got 8 GeV; allowed: >= xqcut = 10 GeV"):
        plan(hard, {"scheme": "mlm", "scale": 8})
    with pytest.raises(ConfigError, match=r"smaller than in the events; got 0"):
        plan(hard, {"scheme": "mlm", "jets": 0})
    with pytest.raises(ConfigError, match=r"does not say the largest jet multiplicity.*merging\.jets"):
        plan(replace(hard, header=card), "mlm")
    with pytest.raises(ConfigError, match="'merging: ckkwl' does not fit the file"):
        plan(hard, "ckkwl")


def test_ckkwl_takes_its_numbers_from_the_header(z_plus_jets: MakeEvents) -> None:
    card = CARD.format(line="30.0 = ktdurham\n 0.4 = dparameter\n 4 = maxjetflavor")
    hard = z_plus_jets(0, 1, header=PROCESS + card)
    found = dict(setting.split("=", 1) for setting in plan(hard, "ckkwl").settings)
    assert found["Merging:doKTMerging"] == "on"
    assert found["Merging:TMS"] == "30.0"
    assert found["Merging:Process"] == "pp>e+ve"
    assert found["Merging:nJetMax"] == "2"
    assert found["Merging:Dparameter"] == "0.4"
    assert found["Merging:nQuarksMerge"] == "4"
    lund = replace(hard, header=PROCESS + CARD.format(line="12 = ptlund"))
    assert {"Merging:doPTLundMerging=on", "Merging:TMS=12.0"} <= set(plan(lund, "ckkwl").settings)
    labels = replace(hard, header=card + PROCESS.replace("e+ ve", "l+ vl"))
    with pytest.raises(ConfigError, match=r"does not say the core process.*merging\.process"):
        plan(labels, "ckkwl")


def test_mcatnlo_settings_are_set(shared_data: Path) -> None:
    hard = read_lhe(shared_data / "lhe" / "pylhe-testfile-madgraph-2.0.0-wbj.lhe")
    found = plan(hard)
    assert (found.scheme, found.found) == ("none", "MC@NLO for PYTHIA8 (run card: parton_shower = PYTHIA8)")
    pythia = Shower(hard.beams, (*COMMON, *CP5, *found.settings)).pythia
    # Pythia's manual, "aMC@NLO Matching" and "Timelike Showers"; W+ b j has two coloured particles at Born level.
    assert pythia.flag("TimeShower:globalRecoil")
    assert pythia.flag("TimeShower:limitPTmaxGlobal")
    assert not pythia.flag("TimeShower:MEcorrections")
    assert not pythia.flag("SpaceShower:MEcorrections")
    numbers = {
        "SpaceShower:pTmaxMatch": 1,
        "TimeShower:pTmaxMatch": 1,
        "TimeShower:globalRecoilMode": 2,
        "TimeShower:nMaxGlobalRecoil": 1,
        "TimeShower:nMaxGlobalBranch": 1,
        "TimeShower:nPartonsInBorn": 2,
        "TimeShower:weightGluonToQuark": 1,
    }
    assert {name: pythia.mode(name) for name in numbers} == numbers
    assert pythia.parm("SpaceShower:pTmaxFudge") == pythia.parm("TimeShower:pTmaxFudge") == 1


def test_subtraction_terms_of_another_shower_are_refused(z_plus_jets: MakeEvents) -> None:
    header = NLO_CARD.format(number=0).replace("PYTHIA8", "HERWIG6")
    hard = z_plus_jets(1, 1, header=header)
    with pytest.raises(InputFileError, match=r"subtraction terms of another parton shower.*HERWIG6"):
        plan(hard)
    assert plan(hard, "none").settings == ()


@pytest.mark.parametrize("header", [NLO_CARD.format(number=0), CARD.format(line="1 = ickkw\n 10 = xqcut")])
def test_other_showers_are_refused(z_plus_jets: MakeEvents, header: str) -> None:
    hard = z_plus_jets(1, 1, header=PROCESS + header)
    document = "mlm" if "xqcut" in header else None
    assert plan(hard, document, "seed").settings
    for name in ("vincia", "herwig"):
        with pytest.raises(ConfigError, match=f"'{name}' is another parton shower"):
            plan(hard, document, name)


def test_configuration() -> None:
    sample = SampleConfig.model_validate({"lhe": "a.lhe", "merging": "mlm"})
    assert sample.merging == MergingConfig(scheme="mlm")
    assert SampleConfig.model_validate({"lhe": "a.lhe", "merging": {"scheme": "ckkwl", "scale": 20}}).merging
    for scheme, reason in (("fxfx", "from its tag"), ("unlops", "several times"), ("umeps", "several times")):
        with pytest.raises(ValidationError, match=f"merging: {scheme} is not possible here: .*{reason}"):
            SampleConfig.model_validate({"lhe": "a.lhe", "merging": scheme})
    with pytest.raises(ValidationError, match="a built-in process has one multiplicity"):
        SampleConfig.model_validate({"process": "hbb", "events": 3, "merging": "mlm"})
    with pytest.raises(ValidationError, match="does not go with 'merging'"):
        SampleConfig.model_validate({"lhe": "a.lhe", "merging": "mlm", "hepmc": {"herwig": {"path": "a.hepmc"}}})
