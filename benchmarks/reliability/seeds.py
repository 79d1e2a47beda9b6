"""Good files of every kind that a verb reads, small, for damage to be done to."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch

from rs3l_gnn.benchmarks.toys import write_toys
from rs3l_gnn.conventions import FEATURE_NAMES, file_digest, load_config, parse_config

__all__ = ["LHE", "make_seeds", "save_networks"]

LHE = """<LesHouchesEvents version="3.0">
<header>
<initrwgt>
<weightgroup name="scale"><weight id="1001"> muR=2 </weight><weight id="1002"> muR=0.5 </weight></weightgroup>
</initrwgt>
</header>
<init>
 2212 2212 6500 6500 0 0 247000 247000 3 1
 10.0 0.1 10.0 1
</init>
<event>
 5 1 10.0 500.0 0.0078 0.09
 21 -1 0 0 501 502  0.  0.  700. 700. 0. 0. 9.
 21 -1 0 0 502 503  0.  0. -700. 700. 0. 0. 9.
 21 1 1 2 504 503  500. 0.  300. 583.095189485 0. 0. 9.
 21 1 1 2 501 504 -500. 0. -300. 583.095189485 0. 0. 9.
 22 1 1 2 0 0 0. 0. 0. 233.80962103 233.80962103 0. 9.
<rwgt><wgt id='1001'> 9.0 </wgt><wgt id='1002'> 11.0 </wgt></rwgt>
</event>
<event>
 4 1 10.0 480.0 0.0078 0.09
 21 -1 0 0 501 502  0.  0.  600. 600. 0. 0. 9.
 21 -1 0 0 502 501  0.  0. -600. 600. 0. 0. 9.
 21 1 1 2 503 504 0. 520. 299.33259094 600. 0. 0. 9.
 21 1 1 2 504 503 0. -520. -299.33259094 600. 0. 0. 9.
<rwgt><wgt id='1001'> 9.0 </wgt><wgt id='1002'> 11.0 </wgt></rwgt>
</event>
</LesHouchesEvents>
"""

_HEPMC = """HepMC::Version 3.02.05
HepMC::Asciiv3-START_EVENT_LISTING
W Weight
T Herwig\\|7.3.0\\|a tool
E 0 2 6
U GEV MM
W 1.0
P 1 0 21 0 0 7.0e+02 7.0e+02 0 4
P 2 0 21 0 0 -7.0e+02 7.0e+02 0 4
V -1 0 [1,2]
P 3 -1 21 5.0e+02 0 3.0e+02 5.83095189485e+02 0 2
P 4 -1 211 -5.0e+02 0 -3.0e+02 5.83095206194e+02 1.3957e-01 1
V -2 0 [3] @ 1.0e-01 0 0 2.0e-01
P 5 -2 211 3.0e+02 0 1.5e+02 3.35410225e+02 1.3957e-01 1
P 6 -2 22 2.0e+02 0 1.5e+02 2.5e+02 0 1
E 1 1 4
U GEV MM
W 1.0
P 1 0 21 0 0 6.0e+02 6.0e+02 0 4
P 2 0 21 0 0 -6.0e+02 6.0e+02 0 4
V -1 0 [1,2]
P 3 -1 21 0 5.2e+02 2.9933259094e+02 6.0e+02 0 1
P 4 -1 22 0 -5.2e+02 -2.9933259094e+02 6.0e+02 0 1
HepMC::Asciiv3-END_EVENT_LISTING
"""

_HEPMC2 = """HepMC::Version 2.06.09
HepMC::IO_GenEvent-START_EVENT_LISTING
E 0 0 0 0 0 0 0 2 1 2 0 0
U GEV MM
V -1 0 0 0 0 0 2 2 0
P 1 21 0 0 7.0e+02 7.0e+02 0 4 0 0 -1 0
P 2 21 0 0 -7.0e+02 7.0e+02 0 4 0 0 -1 0
P 3 21 5.0e+02 0 3.0e+02 5.83095189485e+02 0 2 0 0 -2 0
P 4 211 -5.0e+02 0 -3.0e+02 5.83095206194e+02 1.3957e-01 1 0 0 0 0
V -2 0 1.0e-01 0 0 2.0e-01 0 2 0
P 5 211 3.0e+02 0 1.5e+02 3.35410225e+02 1.3957e-01 1 0 0 0 0
P 6 22 2.0e+02 0 1.5e+02 2.5e+02 0 1 0 0 0 0
HepMC::IO_GenEvent-END_EVENT_LISTING
"""
_CORRECTIONS = """{"schema_version": 2, "corrections": [{"name": "sf", "version": 1,
"inputs": [{"name": "pt", "type": "real"}], "output": {"name": "weight", "type": "real"},
"data": {"nodetype": "binning", "input": "pt", "edges": [0.0, 500.0, 1000.0], "content": [1.0, 0.9],
"flow": "clamp"}}]}
"""

_CONFIG = """# how views are trained
views: [views.h5]
loss: {name: nt_xent, temperature: 0.1}
encoder: {k: 4, width: 8, layers: 1, hidden: [8], dim: 4}
batch_events: 20
trainer: {epochs: 1, patience: null}
seed: 1
"""
_HISTORY = "epoch,loss,val_loss\n1,5.5,5.25\n2,4.5,\n3,4.25,4.125\n"
_CERTIFIED = '{"273158": [[1, 1279]], "273302": [[1, 459], [461, 470]]}'
_CARD = """imax 1 number of channels
jmax 1 number of backgrounds
kmax * number of nuisance parameters
------
shapes * * shapes.root $CHANNEL/$PROCESS
------
bin a
observation 10.0
------
bin a a
process hbb qcd
process 0 1
rate 3.0 7.0
------
lumi lnN 1.02 1.02
"""


def make_seeds(folder: Path) -> dict[str, Path]:
    """Write all of them; gives their places by name."""
    texts = {
        "events.lhe": LHE,
        "events.hepmc": _HEPMC,
        "events2.hepmc": _HEPMC2,
        "corrections.json": _CORRECTIONS,
        "config.yaml": _CONFIG,
        "history.csv": _HISTORY,
        "certified.json": _CERTIFIED,
        "card.txt": _CARD,
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    toys = write_toys(folder / "toys", variations=("nominal", "seed"), n_events=6, max_candidates=8)
    shutil.copy(toys / "hbb" / "nominal_0000.root", folder / "simulated.root")
    save_networks(folder)
    _exports(folder)
    _views(folder, toys)
    _histograms(folder, toys)
    return {path.name: path for path in sorted(folder.iterdir()) if path.is_file()}


def save_networks(folder: Path) -> None:
    """Small ones, ours and published, with seeded random weights."""
    from rs3l_gnn.models import EdgeConvConfig, Head, HeadConfig, Tagger, make_encoder, save_tagger

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        config = EdgeConvConfig(k=4, width=8, layers=1, hidden=(8,), dim=4)
        tagger = Tagger(make_encoder(config), Head(HeadConfig(hidden=()), dim=4))
    save_tagger(folder / "tagger.safetensors", tagger, provenance={})
    sizes = {"pf_encode.0": (8, 15), "pf_encode.2": (8, 8), "conv1.nn.0": (8, 16)}
    sizes |= {"output.0": (8, 8), "output.2": (4, 8)}
    state = {f"{name}.weight": torch.full(size, 0.1) for name, size in sizes.items()}
    state |= {f"{name}.bias": torch.zeros(size[0]) for name, size in sizes.items()}
    torch.save({"model": state, "opt": {}, "lr": {}}, folder / "published.pt")


def _exports(folder: Path) -> None:
    """The same function in ONNX and TorchScript, and a checkpoint of a training.

    The document knows the sum of the TorchScript file alone: what is opened is a program.
    """
    from onnx import TensorProto, helper, save_model

    from rs3l_gnn.training.sealed import seal

    names = list(FEATURE_NAMES)
    shape = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["jets", "n", len(names)])
    score = helper.make_tensor_value_info("score", TensorProto.FLOAT, ["jets"])
    weight = helper.make_tensor("weight", TensorProto.FLOAT, [len(names)], [0.1] * len(names))
    axes = helper.make_tensor("axes", TensorProto.INT64, [1], [1])
    steps = [
        helper.make_node("ReduceMean", ["features", "axes"], ["mean"], keepdims=0),
        helper.make_node("MatMul", ["mean", "weight"], ["sum"]),
        helper.make_node("Sigmoid", ["sum"], ["score"]),
    ]
    graph = helper.make_graph(steps, "tagger", [shape], [score], [weight, axes])
    save_model(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), folder / "network.onnx"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls TorchScript deprecated
        torch.jit.save(torch.jit.script(_Mean()), folder / "network.pt")
    files = {"network.pt": {"sha256": file_digest(folder / "network.pt")}}
    document = {"kind": "tagger", "features": [{"name": name} for name in names], "files": files}
    (folder / "export.json").write_text(json.dumps(document), encoding="utf-8")
    torch.save({"state_dict": {"weight": torch.ones(4, 4)}, "callbacks": {}, "epoch": 1}, folder / "last.ckpt")
    seal(folder / "last.ckpt")


class _Mean(torch.nn.Module):
    def forward(self, features: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
        del valid
        return torch.sigmoid(0.1 * features.mean(dim=1).sum(dim=-1))


def _views(folder: Path, toys: Path) -> None:
    from rs3l_gnn.data import PairConfig, pair

    document = {"directories": [str(toys)]}
    pair(parse_config(PairConfig, document, where="the seeds"), folder / "views.h5")
    rng = np.random.default_rng(1)
    with h5py.File(folder / "published.h5", "w") as file:
        file["features"] = rng.normal(0, 1, (4, 5, len(FEATURE_NAMES))).astype(np.float32)
        file["jet_features"] = np.tile([500.0, 0.1, 0.2, 510.0, 90.0, 0.2], (4, 1)).astype(np.float32)
        file["jettype"] = np.array([1, 1, 2, 2], np.float32)
        file["vartype"] = np.array([-1, 0, -1, 0], np.float32)


def _histograms(folder: Path, toys: Path) -> None:
    from rs3l_gnn.processors import AnalysisConfig, analyze

    document: dict[str, Any] = {
        "filesets": [str(toys / name / "fileset.json") for name in ("qcd", "hbb")],
        "taggers": {"tagger": str(folder / "tagger.safetensors")},
        "score": {"bins": 4, "start": 0.0, "stop": 1.0},
        "bootstrap": {"replicas": 2},
        "run": {"executor": "iterative", "checkpoints": str(folder / "chunks")},
    }
    analyze(parse_config(AnalysisConfig, document, where="the seeds"), folder / "analysis")
    for name in ("histograms.json", "histograms.root", "output.coffea", "replicas.npz", "report.json"):
        shutil.copy(folder / "analysis" / name, folder / name)
    shutil.copy(next((folder / "chunks").rglob("*.chunk")), folder / "result.chunk")
    fileset = json.loads((toys / "qcd" / "fileset.json").read_text(encoding="utf-8"))
    for entry in fileset.values():
        entry["files"] = {f"toys/qcd/{name}": tree for name, tree in entry["files"].items()}
    (folder / "fileset.json").write_text(json.dumps(fileset), encoding="utf-8")
    load_config(AnalysisConfig, None, [f"filesets=[{folder / 'fileset.json'}]"])
