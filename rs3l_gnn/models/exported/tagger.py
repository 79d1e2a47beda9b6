"""A tagger in a file of another format."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import (
    FEATURE_NAMES,
    CheckpointError,
    ConfigError,
    InvalidDataError,
    JetDomain,
    check_offsets,
    config_digest,
    feature_names,
    file_digest,
)
from rs3l_gnn.models.digest import joint_digest
from rs3l_gnn.models.exported.config import ExportedNetwork
from rs3l_gnn.models.exported.runtime import Arrays, open_network
from rs3l_gnn.models.exported.weaver import WeaverInputs, read_document
from rs3l_gnn.models.padded import padded_batch

__all__ = ["ExportedTagger"]

_JETS = 256
_SUM = 1e-3  # of half precision
_OURS = "export.json"

Batch = Callable[[NDArray[np.floating], NDArray[np.integer], NDArray[np.floating]], Arrays]


class ExportedTagger:
    """Scores of a network in ONNX or TorchScript.

    Args:
        config: file, kind and inputs.
        device: ``cpu`` or ``cuda:n``.
        threads: of onnxruntime; None for as many as it wants.

    Raises:
        CheckpointError: file or document cannot be used, or do not fit together.
        MissingDependencyError: onnxruntime is not installed.
        ConfigError: the device is not there.

    Attributes:
        classes: names of the scores in their order; ``signal`` for one.
        features: those that are needed.
        inputs: columns of what it is given: the paper's 15, or its own features where it takes others.
        domain: the kind of jets it was trained on, as far as its document says.
        digest: SHA-256 of the file, its document and the settings.
        seen_events: what its document says of the events that it was trained on.
    """

    def __init__(self, config: ExportedNetwork, *, device: str = "cpu", threads: int | None = None) -> None:
        self.config = config
        path = config.preprocess or config.file.with_name(_OURS)
        if config.preprocess is None and not path.exists():
            raise CheckpointError(
                f"nothing says what {config.file} takes: there is no {_OURS} beside it",
                hint="name the document of weaver-core as preprocess",
            )
        document = read_document(path)
        self.domain = JetDomain(pt_min=config.pt_min)
        self.seen_events: tuple[dict[str, Any], ...] = tuple(document.get("seen_events") or ())
        read = self._weaver if "input_names" in document else self._ours
        batch, names, classes = read(document, path)
        _refuse_another(document, config.file, path)
        self._batch: Batch = batch
        self.classes: tuple[str, ...] = config.classes or classes or ()
        self._run = open_network(config.kind, config.file, names, device=device, threads=threads)
        settings = config.model_copy(update={"file": Path("file"), "preprocess": None})  # wherever they lie
        parts = (file_digest(config.file), file_digest(path), config_digest(settings))
        self.digest = joint_digest(parts)
        if not self.classes:
            # The network alone knows how many scores it gives.
            found = self._scores(np.zeros((2, len(self.inputs))), np.array([0, 2]), np.zeros((1, 2)))
            n = 1 if found.ndim == 1 else found.shape[1]
            self.classes = ("signal",) if n == 1 else tuple(f"class_{number}" for number in range(n))

    def score(
        self, features: NDArray[np.floating], offsets: NDArray[np.integer], axes: NDArray[np.floating]
    ) -> NDArray[np.float32]:
        """Probabilities of each jet.

        Args:
            features: columns :attr:`inputs` [n_particles, n_features], by falling pT in each jet.
            offsets: first particle of each jet [n_jets + 1].
            axes: eta and phi of the jets [n_jets, 2].

        Returns:
            In [0, 1], [n_jets] for one class, [n_jets, n_classes] for more. A jet without candidates has what the
            network gives for it, which may be NaN.

        Raises:
            InvalidDataError: features of another shape, or scores that are no probabilities.
            CheckpointError: the network takes other inputs, or gives another number of scores than there are classes.
        """
        if features.ndim != 2 or features.shape[1] != len(self.inputs):
            raise InvalidDataError(
                "features have the wrong shape", got=features.shape, allowed=f"[n_particles, {len(self.inputs)}]"
            )
        offsets = check_offsets(offsets, len(features))
        n_jets, n_classes = len(offsets) - 1, len(self.classes)
        out = np.empty((n_jets, n_classes), np.float32)
        for start in range(0, n_jets, _JETS):
            cut = offsets[start : start + _JETS + 1]
            jets = slice(start, start + len(cut) - 1)
            found = self._scores(features[cut[0] : cut[-1]], cut - cut[0], axes[jets])
            found = found[:, None] if found.ndim == 1 else found
            if found.shape != (len(cut) - 1, n_classes):
                raise CheckpointError(
                    f"{self.config.file} gives scores of shape {list(found.shape)} for {len(cut) - 1} jets",
                    allowed=f"one for each class: {', '.join(self.classes)}",
                )
            out[jets] = self._probabilities(found, np.diff(cut) > 0)
        return out[:, 0] if n_classes == 1 else out

    def _scores(
        self, features: NDArray[np.floating], offsets: NDArray[np.integer], axes: NDArray[np.floating]
    ) -> NDArray[np.float32]:
        return self._run(self._batch(features, offsets, axes))

    def _probabilities(self, found: NDArray[np.float32], filled: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Of logits or of what should be probabilities [n_jets, n_classes]; ``filled`` is False for empty jets."""
        one = found.shape[1] == 1
        if not np.isfinite(found[filled]).all():
            raise InvalidDataError(f"{self.config.file} gives scores that are not finite")
        if self.config.output == "logits":
            logits = found.astype(np.float64)
            powers = np.exp(logits - np.maximum(logits.max(axis=1, keepdims=True), 0.0 if one else -np.inf))
            rest = np.exp(-np.maximum(logits, 0.0)) if one else 0.0
            return np.asarray(powers / (powers.sum(axis=1, keepdims=True) + rest), dtype=np.float32)
        some = found[filled]
        if (some < -_SUM).any() or (some > 1 + _SUM).any() or (not one and (abs(some.sum(axis=1) - 1) > _SUM).any()):
            raise InvalidDataError(
                f"{self.config.file} gives no probabilities",
                got=[round(float(value), 4) for value in some[0]],
                hint="say output: logits, if these are logits",
            )
        return np.clip(found, 0.0, 1.0)

    def _weaver(self, document: dict[str, Any], path: Path) -> tuple[Batch, Sequence[str], tuple[str, ...] | None]:
        inputs = WeaverInputs(document, self.config.variables, padding=self.config.padding, where=str(path))
        self.features, self.inputs = inputs.features, FEATURE_NAMES
        return inputs.batch, inputs.names, inputs.classes

    def _ours(self, document: dict[str, Any], path: Path) -> tuple[Batch, Sequence[str], tuple[str, ...] | None]:
        try:
            kind, names = document["kind"], tuple(str(feature["name"]) for feature in document["features"])
            self.inputs = FEATURE_NAMES if set(names) <= set(FEATURE_NAMES) else feature_names(names)
            columns = [self.inputs.index(name) for name in names]
        except ConfigError as error:
            raise CheckpointError(f"{path}: {error}") from error
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise CheckpointError(
                f"{path} is neither a preprocessing document of weaver-core nor an export.json of rs3l export"
            ) from error
        if kind != "tagger":
            raise CheckpointError(f"{self.config.file} is an {kind}, which gives no scores", hint="export a tagger")
        self.features = names
        known = JetDomain.from_record(document.get("domain"))
        self.domain = known if self.config.pt_min is None else replace(known, pt_min=self.config.pt_min)

        def batch(
            features: NDArray[np.floating], offsets: NDArray[np.integer], axes: NDArray[np.floating]
        ) -> dict[str, NDArray[Any]]:
            del axes
            padded, valid = padded_batch(features[:, columns], offsets)
            return {"features": padded, "valid": valid}

        classes = document.get("classes")
        return batch, ("features", "valid"), tuple(map(str, classes)) if isinstance(classes, list) else None


def _refuse_another(document: dict[str, Any], file: Path, path: Path) -> None:
    """Where the document holds the sum of the file, a library never sees one that was damaged since."""
    files = document.get("files")
    entry = files.get(file.name) if isinstance(files, dict) else None
    wanted = entry.get("sha256") if isinstance(entry, dict) else None
    if wanted is not None and file.is_file() and file_digest(file) != wanted:
        raise CheckpointError(f"{file} is not the file that {path} describes", hint="export it again")
