from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from rs3l_gnn.simulation import HardEvents, inspect_lhe, read_lhe, write_lhe
from rs3l_gnn.simulation.recognition import jets_of, light_partons, particle_names, recognise

MakeEvents = Callable[..., HardEvents]

CARD = "<MGRunCard>\n  {line}\n</MGRunCard>"
NLO_CARD = "<MGRunCard>\n  PYTHIA8 = parton_shower\n {number} = ickkw ! 0 no merging, 3 FxFx merging\n</MGRunCard>"


@pytest.mark.parametrize(
    ("name", "merging", "shower", "multiplicities"),
    [
        ("madgraph5-3.5.8-pp_to_jj.lhe.gz", "", "", (2,)),
        ("powheg-box-v2-Zj.lhe", "", "", (2,)),
        ("pylhe-testfile-madgraph-2.0.0-wbj.lhe", "", "PYTHIA8", (2,)),
        ("pylhe-testfile-powheg-box-v2-trijet.lhe", "", "", (3, 4)),
        ("pylhe-testfile-powheg-box-v2-hvq.lhe", "", "", (1, 2)),
        ("pylhe-testfile-pr180.lhe", "", "", (1,)),
        ("pylhe-testfile-madgraph-2.2.1-Z-mlm.lhe.gz", "mlm", "", (0, 1, 2)),
        # Its run card has "CKKW: 5." and a process "93 93 93{1}".
        ("pylhe-testfile-sherpa-3.0.1-eejjj.lhe", "sherpa", "", (2, 3)),
    ],
)
def test_files_of_other_generators(
    shared_data: Path, name: str, merging: str, shower: str, multiplicities: tuple[int, ...]
) -> None:
    found = recognise(read_lhe(shared_data / "lhe" / name, scalup="repair"))
    assert (found.merging, found.shower) == (merging, shower)
    if name != "pylhe-testfile-madgraph-2.0.0-wbj.lhe":  # W+ b j leaves the W as it is
        assert found.multiplicities == multiplicities


def test_partons_of_decays_are_no_jets(z_plus_jets: MakeEvents) -> None:
    hard = z_plus_jets(0, 2, 1)
    assert light_partons(hard).tolist() == [0, 2, 1]
    assert recognise(z_plus_jets(1, 1)).merging == ""
    several = recognise(hard)
    assert several.merging == "unknown"
    assert several.reasons == ("hard events with 0, 1, 2 light partons",)


def test_an_emission_of_powheg_is_no_merging(z_plus_jets: MakeEvents) -> None:
    header = "<!--\nfile generated with POWHEG-BOX-V2\n-->"
    assert recognise(z_plus_jets(1, 0, header=header)).merging == ""
    assert recognise(z_plus_jets(2, 0, header=header)).merging == "unknown"


@pytest.mark.parametrize(
    ("header", "merging", "shower"),
    [
        (CARD.format(line="0 = ickkw"), "", ""),
        (CARD.format(line="1 = ickkw ! 0 no matching, 1 MLM"), "mlm", ""),
        (CARD.format(line="2 = ickkw"), "ckkw", ""),
        (CARD.format(line="30.0 = ktdurham"), "ckkwl", ""),
        (CARD.format(line="-1 = ktdurham"), "", ""),
        (CARD.format(line="1.5D+01 = ptlund"), "ckkwl", ""),
        ("<!--\n" + CARD.format(line="1 = ickkw") + "\n-->", "", ""),
        (CARD.format(line="# 1 = ickkw"), "", ""),
        (NLO_CARD.format(number=0), "", "PYTHIA8"),
        (NLO_CARD.format(number=3), "fxfx", "PYTHIA8"),
        (NLO_CARD.format(number=4), "unlops", "PYTHIA8"),
        ("<MonteCarloMasses>\n 1 0.33\n</MonteCarloMasses>", "", "UNKNOWN"),
        ("<MGGenerationInfo>\n#  Matched Integrated weight (pb)  : 12.\n</MGGenerationInfo>", "mlm", ""),
        ("<MGGenerationInfo>\n#  Integrated weight (pb)  : 12.\n</MGGenerationInfo>", "", ""),
    ],
)
def test_headers(z_plus_jets: MakeEvents, header: str, merging: str, shower: str) -> None:
    found = recognise(z_plus_jets(1, 1, header=header))
    assert (found.merging, found.shower) == (merging, shower)
    assert bool(found.reasons) == bool(merging or shower)


def test_event_tags(z_plus_jets: MakeEvents) -> None:
    hard = z_plus_jets(1, 1)
    born = replace(hard, attributes=({"npLO": " -1 ", "npNLO": " 1 "}, {}))
    assert recognise(born).merging == "nlo"
    assert recognise(replace(hard, attributes=({"npLO": " 1 ", "npNLO": " -1 "}, {}))).merging == "unknown"
    # The run card has the last word: aMC@NLO tags the events of single processes too.
    assert recognise(replace(born, header=NLO_CARD.format(number=0))).merging == ""


def test_signs_survive_our_own_file(z_plus_jets: MakeEvents, tmp_path: Path) -> None:
    hard = z_plus_jets(1, 1, header=CARD.format(line="1 = ickkw\n 12.5 = xqcut"))
    write_lhe(tmp_path / "hard.lhe.gz", hard, generator="test")
    found = recognise(read_lhe(tmp_path / "hard.lhe.gz"))
    assert found.merging == "mlm"
    assert found.number("xqcut") == 12.5
    assert inspect_lhe(tmp_path / "hard.lhe.gz")["merging"] == "mlm (run card: ickkw = 1)"


def test_process_lines() -> None:
    assert jets_of("p p > l+ l- j j QED=2 QCD=4 @3") == 2
    assert jets_of("p p > j zp, (zp > j j)") == 1
    assert jets_of("p p > w+ b j $$w+ w- z a QED=3 [QCD]") == 2
    assert particle_names(" e+ ve / z @1 ") == ["e+", "ve"]
