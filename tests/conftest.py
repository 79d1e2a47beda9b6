"""Fixtures for all rooms: real files where they are at hand, and toy jets that need no event generator."""

from __future__ import annotations

import json
import logging
import math
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import awkward as ak
import numpy as np
import pytest
import uproot
from numpy.typing import NDArray

from rs3l_gnn.conventions import JetType, Stage, Variation, delta_r, event_rng, get_variation


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The whole chain first: it takes longest, and at the end one worker would wait for it."""
    items.sort(key=lambda item: item.path.name != "test_chain.py")


@pytest.fixture(autouse=True)
def _log_stays_as_it_is() -> Iterator[None]:
    """The command line sets how much its process says (``--quiet``), and here it runs in the process of the tests."""
    logger = logging.getLogger("rs3l_gnn")
    level = logger.level
    yield
    logger.setLevel(level)


@pytest.fixture(autouse=True)
def _torch_stays_as_it_is() -> Iterator[None]:
    """A test that leaves another precision behind would spoil those that come after it in the same process."""
    yield
    torch = sys.modules.get("torch")
    if torch is not None and torch.get_default_dtype() != torch.float32:
        torch.set_default_dtype(torch.float32)
        pytest.fail("the test left another default precision of torch behind")


_PDG_IDS = np.array([211, -211, 22, 130, 11, -13])
_CHARGES = np.array([1, -1, 0, 0, -1, 1])


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with files nobody here made; tests that need it skip where it is absent."""
    path = Path(__file__).parents[2] / "shared" / "data"
    if not path.is_dir():
        pytest.skip(f"no reference files at {path}")
    return path


@pytest.fixture(scope="session")
def code_of() -> Callable[[str, str], list[str]]:
    """Blocks of code of a page in their order: ``code_of("docs/extending.md", "python")``."""

    def read(page: str, language: str) -> list[str]:
        text = (Path(__file__).parents[1] / page).read_text(encoding="utf-8")
        return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)

    return read


@dataclass(frozen=True)
class ToySample:
    """One sample of toy events: jets with one prong (qcd) or two prongs (hbb, wqq) and 0 to ``max_candidates``."""

    name: str
    n_events: int = 60
    run_seed: int = 1
    max_candidates: int = 60

    @property
    def jettype(self) -> JetType:
        return {"hbb": JetType.H_BB, "wqq": JetType.W_QQ}.get(self.name, JetType.Q)

    def jet(self, event: int, variation: str | Variation) -> dict[str, NDArray[Any]] | None:
        """Candidates of the one jet of an event (GeV, mm), or None if the jet misses the pT cut."""
        hard = event_rng(self.run_seed, self.name, event, -1, Stage.HARD)
        if hard.random() < 0.05:
            return None
        axis_eta, axis_phi = hard.uniform(-2, 2), hard.uniform(-np.pi, np.pi)
        pt_jet = 450 + hard.exponential(100)
        two_prongs = self.jettype is not JetType.Q
        opening = hard.uniform(0.3, 0.6) if two_prongs else 0.0
        turn = hard.uniform(0, 2 * np.pi)
        kind = get_variation(variation) if isinstance(variation, str) else variation
        rng = event_rng(self.run_seed, self.name, event, kind.vartype, Stage.SHOWER)
        mean = 25 * (kind.factor or 1.0) ** -0.3
        n = int(np.clip(rng.poisson(mean), 2, self.max_candidates))
        side = np.where(rng.random(n) < 0.5, 0.5, -0.5) * opening
        width = 0.08 / (kind.factor or 1.0)
        which = rng.integers(len(_PDG_IDS), size=n)
        pt = np.maximum(rng.dirichlet(np.full(n, 0.7)) * pt_jet, 1.0)
        charge = _CHARGES[which]
        displaced = 0.3 if self.name == "hbb" else 0.05
        return {
            "pt": pt,
            "eta": axis_eta + side * np.cos(turn) + rng.normal(0, width, n),
            "phi": (axis_phi + side * np.sin(turn) + rng.normal(0, width, n) + np.pi) % (2 * np.pi) - np.pi,
            "mass": np.where(charge != 0, 0.1396, 0.0),
            "charge": charge,
            "pdgId": _PDG_IDS[which],
            "d0": np.where(charge != 0, rng.normal(0, displaced, n), 0.0),
            "dz": np.where(charge != 0, rng.normal(0, displaced, n), 0.0),
        }

    def write(self, path: Path, variation: str | Variation = "nominal") -> Path:
        """Write one variation as a PFNano-like ROOT file with its metadata."""
        rows = [self.jet(event, variation) for event in range(self.n_events)]
        present = np.array([row is not None for row in rows])
        candidates = {
            name: ak.values_astype(
                ak.Array([[] if row is None else row[name] for row in rows]),
                np.int32 if name in ("charge", "pdgId") else np.float32,
            )
            for name in ("pt", "eta", "phi", "mass", "charge", "pdgId", "d0", "dz")
        }
        for name in ("d0", "dz"):  # PFNano: centimetres, -1 without a track
            candidates[name] = ak.values_astype(
                ak.where(candidates["charge"] == 0, -1.0, candidates[name] / 10), np.float32
            )
        jets = ak.Array([[] if row is None else [_jet_kinematics(row)] for row in rows])
        jets = ak.values_astype(jets, np.float32)
        one = ak.unflatten(np.ones(present.sum(), dtype=np.int32), present.astype(np.int64))
        n = self.n_events
        tree: dict[str, Any] = {
            "run": np.ones(n, np.uint32),
            "luminosityBlock": (np.arange(n) // 1000 + 1).astype(np.uint32),
            "event": np.arange(n, dtype=np.uint64),
            "genWeight": np.ones(n, np.float32),
            "hardHash": np.arange(n, dtype=np.uint64) * np.uint64(2654435761) + np.uint64(self.run_seed),
            "FatJet": ak.zip(
                {
                    **{
                        name: ak.values_astype(jets[name], np.float32)
                        for name in ("pt", "eta", "phi", "mass", "msoftdrop", "n2b1")
                    },
                    "jettype": one * int(self.jettype),
                    "anchor": one == 1,
                }
            ),
            "PFCands": ak.zip(
                {**candidates, "puppiWeight": ak.values_astype(ak.ones_like(candidates["pt"]), np.float32)}
            ),
            "FatJetPFCands": ak.zip(
                {
                    "jetIdx": ak.values_astype(ak.zeros_like(candidates["charge"]), np.int32),
                    "pFCandsIdx": ak.values_astype(ak.local_index(candidates["pt"]), np.int32),
                }
            ),
        }
        if variation == "nominal":
            spread = np.array([event_rng(2, self.name, event, -1, Stage.HARD).normal(0, 0.05) for event in range(n)])
            tree["PSWeight"] = ak.from_regular(np.stack([1 + spread, 1 - spread], axis=1).astype(np.float32))
        metadata = {
            "format": "rs3l-simulation",
            "version": 1,
            "sample": self.name,
            "process": self.name,
            "variation": (get_variation(variation) if isinstance(variation, str) else variation).record(),
            "run_seed": self.run_seed,
            "n_hard_events": n,
            "n_failed": 0,
            "sumw": float(n),
            "xsec_pb": 1.0,
            "psweight_names": ["isrUp", "isrDown"] if variation == "nominal" else [],
            "jets": {"radius": 0.8, "pt_min": 450.0},
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        with uproot.recreate(path) as file:
            types = {name: v.dtype if isinstance(v, np.ndarray) else ak.type(v).content for name, v in tree.items()}
            file.mktree("Events", types)
            file["Events"].extend(tree)
            file["rs3l_metadata"] = json.dumps(metadata)
        return path


def _jet_kinematics(row: dict[str, NDArray[Any]]) -> dict[str, float]:
    px, py = row["pt"] * np.cos(row["phi"]), row["pt"] * np.sin(row["phi"])
    pz = row["pt"] * np.sinh(row["eta"])
    energy = np.sqrt(px**2 + py**2 + pz**2 + row["mass"] ** 2)
    p4 = np.array([energy.sum(), px.sum(), py.sum(), pz.sum()])
    pt = float(np.hypot(p4[1], p4[2]))
    mass = float(np.sqrt(max(p4[0] ** 2 - (p4[1:] ** 2).sum(), 0.0)))
    eta, phi = float(np.arcsinh(p4[3] / pt)), float(np.arctan2(p4[2], p4[1]))
    z, r = row["pt"] / row["pt"].sum(), delta_r(row["eta"], row["phi"], eta, phi)
    # A stand-in for N2 that falls for two prongs: the spread of the distances to the axis.
    n2 = float(np.clip(np.sqrt(np.sum(z * (r - np.sum(z * r)) ** 2)), 0, 0.5))
    return {"pt": pt, "eta": eta, "phi": phi, "mass": mass, "msoftdrop": mass, "n2b1": n2}


@pytest.fixture(scope="session")
def toy_sample() -> Callable[..., ToySample]:
    """Maker of toy samples: ``toy_sample("hbb", n_events=100)``."""
    return ToySample


@pytest.fixture(scope="session")
def toy_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Output directory as ``rs3l simulate`` leaves it: two samples, four variations, with coffea filesets."""
    out = tmp_path_factory.mktemp("toys")
    for name in ("qcd", "hbb"):
        sample = ToySample(name)
        fileset = {}
        for variation in ("nominal", "seed", "fsrRenHi", "fsrRenLo"):
            sample.write(out / name / f"{variation}_0000.root", variation)
            fileset[f"{name}_{variation}"] = {
                "files": {f"{variation}_0000.root": "Events"},
                "metadata": {
                    "process": name,
                    "sample": name,
                    "variation": variation,
                    "xsec": 1.0,
                    "sumw": float(sample.n_events),
                    "n_hard_events": sample.n_events,
                    "resimulated_of": None if variation == "nominal" else f"{name}_nominal",
                    "isMC": True,
                },
            }
        (out / name / "fileset.json").write_text(json.dumps(fileset))
    return out


@pytest.fixture(scope="session")
def make_tagger(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Write a small tagger with seeded random weights and return its path."""

    def make(seed: int = 1, **encoder: Any) -> Path:
        import torch

        from rs3l_gnn.models import EdgeConvConfig, Head, HeadConfig, Tagger, make_encoder, save_tagger

        path = tmp_path_factory.mktemp("tagger") / "tagger.safetensors"
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            config = EdgeConvConfig(width=16, hidden=(16,), dim=4, **encoder)
            tagger = Tagger(make_encoder(config), Head(HeadConfig(hidden=()), dim=4))
        save_tagger(path, tagger, provenance={})
        return path

    return make


@pytest.fixture(scope="session")
def tagger_path(make_tagger: Callable[..., Path]) -> Path:
    """A tagger that takes all 15 features."""
    return make_tagger()


@dataclass(frozen=True)
class WeaverNetwork:
    """A small network in ONNX with a document as weaver-core writes it, and what both say, jet by jet.

    Attributes:
        file, preprocess: ``model.onnx`` and ``preprocess.json``.
    """

    file: Path
    preprocess: Path

    classes: ClassVar[tuple[str, ...]] = ("label_QCD", "label_Hbb", "label_Tbqq")
    length: ClassVar[int] = 12
    groups: ClassVar[dict[str, tuple[str, ...]]] = {
        "pf_points": ("part_deta", "part_dphi"),
        "pf_features": ("part_pt_log", "part_logerel", "part_deltaR", "part_charge", "part_isMuon"),
        "pf_vectors": ("part_px", "part_py", "part_pz", "part_energy"),
        "pf_mask": ("part_mask",),
    }
    scaled: ClassVar[dict[str, tuple[float, ...]]] = {
        "part_pt_log": (1.7, 0.7, -5, 5),
        "part_logerel": (-4.7, 0.7, -0.5, 5),
        "part_deltaR": (0.2, 4.0, -5, 1),
    }

    @classmethod
    def document(cls) -> dict[str, Any]:
        """Three variables are scaled and cut, the others are taken as they are; one is padded with -1."""
        out: dict[str, Any] = {"output_names": list(cls.classes), "input_names": list(cls.groups)}
        for group, names in cls.groups.items():
            infos = {}
            for name in names:
                median, factor, low, high = cls.scaled.get(name, (0, 1, -1e32, 1e32))
                infos[name] = {
                    "median": median,
                    "norm_factor": factor,
                    "replace_inf_value": 0,
                    "lower_bound": low,
                    "upper_bound": high,
                    "pad": -1 if name == "part_charge" else 0,
                }
            out[group] = {"var_names": list(names), "var_infos": infos, "var_length": cls.length}
        return out

    @staticmethod
    def weights() -> NDArray[np.float32]:
        """Of all variables but the mask, for each class [3, 11]; momenta count in TeV."""
        drawn: NDArray[np.float32] = (np.random.default_rng(5).normal(size=(3, 11)) / 4).astype(np.float32)
        drawn[:, 7:] *= np.float32(1e-3)
        return drawn

    @classmethod
    def write(cls, folder: Path, *, logits: bool = False) -> WeaverNetwork:
        """Softmax (or not) of the sum over the real candidates of a linear map of all variables."""
        from onnx import TensorProto, checker, helper, numpy_helper, save

        rows = [name for name in cls.groups if name != "pf_mask"]
        last = "summed" if logits else "softmax"
        nodes = [
            helper.make_node("Concat", rows, ["all"], axis=1),
            helper.make_node("MatMul", ["weights", "all"], ["each"]),
            helper.make_node("Mul", ["each", "pf_mask"], ["real"]),
            helper.make_node("ReduceSum", ["real", "axis"], ["summed"], keepdims=0),
            *([] if logits else [helper.make_node("Softmax", ["summed"], ["softmax"], axis=1)]),
        ]
        inputs = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", len(names), "n_pf"])
            for name, names in cls.groups.items()
        ]
        output = helper.make_tensor_value_info(last, TensorProto.FLOAT, ["N", 3])
        fixed = [numpy_helper.from_array(cls.weights(), "weights"), numpy_helper.from_array(np.array([2]), "axis")]
        graph = helper.make_graph(nodes, "small", inputs, [output], fixed)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        checker.check_model(model)
        folder.mkdir(parents=True, exist_ok=True)
        made = cls(folder / "model.onnx", folder / "preprocess.json")
        save(model, made.file)
        made.preprocess.write_text(json.dumps(cls.document()))
        return made

    @classmethod
    def score(cls, jet: Mapping[str, float], candidates: Sequence[Mapping[str, float]]) -> list[float]:
        """Probabilities of one jet from pt, eta, phi, energy (GeV) of the jet and its candidates, charge and pdgId."""
        side = 1 if jet["eta"] >= 0 else -1
        total = [0.0] * 3
        for c in sorted(candidates, key=lambda c: -c["pt"])[: cls.length]:
            deta, dphi = c["eta"] - jet["eta"], math.remainder(c["phi"] - jet["phi"], 2 * math.pi)
            values = [
                side * deta,
                dphi,
                min(max(0.7 * (math.log(c["pt"]) - 1.7), -5), 5),
                min(max(0.7 * (math.log(c["energy"] / jet["energy"]) + 4.7), -0.5), 5),
                min(max(4.0 * (math.hypot(deta, dphi) - 0.2), -5), 1),
                c["charge"],
                float(abs(c["pdgId"]) == 13),
                c["pt"] * math.cos(c["phi"]),
                c["pt"] * math.sin(c["phi"]),
                c["pt"] * math.sinh(c["eta"]),
                c["energy"],
            ]
            for place, row in enumerate(cls.weights().astype(float)):
                total[place] += sum(w * value for w, value in zip(row, values, strict=True))
        powers = [math.exp(value - max(total)) for value in total]
        return [power / sum(powers) for power in powers]


@pytest.fixture(scope="session")
def weaver_network(tmp_path_factory: pytest.TempPathFactory) -> WeaverNetwork:
    """A network in ONNX and its document as weaver-core writes it; ``write`` makes others."""
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    return WeaverNetwork.write(tmp_path_factory.mktemp("weaver"))
