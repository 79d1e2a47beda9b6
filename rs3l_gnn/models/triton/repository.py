"""Write a network as Triton wants it: ``NAME/config.pbtxt`` and ``NAME/1/model.onnx``, which takes candidates."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from rs3l_gnn.conventions import CheckpointError, atomic_directory, provenance, refuse_existing, write_json
from rs3l_gnn.conventions.jagged import offsets_of
from rs3l_gnn.models.checkpoints import load_encoder, load_tagger
from rs3l_gnn.models.encoder import Encoder
from rs3l_gnn.models.heads import Tagger
from rs3l_gnn.models.onnx_graph import onnx_session, require_onnx, write_graph
from rs3l_gnn.models.padded import PaddedTagger
from rs3l_gnn.models.stored import feature_table, holds_head
from rs3l_gnn.models.triton.candidates import CANDIDATE_FIELDS, JET_FIELDS, PARAMETER, candidates_of, padded_candidates
from rs3l_gnn.models.triton.preprocessing import FromCandidates

__all__ = ["TOLERANCE", "write_repository"]

TOLERANCE = 5e-5
"""Largest difference of a score from the model, or of an embedding relative to its length: the graph computes the
features itself, from numbers in single precision."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_BATCHES = (1, 3, 16, 64)
_COUNTS = (0, 1, 2, 23, 24, 25, 60, 100)
_INPUTS = ("candidates", "jets", "valid")
_CONFIG = """\
# Written by rs3l export --triton; candidates: {candidates}; jets: {jets}.
name: {name}
backend: "onnxruntime"
max_batch_size: {batch}
input [
  {{ name: "candidates" data_type: TYPE_FP32 dims: [ -1, {n_candidates} ] }},
  {{ name: "jets" data_type: TYPE_FP32 dims: [ {n_jets} ] }},
  {{ name: "valid" data_type: TYPE_BOOL dims: [ -1 ] }}
]
output [
  {{ name: "{output}" data_type: TYPE_FP32 dims: [ {n_out} ] }}
]
dynamic_batching {{
  preferred_batch_size: [ {preferred}, {batch} ]
  max_queue_delay_microseconds: 500
}}
model_warmup [
  {{
    name: "one jet of padding"
    batch_size: 1
    inputs {{ key: "candidates" value {{ data_type: TYPE_FP32 dims: [ 32, {n_candidates} ] zero_data: true }} }}
    inputs {{ key: "jets" value {{ data_type: TYPE_FP32 dims: [ {n_jets} ] zero_data: true }} }}
    inputs {{ key: "valid" value {{ data_type: TYPE_BOOL dims: [ 32 ] zero_data: true }} }}
  }}
]
parameters {{ key: "{parameter}" value {{ string_value: {document} }} }}
"""


def write_repository(
    model: Encoder | Tagger | str | Path, output: Path | str, *, name: str | None = None, force: bool = False
) -> Path:
    """Write a model repository, or add a model to one.

    The model takes ``candidates`` float32 [n_jets, n, 8] (:data:`CANDIDATE_FIELDS`), ``jets`` float32 [n_jets, 4]
    (:data:`JET_FIELDS`) and ``valid`` bool [n_jets, n]; it gives ``score`` [n_jets, n_classes] or ``embedding``
    [n_jets, dim]. Jets of a request are padded to one length; Triton batches requests of the same length.

    Args:
        model: the model, or what :func:`rs3l_gnn.models.load_tagger` or ``load_encoder`` takes.
        output: the repository.
        name: of the model in it; that of the shipped network or of the file.
        force: replace a model of this name.

    Returns:
        The folder of the model.

    Raises:
        CheckpointError: the name cannot be one, the network takes features that no graph computes, or the graph gives
            other numbers than the model.
        MissingDependencyError: onnx, onnxscript or onnxruntime is not installed.
        OutputError: there is a model of this name.
    """
    name = name or (Path(str(model)).stem if isinstance(model, (str, Path)) else "")
    if not _NAME.fullmatch(name):
        raise CheckpointError("the model needs a name of letters, digits, '_', '-' and '.'", got=repr(name))
    folder = Path(output) / name
    refuse_existing(folder, force=force)
    require_onnx()
    if not isinstance(model, (Encoder, Tagger)):
        model = load_tagger(model) if holds_head(model) else load_encoder(model)
    model = copy.deepcopy(model).cpu().float().eval()
    encoder = model.encoder if isinstance(model, Tagger) else model
    with atomic_directory(folder, force=force) as directory:
        (directory / "1").mkdir()
        path = directory / "1" / "model.onnx"
        _write_onnx(model, encoder, path)
        difference = _compare(model, path)
        document = {
            "kind": "tagger" if isinstance(model, Tagger) else "encoder",
            "features": feature_table(encoder.config.features),
            "classes": list(model.classes) if isinstance(model, Tagger) else [],
            "domain": encoder.domain.record(),
            "digest": model.digest,
        }
        (directory / "config.pbtxt").write_text(_config(name, model, document), encoding="utf-8")
        record = {**document, "max_difference": difference, "provenance": provenance(config=encoder.config)}
        write_json(directory / "export.json", record)
    return folder


def _config(name: str, model: Encoder | Tagger, document: dict[str, Any]) -> str:
    tagger = isinstance(model, Tagger)
    return _CONFIG.format(
        name=json.dumps(name),
        candidates=", ".join(CANDIDATE_FIELDS),
        jets=", ".join(JET_FIELDS),
        n_candidates=len(CANDIDATE_FIELDS),
        n_jets=len(JET_FIELDS),
        output="score" if tagger else "embedding",
        n_out=len(model.classes) if isinstance(model, Tagger) else model.config.dim,
        batch=256,
        preferred=64,
        parameter=PARAMETER,
        document=json.dumps(json.dumps(document)),  # ASCII, and the quotes of JSON are those of the format
    )


def _write_onnx(model: Encoder | Tagger, encoder: Encoder, path: Path) -> None:
    padded = encoder.padded()
    if isinstance(model, Tagger):
        padded = PaddedTagger(padded, model.head.mlp, model.head.config)
    graph = FromCandidates(padded, encoder.config.features).eval()
    graph.requires_grad_(requires_grad=False)
    jets, n = torch.export.Dim("n_jets"), torch.export.Dim("n")
    example = tuple(map(torch.from_numpy, _batch(*_jets(3, seed=1))))
    shapes = {"candidates": {0: jets, 1: n}, "jets": {0: jets}, "valid": {0: jets, 1: n}}
    output = "score" if isinstance(model, Tagger) else "embedding"
    write_graph(graph, example, path, inputs=_INPUTS, output=output, shapes=shapes)


def _jets(n_jets: int, *, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Features of invented jets that a detector could see [n_particles, 15], and offsets; some jets are empty."""
    rng = np.random.default_rng(seed)
    offsets = offsets_of(np.resize(rng.permutation(_COUNTS), n_jets)).astype(np.int64)
    n = int(offsets[-1])
    kind = rng.integers(0, 5, n)  # photon, muon, electron, charged hadron, neutral hadron
    charge = np.where(np.isin(kind, (1, 2, 3)), rng.choice([-1, 1], n), 0)
    deta, dphi = rng.normal(0, 0.3, (2, n))
    pt = rng.exponential(10.0, n) + 1.0
    energy = pt * np.cosh(rng.normal(0, 1.0, n))
    jet = np.repeat(rng.uniform(450, 900, (len(offsets) - 1, 2)), np.diff(offsets), axis=0)
    impact = np.tanh(rng.normal(0, 1.0, (2, n))) * (charge != 0)
    columns = [np.log(pt), np.log(pt / jet[:, 0]), deta, dphi, np.log(energy), np.log(energy / jet[:, 1]), charge]
    columns += [*impact, np.hypot(deta, dphi), *(kind == place for place in range(5))]
    return np.stack(columns, axis=1).astype(np.float32), offsets


def _batch(
    features: NDArray[np.float32], offsets: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
    candidates, jets = candidates_of(features, offsets)
    padded, valid = padded_candidates(candidates, offsets)
    return padded, jets, valid


def _compare(model: Encoder | Tagger, path: Path) -> float:
    """Largest difference of the file from the model, over batch sizes and multiplicities."""
    session = onnx_session(path)
    largest = 0.0
    for seed, n_jets in enumerate(_BATCHES):
        features, offsets = _jets(n_jets, seed=seed)
        found = session.run(None, dict(zip(_INPUTS, _batch(features, offsets), strict=True)))[0]
        eager = model.score(features, offsets) if isinstance(model, Tagger) else model.embed(features, offsets)
        eager = eager[:, None] if eager.ndim == 1 else eager
        scale = 1.0 if isinstance(model, Tagger) else np.linalg.norm(eager, axis=1, keepdims=True) + 1e-30
        largest = max(largest, float(np.max(np.abs(found - eager) / scale, initial=0.0)))
        if found.shape != eager.shape or not largest <= TOLERANCE:
            raise CheckpointError(
                f"{path.name} gives other numbers than the model in a batch of {n_jets} jets",
                got=f"a difference of {largest:.1e}, shape {found.shape}",
                allowed=f"at most {TOLERANCE:.0e}, shape {eager.shape}",
            )
    return largest
