"""Where the weights of a training come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rs3l_gnn.conventions import file_digest
from rs3l_gnn.evaluation.config import EvaluateConfig
from rs3l_gnn.evaluation.results import Record
from rs3l_gnn.evaluation.stored_scores import StoredScores
from rs3l_gnn.models.digest import joint_digest
from rs3l_gnn.models.folds import FoldNetworks, order_of_folds
from rs3l_gnn.models.stored import checkpoint_path, seen_events

__all__ = ["Origin", "origin_of"]


@dataclass(frozen=True)
class Origin(Record):
    """What weights say of themselves; None where they do not.

    Attributes:
        sha256: of the file.
        digest: of the weights.
        seeds: of the training, by what they are for.
        labels: labelled events of the loss and those that chose the epoch (``total``, ``choice``).
        config_digest: of the settings of the training.
        command: that repeats the training.
    """

    sha256: str | None
    digest: str | None
    seeds: Mapping[str, int]
    labels: Mapping[str, int] | None
    config_digest: str | None
    command: str | None

    @property
    def labels_seen(self) -> str:
        """The labelled events in words."""
        if self.labels is None:
            return "-"
        total, choice = str(self.labels["total"]), self.labels["choice"]
        return f"{total} ({choice} of them choose the epoch)" if choice else total


def origin_of(weights: str, config: EvaluateConfig) -> Origin:
    """What weights say: those of a file, of the folder of a training, or shipped ones by name.

    Of a network of another program the file is known, and of stored scores nothing.

    Raises:
        CheckpointError: they cannot be read.
    """
    from rs3l_gnn.models import inspect_checkpoint

    other = config.others_than_trainings.get(weights)
    if isinstance(other, FoldNetworks):
        order = order_of_folds([(file, seen_events(checkpoint_path(file, "tagger"))) for file in other.files])
        return _of_folds([origin_of(other.files[place], config) for place in order])
    if other is not None:
        sha256 = None if isinstance(other, StoredScores) else file_digest(other.file)
        return Origin(sha256=sha256, digest=None, seeds={}, labels=None, config_digest=None, command=None)
    weights = config.file_of(weights)
    path = Path(checkpoint_path(weights, "tagger"))
    document = inspect_checkpoint(path)
    origin = document.get("provenance") or {}
    settings = Path(weights) / "config.yaml"
    return Origin(
        sha256=file_digest(path) if path.is_file() else None,
        digest=document.get("digest"),
        seeds=origin.get("seeds", {}),
        labels=origin.get("labels"),
        config_digest=origin.get("config_digest"),
        command=f"rs3l finetune {settings} --output {weights}" if settings.is_file() else None,
    )


def _of_folds(parts: Sequence[Origin]) -> Origin:
    """One for the networks of all folds, in their order: the digest of theirs, and the labels that each of them had."""
    together = joint_digest(part.digest or "" for part in parts)
    labels = parts[0].labels if all(part.labels == parts[0].labels for part in parts) else None
    return Origin(sha256=None, digest=together, seeds={}, labels=labels, config_digest=None, command=None)
