"""Export to ONNX, TorchScript and ``torch.export``; no file is left that gives other numbers than the model."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rs3l_gnn.conventions import (
    FEATURE_NAMES,
    CheckpointError,
    atomic_directory,
    file_digest,
    provenance,
    refuse_existing,
    write_json,
)
from rs3l_gnn.conventions.jagged import offsets_of
from rs3l_gnn.conventions.locks import holds_output
from rs3l_gnn.models.checkpoints import load_encoder, load_tagger
from rs3l_gnn.models.encoder import Encoder
from rs3l_gnn.models.heads import Tagger
from rs3l_gnn.models.onnx_graph import onnx_session, require_onnx, write_graph
from rs3l_gnn.models.padded import PaddedTagger, padded_batch
from rs3l_gnn.models.stored import feature_table, holds_head, seen_events

__all__ = ["FORMATS", "Format", "export"]

Format = Literal["onnx", "torchscript", "torch"]
FORMATS: tuple[Format, ...] = ("onnx", "torchscript", "torch")
"""``onnx`` writes model.onnx, ``torchscript`` model.pt (for coffea's torch_wrapper), ``torch`` model.pt2."""

_INPUTS = ["features", "valid"]
_BATCHES = (1, 2, 7, 64)
_TOLERANCE = 2e-5

Run = Callable[[NDArray[np.float32], NDArray[np.bool_]], NDArray[np.float32]]
_log = logging.getLogger(__name__)


@holds_output
def export(
    model: Encoder | Tagger | str | Path,
    output: Path | str,
    *,
    formats: Sequence[Format] = FORMATS,
    force: bool = False,
) -> dict[str, Any]:
    """Write a model for other programs, and check every file against the model.

    All files take ``features`` float32 [n_jets, n, C], the encoder's inputs in its own order (``features`` of
    ``export.json``) with anything finite in padding, and
    ``valid`` bool [n_jets, n], True = real particle; both lengths are free. An encoder gives ``embedding``
    [n_jets, dim], a tagger ``score`` [n_jets] (or [n_jets, n_classes]), both float32.

    Args:
        model: the model, or what :func:`rs3l_gnn.models.load_tagger` or ``load_encoder`` takes.
        output: directory to write, with ``export.json`` beside the files.
        formats: which.
        force: replace an existing directory.

    Returns:
        What ``export.json`` holds: inputs, digest, and for each file the largest difference from the model.

    Raises:
        CheckpointError: a file gives other numbers than the model, or an unknown format.
        MissingDependencyError: onnx, onnxscript or onnxruntime is not installed.
        OutputError: the directory exists.
    """
    unknown = [name for name in formats if name not in FORMATS]
    if unknown or not formats:
        raise CheckpointError("unknown export format", got=unknown, allowed=FORMATS)
    output = Path(output)
    refuse_existing(output, force=force)
    if "onnx" in formats:
        require_onnx()
    seen = () if isinstance(model, (Encoder, Tagger)) else seen_events(model)
    if not isinstance(model, (Encoder, Tagger)):
        model = load_tagger(model) if holds_head(model) else load_encoder(model)
    model = copy.deepcopy(model).cpu().float().eval()
    encoder = model.encoder if isinstance(model, Tagger) else model
    padded = encoder.padded()
    if isinstance(model, Tagger):
        padded = PaddedTagger(padded, model.head.mlp, model.head.config)
    padded.eval()
    padded.requires_grad_(requires_grad=False)
    writers = {"onnx": _write_onnx, "torchscript": _write_torchscript, "torch": _write_torch}
    files: dict[str, Any] = {}
    with atomic_directory(output, force=force) as directory:
        for name in formats:
            path, run = writers[name](padded, directory, isinstance(model, Tagger), len(encoder.config.features))
            files[path.name] = {
                "format": name,
                "max_difference": _compare(model, run, path.name),
                "sha256": file_digest(path),
            }
        report = {
            "kind": "tagger" if isinstance(model, Tagger) else "encoder",
            "inputs": {
                "features": {"dtype": "float32", "shape": ["n_jets", "n", len(encoder.config.features)]},
                "valid": {"dtype": "bool", "shape": ["n_jets", "n"]},
            },
            "features": feature_table(encoder.config.features),
            **({"classes": list(model.classes)} if isinstance(model, Tagger) else {}),
            "domain": encoder.domain.record(),
            **({"seen_events": list(seen)} if seen else {}),
            "digest": model.digest,
            "tolerance": _TOLERANCE,
            "files": files,
            "provenance": provenance(config=encoder.config),
        }
        write_json(directory / "export.json", report)
    _log.info("exported %s to %s", ", ".join(files), output)
    return report


def _example(n_inputs: int) -> tuple[Tensor, Tensor]:
    features, valid = padded_batch(*_jets(3, n_inputs, seed=1))
    return torch.from_numpy(features), torch.from_numpy(valid)


def _dimensions() -> dict[str, dict[int, Any]]:
    jets, n = torch.export.Dim("n_jets"), torch.export.Dim("n")
    return {"features": {0: jets, 1: n}, "valid": {0: jets, 1: n}}


def _write_onnx(padded: nn.Module, directory: Path, tagger: bool, n_inputs: int) -> tuple[Path, Run]:
    path = directory / "model.onnx"
    output = "score" if tagger else "embedding"
    write_graph(padded, _example(n_inputs), path, inputs=_INPUTS, output=output, shapes=_dimensions())
    session = onnx_session(path)

    def run(features: NDArray[np.float32], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
        return np.asarray(session.run(None, {"features": features, "valid": valid})[0])

    return path, run


def _write_torchscript(padded: nn.Module, directory: Path, tagger: bool, n_inputs: int) -> tuple[Path, Run]:
    del tagger, n_inputs
    path = directory / "model.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls TorchScript deprecated, and coffea takes nothing else
        torch.jit.save(torch.jit.script(padded), path)
        loaded = torch.jit.load(path, map_location="cpu")  # type: ignore[no-untyped-call]  # torch
    return path, _torch_runner(loaded)


def _write_torch(padded: nn.Module, directory: Path, tagger: bool, n_inputs: int) -> tuple[Path, Run]:
    del tagger
    path = directory / "model.pt2"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as for ONNX
        # Without strict the exporter asks of the number of particles what it cannot prove, that min(n, n n) = n.
        program = torch.export.export(padded, _example(n_inputs), dynamic_shapes=_dimensions(), strict=True)
        torch.export.save(program, path)
        loaded = torch.export.load(path).module()
    return path, _torch_runner(loaded)


def _torch_runner(module: Any) -> Run:
    def run(features: NDArray[np.float32], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
        with torch.no_grad():
            return np.asarray(module(torch.from_numpy(features), torch.from_numpy(valid)).numpy())

    return run


def _jets(n_jets: int, n_inputs: int, *, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    # Multiplicities on both sides of everything that makes a difference: none, one, k, the longest.
    rng = np.random.default_rng(seed)
    counts = np.resize(rng.permutation([0, 1, 2, 23, 24, 25, 37, 60, 100]), n_jets)
    offsets = offsets_of(counts)
    return rng.normal(size=(int(offsets[-1]), n_inputs)).astype(np.float32), offsets.astype(np.int64)


def _compare(model: Encoder | Tagger, run: Run, name: str) -> float:
    largest = 0.0
    names = (model.encoder if isinstance(model, Tagger) else model).config.features
    # The model picks its inputs from the paper's features by name; the files take them in the order of export.json.
    given = FEATURE_NAMES if set(names) <= set(FEATURE_NAMES) else names
    columns = [given.index(name) for name in names]
    for seed, n_jets in enumerate(_BATCHES):
        features, offsets = _jets(n_jets, len(given), seed=seed)
        eager = model.score(features, offsets) if isinstance(model, Tagger) else model.embed(features, offsets)
        exported = run(*padded_batch(features[:, columns], offsets))
        if exported.shape != eager.shape or exported.dtype != eager.dtype:
            raise CheckpointError(
                f"{name} gives another shape", got=f"{exported.dtype} {exported.shape}", allowed=f"{eager.shape}"
            )
        # Embeddings have no fixed scale: relative to each jet's norm. Scores: absolute.
        scale = 1.0 if isinstance(model, Tagger) else np.linalg.norm(eager, axis=1, keepdims=True) + 1e-30
        largest = max(largest, float(np.max(np.abs(exported - eager) / scale, initial=0.0)))
        if not largest <= _TOLERANCE:
            raise CheckpointError(
                f"{name} gives other numbers than the model in a batch of {n_jets} jets",
                got=f"a difference of {largest:.1e}",
                allowed=f"at most {_TOLERANCE:.0e}",
            )
    return largest
