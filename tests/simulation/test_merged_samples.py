"""Merged samples against Pythia alone: a short loop over what pylhe reads, and Pythia's own reading of the file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pylhe
import pytest
import pythia8mc
import uproot
from numpy.typing import NDArray

from rs3l_gnn.conventions import NOMINAL, Stage, pythia_seed
from rs3l_gnn.simulation import JetConfig, SampleConfig, SimulationConfig, read_lhe, simulate
from rs3l_gnn.simulation.merging_config import MergingConfig
from rs3l_gnn.simulation.resimulation import shower_partons
from rs3l_gnn.simulation.settings import COMMON, CP5, configure
from rs3l_gnn.simulation.shower import Shower

MLM = (
    *("JetMatching:merge=on", "JetMatching:setMad=off", "JetMatching:scheme=1", "JetMatching:nJetMax=2"),
    *("JetMatching:qCut=12", "JetMatching:eTjetMin=12", "JetMatching:nQmatch=4", "JetMatching:coneRadius=1"),
    *("JetMatching:jetAlgorithm=2", "JetMatching:slowJetPower=1", "JetMatching:etaJetMax=1000"),
)
CKKWL = (
    *("Merging:doKTMerging=on", "Merging:TMS=40", "Merging:nJetMax=1", "Merging:Process=pp>LEPTONS,NEUTRINOS"),
    *("Merging:Dparameter=1", "Merging:nQuarksMerge=5"),
)
FAST = "PartonLevel:MPI=off"
ABORT = "Check:abortIfVeto=on"
W_MERGING = MergingConfig(scheme="ckkwl", scale=40, jets=1, process="pp>LEPTONS,NEUTRINOS")
XSEC = {0: 8862.0, 1: 1313.1}  # pb at 13 TeV, with the cut of 30 GeV on the parton


def w_events(settings: Sequence[str], n_events: int) -> list[str]:
    """Events of Pythia's own matrix elements, W -> e nu, in LHE format."""
    fixed = ("Print:quiet=on", "Beams:eCM=13000", "PartonLevel:all=off", "24:onMode=off", "24:onIfAny=11")
    pythia = configure((*fixed, "Random:setSeed=on", "Random:seed=7", *settings))
    assert pythia.init()
    texts: list[str] = []
    while len(texts) < n_events:
        if pythia.next():
            record = pythia.process
            lines = [f"{record.size() - 3} {{process}} 1.0 {record.scale():.9e} 0.0078 0.118"]
            for entry in (record[place] for place in range(3, record.size())):
                incoming = entry.status() == -21
                status = -1 if incoming else 2 if entry.status() < 0 else 1
                mothers = (0, 0) if incoming else (max(entry.mother1() - 2, 0), max(entry.mother2() - 2, 0))
                momentum = (entry.px(), entry.py(), entry.pz(), entry.e(), entry.m())
                words = (entry.id(), status, *mothers, entry.col(), entry.acol(), *(f"{x:.17g}" for x in momentum))
                lines.append(" ".join(map(str, words)) + " 0 9")
            texts.append("<event>\n" + "\n".join(lines) + "\n</event>\n")
    return texts


@pytest.fixture(scope="module")
def w_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """W + 0 and 1 jets with the same number of events, so that few of them hold many vetoes."""
    none = w_events(("WeakSingleBoson:ffbar2W=on",), 10)
    one = w_events(("WeakBosonAndParton:qqbar2Wg=on", "WeakBosonAndParton:qg2Wq=on", "PhaseSpace:pTHatMin=30"), 14)
    texts = [text.format(process=1) for text in none] + [text.format(process=2) for text in one]
    total = sum(XSEC.values())
    init = "2212 2212 6500 6500 0 0 0 0 3 2\n" + "".join(f"{total / 2} 0 1 {number}\n" for number in (1, 2))
    path = tmp_path_factory.mktemp("w") / "w01.lhe"
    path.write_text(
        f'<LesHouchesEvents version="3.0">\n<init>\n{init}</init>\n{"".join(texts)}</LesHouchesEvents>\n',
        encoding="utf-8",
    )
    return path


class Feed(pythia8mc.LHAup):  # type: ignore[misc]
    """Events as pylhe reads them, with a seed for each."""

    def __init__(self, path: Path, seeds: Sequence[int], rndm: Any) -> None:
        pythia8mc.LHAup.__init__(self)
        file = pylhe.LHEFile.fromfile(str(path))
        self.events, self.seeds, self.rndm = iter(list(file.events)), iter(seeds), rndm
        self.beams = file.init.initInfo

    def setInit(self) -> bool:  # noqa: N802
        self.setBeamA(self.beams.beamA, self.beams.energyA)
        self.setBeamB(self.beams.beamB, self.beams.energyB)
        self.setStrategy(3)
        return bool(self.addProcess(1, 1.0, 0.0, 1.0) is None)

    def setEvent(self, _process: int = 0) -> bool:  # noqa: N802
        event = next(self.events)
        self.setProcess(1, 1.0, event.eventinfo.scale, event.eventinfo.aqed, event.eventinfo.aqcd)
        for p in event.particles:
            colours = (int(p.color1), int(p.color2))
            self.addParticle(
                *(int(p.id), int(p.status), int(p.mother1), int(p.mother2), *colours),
                *(p.px, p.py, p.pz, p.e, p.m, p.lifetime, p.spin),
            )
        self.rndm.init(next(self.seeds))
        return True


def pythia_alone(path: Path, settings: Sequence[str], seeds: Sequence[int]) -> NDArray[np.float64]:
    """Weight of each event, 0 where Pythia vetoes it."""
    pythia = configure((*COMMON, *CP5, *settings, FAST, ABORT, "Beams:frameType=5"))
    feed, hook = Feed(path, seeds, pythia.rndm), pythia8mc.JetMatchingMadgraph()
    pythia.setLHAupPtr(feed)
    if "JetMatching:merge=on" in settings:
        pythia.setUserHooksPtr(hook)
    assert pythia.init()
    return np.array([pythia.infoPython().weight() if pythia.next() else 0.0 for _ in seeds])


def merged(
    path: Path, sample: str, merging: MergingConfig, *, events: int | None = None, **options: Any
) -> SimulationConfig:
    return SimulationConfig(
        samples={sample: SampleConfig(lhe=path, merging=merging, events=events, settings=(FAST,))},
        jets=JetConfig(pt_min=20.0),
        **{"workers": 1, "chunk_size": 15, "variations": ("seed",), **options},
    )


def seeds_of(sample: str, vartype: int, n_events: int) -> list[int]:
    return [pythia_seed(1, sample, number, vartype, Stage.SHOWER) for number in range(n_events)]


def test_mlm_vetoes_are_those_of_pythia(shared_data: Path, tmp_path: Path) -> None:
    path = shared_data / "lhe" / "pylhe-testfile-madgraph-2.2.1-Z-mlm.lhe.gz"
    n_events = 40
    merging = MergingConfig(scheme="mlm", scale=12)
    # Shower weights draw random numbers of their own.
    config = merged(path, "z", merging, events=n_events, shower_weights=False)
    summary = simulate(config, tmp_path / "out").samples["z"]
    xsec = 0.60733273992e3 + 0.10785969890e4 + 0.20649062749e4  # the lines of its <init> block
    fileset = json.loads(summary.fileset.read_text(encoding="utf-8"))
    assert summary.failed_events == []
    for variation, vartype in (("nominal", NOMINAL.vartype), ("seed", 0)):
        expected = pythia_alone(path, MLM, seeds_of("z", vartype, n_events))
        written = [uproot.open(file)["Events"] for file in sorted((tmp_path / "out" / "z").glob(f"{variation}_*.root"))]
        numbers = np.concatenate([tree["event"].array(library="np") for tree in written])
        assert numbers.tolist() == np.flatnonzero(expected).tolist()
        assert summary.vetoed[variation] == int((expected == 0).sum()) > 0
        metadata = fileset[f"z_{variation}"]["metadata"]
        share = expected.mean()
        errors = (
            sum(x**2 for x in (1.4435748608, 2.5637272551, 4.9080950071)) ** 0.5 * share,
            xsec * (share * (1 - share) / n_events) ** 0.5,
        )
        assert metadata["xsec_error"] == pytest.approx(np.hypot(*errors), rel=1e-6)
        assert metadata["xsec"] == pytest.approx(xsec * expected.mean(), rel=1e-6)
        assert metadata["sumw"] == pytest.approx(0.37513 * expected.sum(), rel=1e-6)
    assert summary.vetoed["nominal"] != n_events
    settings = json.loads(str(uproot.open(tmp_path / "out" / "z" / "nominal_0000.root")["rs3l_metadata"]))
    assert settings["merging"]["scheme"] == "mlm"
    assert {"JetMatching:merge=on", "JetMatching:qCut=12.0"} <= set(settings["settings"])


def test_ckkwl_weights_are_those_of_pythia(w_file: Path, tmp_path: Path) -> None:
    summary = simulate(merged(w_file, "w", W_MERGING), tmp_path / "out").samples["w"]
    fileset = json.loads(summary.fileset.read_text(encoding="utf-8"))
    for variation, vartype in (("nominal", NOMINAL.vartype), ("seed", 0)):
        expected = pythia_alone(w_file, CKKWL, seeds_of("w", vartype, 24))
        trees = [uproot.open(file)["Events"] for file in sorted((tmp_path / "out" / "w").glob(f"{variation}_*.root"))]
        numbers = np.concatenate([tree["event"].array(library="np") for tree in trees])
        weights = np.concatenate([tree["genWeight"].array(library="np") for tree in trees])
        assert numbers.tolist() == np.flatnonzero(expected).tolist()
        assert weights == pytest.approx(expected[expected != 0], rel=1e-6)
        assert summary.vetoed[variation] == int((expected == 0).sum()) > 0
        assert (np.abs(weights - 1) > 0.01).any()
        metadata = fileset[f"w_{variation}"]["metadata"]
        assert metadata["xsec"] == pytest.approx(sum(XSEC.values()) * expected.mean(), rel=1e-6)
        # The sum over the file times xsec / sumw is the merged cross-section of this view.
        assert metadata["sumw"] == pytest.approx(weights.sum(), rel=1e-6)
        assert "PSWeight" not in trees[0]


@pytest.mark.parametrize("start", ["shower", "particles"])
def test_views_that_share_more_share_their_vetoes(w_file: Path, tmp_path: Path, start: str) -> None:
    summary = simulate(merged(w_file, "w", W_MERGING, start=start), tmp_path / "out").samples["w"]
    level = ("HadronLevel:all=off",) * (start == "shower")
    expected = pythia_alone(w_file, (*CKKWL, *level), seeds_of("w", NOMINAL.vartype, 24))
    assert summary.failed_events == []
    assert summary.vetoed["nominal"] == summary.vetoed["seed"] == int((expected == 0).sum())
    assert summary.merged_sumw["seed"] == pytest.approx(expected.sum(), rel=1e-9)


def test_partons_of_vetoed_events(w_file: Path) -> None:
    hard, seeds = read_lhe(w_file), list(range(100, 124))
    shower = Shower(hard.beams, (*COMMON, *CP5, *CKKWL, FAST, ABORT, "HadronLevel:all=off"))
    shower.run(hard, seeds)
    factors = shower.factors
    partons = shower_partons(shower, hard, seeds)
    assert [event is None for event in partons] == (factors == 0).tolist()
    assert np.array_equal(shower.factors, factors)


def test_nothing_is_multiplied_without_merging(w_file: Path) -> None:
    hard = read_lhe(w_file, limit=5)
    shower = Shower(hard.beams, (*COMMON, *CP5))
    shower.run(hard, range(1, 6))
    assert shower.factors.tolist() == [1.0] * 5


@pytest.mark.slow
def test_merged_cross_section_of_pythia_reading_the_file(shared_data: Path) -> None:
    path, n_events = shared_data / "lhe" / "pylhe-testfile-madgraph-2.2.1-Z-mlm.lhe.gz", 500
    hard = read_lhe(path, limit=n_events)
    settings = (*COMMON, *CP5, *MLM, FAST, ABORT, "HadronLevel:all=off")
    shower = Shower(hard.beams, settings)
    shower.run(hard, [pythia_seed(3, "z", number, -1, Stage.SHOWER) for number in range(n_events)])
    pythia = configure((*settings, "SLHA:verbose=0", "Beams:frameType=4", f"Beams:LHEF={path}"))
    hook = pythia8mc.JetMatchingMadgraph()
    pythia.setUserHooksPtr(hook)
    assert pythia.init()
    accepted = sum(pythia.next() for _ in range(n_events))
    assert pythia.infoPython().sigmaGen() * 1e9 == pytest.approx(hard.xsec * accepted / n_events, rel=1e-3)
    share = accepted / n_events
    assert shower.factors.mean() == pytest.approx(share, abs=4 * np.sqrt(2 * share * (1 - share) / n_events))
