"""A user's own physics with numbers: variations, another generator, other radii, tops.

Some minutes on two cores, so these tests run with ``-m slow``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
from numpy.typing import NDArray

from rs3l_gnn.conventions import JetType, parse_config
from rs3l_gnn.simulation import SimulationConfig, simulate

pytestmark = pytest.mark.slow

SHERPA = ("sherpa/sherpa-3.0.3-Zj.lhe.gz", "sherpa/sherpa-3.0.3-Zj.hepmc.gz")


@dataclass(frozen=True)
class Anchors:
    """Anchor jets of one view, rising by event; masses and pT in GeV."""

    event: NDArray[np.int64]
    pt: NDArray[np.float64]
    mass: NDArray[np.float64]
    msoftdrop: NDArray[np.float64]
    jettype: NDArray[np.int64]
    multiplicity: NDArray[np.int64]

    def where(self, keep: NDArray[Any]) -> Anchors:
        return Anchors(*(getattr(self, name)[keep] for name in self.__dataclass_fields__))


def _read(directory: Path, sample: str, variation: str) -> Anchors:
    found: dict[str, list[float]] = {name: [] for name in Anchors.__dataclass_fields__}
    for path in sorted((directory / sample).glob(f"{variation}_*.root")):
        with uproot.open(path) as file:
            branches = ["event", "FatJetPFCands_jetIdx", *(f"FatJet_{name}" for name in _JETS), "FatJet_anchor"]
            arrays = file["Events"].arrays(branches)
        for entry in arrays:
            for jet in np.flatnonzero(entry["FatJet_anchor"]):
                found["event"].append(int(entry["event"]))
                found["multiplicity"].append(int(ak.sum(entry["FatJetPFCands_jetIdx"] == jet)))
                for name in _JETS:
                    found[name].append(float(entry[f"FatJet_{name}"][jet]))
    return Anchors(**{name: np.array(values) for name, values in found.items()})


_JETS = ("pt", "mass", "msoftdrop", "jettype")


def _run(folder: Path, **document: Any) -> Path:
    document = {"shower_weights": False, "variations": [], "seed": 3, **document}
    return simulate(parse_config(SimulationConfig, document, where="test"), folder / "out").output


def _paired(one: Anchors, other: Anchors) -> tuple[Anchors, Anchors]:
    _, left, right = np.intersect1d(one.event, other.event, return_indices=True)
    return one.where(left), other.where(right)


def _shift(one: Anchors, other: Anchors) -> tuple[float, float]:
    """Mean change of the multiplicity over the same hard events, and its error."""
    left, right = _paired(one, other)
    change = right.multiplicity - left.multiplicity
    return float(change.mean()), float(change.std(ddof=1) / np.sqrt(len(change)))


def _peak(mass: NDArray[np.float64], low: float, high: float) -> float:
    """Centre of the fullest window of 16 GeV."""
    centres = np.arange(low, high, 1.0)
    counts = np.array([np.sum(np.abs(mass - centre) < 8) for centre in centres])
    return float(np.mean(centres[counts == counts.max()]))


def test_own_variations_move_the_multiplicity_by_their_sign(tmp_path: Path) -> None:
    """A larger coupling of the final state gives more particles; without further partonic collisions there are fewer.

    700 events give +5.9, -4.3 and -3.0 particles of 37.6, each with an error of 0.8.
    """
    coupling = "TimeShower:alphaSvalue"
    out = _run(
        tmp_path,
        samples={"wqq": {"process": "wqq", "events": 700, "pt_hat_min": 480.0}},
        # Further collisions give soft particles, most of them below 1 GeV.
        jets={"pt_min": 300.0, "radius": 1.2},
        detector={"pt_min": 0.5},
        variations={
            "alphaSUp": {"settings": [f"{coupling}=0.150"]},
            "alphaSDown": {"settings": [f"{coupling}=0.090"]},
            "noMPI": {"settings": ["PartonLevel:MPI=off"], "one_sided": True},
        },
    )
    views = {name: _read(out, "wqq", name) for name in ("nominal", "alphaSUp", "alphaSDown", "noMPI")}
    for name, sign in (("alphaSUp", 1), ("alphaSDown", -1), ("noMPI", -1)):
        change, error = _shift(views["nominal"], views[name])
        assert sign * change > 2.5 * error, name
    change, error = _shift(views["alphaSDown"], views["alphaSUp"])
    assert change > 8 * error


def test_sherpa_and_pythia_share_hard_partons(shared_data: Path, tmp_path: Path) -> None:
    """Sherpa's view of a hard event is as close to Pythia's as that of another seed.

    With 72 pairs the multiplicities differ by -0.5 +- 2.0, 0.3 sigma: no difference is seen, and one of 8 would be.
    """
    pytest.importorskip("pyhepmc", reason="the extra 'hepmc' is not installed")
    lhe, events = (str(shared_data / name) for name in SHERPA)
    out = _run(
        tmp_path,
        samples={"zj": {"lhe": lhe, "decays": "keep", "hepmc": {"sherpa": {"path": events}}}},
        jets={"pt_min": 250.0},
        variations=["seed"],
    )
    pythia, seed, sherpa = (_read(out, "zj", name) for name in ("nominal", "seed", "sherpa"))
    for other in (seed, sherpa):
        left, right = _paired(pythia, other)
        assert len(left.pt) > 60
        assert np.corrcoef(left.pt, right.pt)[0, 1] > 0.65
        # The same jets of shuffled events have nothing to do with each other.
        assert np.corrcoef(left.pt, np.roll(right.pt, 1))[0, 1] < 0.4
        change, error = _shift(pythia, other)
        assert abs(change) < 4 * error < 12
    with uproot.open(out / "zj" / "sherpa_0000.root") as file:
        found = json.loads(str(file["rs3l_metadata"]))["generators"]["sherpa"]
    assert (found["first_number"], found["events"]) == (0, 80)
    assert found["generator"].startswith("SHERPA 3.0.3")


@pytest.fixture(scope="module")
def w_jets(tmp_path_factory: pytest.TempPathFactory) -> dict[float, dict[str, Anchors]]:
    """W and Z + jet above 600 GeV, by radius; at that pT the quarks of a W lie about 0.27 from each other."""
    found = {}
    for radius in (0.4, 1.0):
        samples = {name: {"process": name, "events": 250, "pt_hat_min": 600.0} for name in ("wqq", "qcd")}
        out = _run(tmp_path_factory.mktemp("radius"), samples=samples, jets={"radius": radius, "pt_min": 600.0})
        found[radius] = {name: _read(out, name, "nominal") for name in samples}
    return found


def test_masses_by_radius(w_jets: dict[float, dict[str, Anchors]]) -> None:
    """The W has its mass at both radii; the mass of QCD jets grows with R, in leading order in proportion."""
    for radius, jets in w_jets.items():
        w = jets["wqq"]
        assert len(w.pt) > 100
        assert _peak(w.msoftdrop, 40, 130) == pytest.approx(80.4, rel=0.07), radius
        assert set(w.jettype) <= {JetType.W_UD, JetType.W_CS}
    ratio = w_jets[1.0]["qcd"].mass.mean() / w_jets[0.4]["qcd"].mass.mean()
    assert 1.4 < ratio < 2.5


def test_tops_in_wide_jets(tmp_path: Path) -> None:
    """The mass of whole tops at 172.5 GeV, that of tops without their b at the W; the response loses 2 to 3 %."""
    settings = ["Top:gg2ttbar=on", "Top:qqbar2ttbar=on", "24:onMode=off", "24:onIfAny=1 2 3 4 5"]
    out = _run(
        tmp_path,
        samples={"tt": {"process": {"pythia": settings}, "events": 300, "pt_hat_min": 450.0}},
        jets={"radius": 1.0},
    )
    tops = _read(out, "tt", "nominal")
    whole, w_alone, b_and_quark = (
        tops.where(tops.jettype == kind) for kind in (JetType.TOP_BQQ, JetType.TOP_QQ, JetType.TOP_BQ)
    )
    assert len(whole.pt) > 120
    assert _peak(whole.msoftdrop, 100, 220) == pytest.approx(172.5, rel=0.06)
    assert _peak(whole.mass, 100, 220) == pytest.approx(172.5, rel=0.08)
    assert np.median(w_alone.msoftdrop) == pytest.approx(80.4, rel=0.12)
    # m(bq) of a top decay has its edge at sqrt(mt^2 - mW^2) = 153 GeV.
    assert 80 < np.median(b_and_quark.msoftdrop) < 153
