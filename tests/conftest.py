"""Fixtures for all rooms: real files where they are at hand, and toy jets that need no event generator."""

from __future__ import annotations

import fcntl
import json
import logging
import math
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from rs3l_gnn.benchmarks.toys import ToySample, write_toys


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


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], object]], Path]:
    """Folders that one process of pytest-xdist makes for all: ``made_once("name", fill)``; nobody changes them."""
    mine = tmp_path_factory.getbasetemp()
    root = (mine.parent if "PYTEST_XDIST_WORKER" in os.environ else mine) / "made-once"

    def make(name: str, fill: Callable[[Path], object]) -> Path:
        root.mkdir(exist_ok=True)
        with (root / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (root / name).exists():
                partial = root / f"{name}.partial"
                shutil.rmtree(partial, ignore_errors=True)
                partial.mkdir()
                fill(partial)
                partial.rename(root / name)
        return root / name

    return make


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with files nobody here made; tests that need it skip where it is absent."""
    path = Path(__file__).parents[2] / "shared" / "data"
    if not path.is_dir():
        pytest.skip(f"no reference files at {path}")
    return path


_READ = re.compile(
    r"run|luminosityBlock|event|genWeight|PSWeight|HLT_(AK8PFJet140|PFHT370)|(Rho_)?fixedGridRhoFastjetAll|"
    r"PV_npvsGood|PuppiMET_(pt|phi)|Muon_(pt|looseId)|Jet_(pt|eta|phi)|(GenJetAK8|GenPart|LHEPart)_\w+|(FatJet)?PFCands?_\w+|"
    r"FatJet_(?!DDX|btag|deepTag)\w+"
)
"""Branches of files of CMS that tests ask for."""


@pytest.fixture(scope="session")
def slim_data(shared_data: Path, made_once: Callable[..., Path]) -> Path:
    """As ``shared_data``, with few branches of CMS' files: to open the whole ones takes a second each.

    Whole files go through in processors/test_cms.py.
    """

    def fill(folder: Path) -> None:
        for path in shared_data.iterdir():
            if path.name != "cms":
                (folder / path.name).symlink_to(path)
        (folder / "cms").mkdir()
        for path in (shared_data / "cms").iterdir():
            if path.suffix == ".root":
                _slim(path, folder / "cms" / path.name)
            else:
                (folder / "cms" / path.name).symlink_to(path)

    return made_once("slim-data", fill)


def _slim(source: Path, target: Path) -> None:
    import awkward as ak
    import uproot

    with uproot.open(source) as file:
        names = [name for name in file["Events"].keys() if _READ.fullmatch(name)]  # noqa: SIM118 - of a tree, not a dict
        arrays = file["Events"].arrays(names)
    lists = [name for name in names if "_" in name and arrays[name].ndim == 2]
    content: dict[str, Any] = {name: arrays[name] for name in names if name not in lists}
    for collection in sorted({name.partition("_")[0] for name in lists}):
        prefix = f"{collection}_"
        content[collection] = ak.zip(
            {name.removeprefix(prefix): arrays[name] for name in lists if name.startswith(prefix)}
        )
    with uproot.recreate(target) as file:
        file.mktree("Events", {name: ak.type(entry).content for name, entry in content.items()})
        file["Events"].extend(content)


_RENAMED = """
import logging, re, sys
from importlib.machinery import SourceFileLoader
logging.basicConfig(format="%(levelname)s %(name)s %(message)s", stream=sys.stderr)
word, load = re.compile(r"\\b{name}\\b"), SourceFileLoader.get_code

def renamed(self, module):
    source = self.get_source(module) if module.partition(".")[0] == "{package}" else ""
    source = word.sub("{name}_of_2030", source)
    return compile(source, self.path, "exec") if "_of_2030" in source else load(self, module)

SourceFileLoader.get_code = renamed
"""


@pytest.fixture(scope="session")
def renamed() -> Callable[[str, str], str]:
    """Begin of a program in which a package has another name for something: ``renamed("numba", "FunctionCache")``.

    What is logged there goes to its standard error.
    """

    def begin(package: str, name: str) -> str:
        return _RENAMED.format(package=package, name=name)

    return begin


@pytest.fixture(scope="session")
def code_of() -> Callable[[str, str], list[str]]:
    """Blocks of code of a page in their order: ``code_of("docs/extending.md", "python")``."""

    def read(page: str, language: str) -> list[str]:
        text = (Path(__file__).parents[1] / page).read_text(encoding="utf-8")
        return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)

    return read


@pytest.fixture(scope="session")
def toy_sample() -> Callable[..., ToySample]:
    """Maker of toy samples: ``toy_sample("hbb", n_events=100)``."""
    return ToySample


@pytest.fixture(scope="session")
def toy_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Output directory as ``rs3l simulate`` leaves it: two samples, four variations, with coffea filesets."""
    return write_toys(tmp_path_factory.mktemp("toys"))


@pytest.fixture(scope="session")
def toy_filesets(toy_directory: Path) -> list[Path]:
    """Filesets of the toy samples qcd and hbb, four variations each."""
    return [toy_directory / name / "fileset.json" for name in ("qcd", "hbb")]


@pytest.fixture
def written() -> Callable[[Path], dict[str, Any]]:
    """Read ``histograms.json`` of an output, without its provenance."""

    def read(output: Path) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((output / "histograms.json").read_text())
        document.pop("provenance")
        return document

    return read


@pytest.fixture(scope="session")
def command() -> str:
    """Path of the command ``rs3l``."""
    # Beside this Python, which need not be on the path.
    path = Path(sys.executable).with_name("rs3l")
    if not path.exists():
        pytest.skip("the package is not installed, so there is no command rs3l")
    return str(path)


def _rewritten(source: Path, target: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Path:
    import awkward as ak
    import uproot

    with uproot.open(source) as file:
        arrays = file["Events"].arrays()
    changed = change({name: arrays[name] for name in arrays.fields})
    content: dict[str, Any] = {name: changed[name] for name in ("run", "luminosityBlock", "event", "genWeight")}
    for collection in ("FatJet", "PFCands", "FatJetPFCands"):
        prefix = f"{collection}_"
        content[collection] = ak.zip(
            {name.removeprefix(prefix): changed[name] for name in changed if name.startswith(prefix)}
        )
    with uproot.recreate(target) as file:
        file.mktree("Events", {name: ak.type(entry).content for name, entry in content.items()})
        file["Events"].extend(content)
    return target


@pytest.fixture(scope="session")
def rewritten() -> Callable[..., Path]:
    """Copy a simulated file with other contents: ``rewritten(source, target, change)``, branches in, branches out."""
    return _rewritten


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


@pytest.fixture
def fold_files(tmp_path: Path) -> Callable[..., list[str]]:
    """Write taggers with other random weights, each of which says that it left another fold out."""

    def write(folds: int, *, samples: tuple[str, ...] = ("qcd",), fold_of: Any = int, **config: Any) -> list[str]:
        import torch

        from rs3l_gnn.conventions import SplitFractions
        from rs3l_gnn.conventions.seen_events import SEEN_EVENTS, seen_record
        from rs3l_gnn.models import EdgeConvConfig, Head, HeadConfig, Tagger, make_encoder, save_tagger

        paths = []
        for number in range(folds):
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(number)
                encoder = make_encoder(EdgeConvConfig(width=16, layers=1, k=4, hidden=(8,), dim=4, **config))
                tagger = Tagger(encoder, Head(HeadConfig(hidden=()), dim=4))
            record = seen_record("fine-tuning", samples, SplitFractions(folds=folds, fold=fold_of(number)))
            paths.append(str(tmp_path / f"fold{number}.safetensors"))
            save_tagger(paths[-1], tagger, provenance={SEEN_EVENTS: [record]}, force=True)
        return paths

    return write


@pytest.fixture(scope="session")
def tagger_path(make_tagger: Callable[..., Path]) -> Path:
    """A tagger that takes all 15 features."""
    return make_tagger()


@pytest.fixture(scope="session")
def nano_path(make_tagger: Callable[..., Path]) -> Path:
    """A tagger of the 13 features without impact parameters."""
    return make_tagger(seed=3, features=["nano"])


@pytest.fixture(scope="session")
def triton_repository(tagger_path: Path, nano_path: Path, made_once: Callable[..., Path]) -> Path:
    """Models for a Triton server: ``hbb`` is ``tagger_path``, ``nano`` is ``nano_path``, and ``bare`` says nothing."""

    def fill(folder: Path) -> None:
        from rs3l_gnn.models.triton.repository import write_repository

        write_repository(tagger_path, folder, name="hbb")
        write_repository(nano_path, folder, name="nano")
        (folder / "bare").mkdir()
        (folder / "bare" / "config.pbtxt").write_text('name: "bare"')

    return made_once("triton-repository", fill)


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
