"""The step of fine-tuning: cross entropy, teachers, and penalties that grow during the training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from rs3l_gnn.models import Tagger
from rs3l_gnn.training.config import FinetuneConfig
from rs3l_gnn.training.distillation import distillation_loss
from rs3l_gnn.training.gather import gather_embeddings
from rs3l_gnn.training.jet_batches import JetBatch
from rs3l_gnn.training.memory import MeanMemory, square_of_halves
from rs3l_gnn.training.module import StepModule
from rs3l_gnn.training.monitors import area_under_roc
from rs3l_gnn.training.penalty import BoundPenalty, Means, ScoredJets

__all__ = ["FinetuneModule"]


class FinetuneModule(StepModule):
    """Tagger and cross entropy, and what else the configuration adds to the loss.

    Args:
        tagger: to train.
        config: classes, optimiser and epochs.
        batches: batches in an epoch.
        penalties: those of ``config.penalties``, on the views of the training; none where robustness is 0.
        shares: of the classes in the weights of the training, for the loss of a network that sees nothing; equal if
            None.
    """

    def __init__(
        self,
        tagger: Tagger,
        config: FinetuneConfig,
        batches: int,
        penalties: Sequence[BoundPenalty] = (),
        *,
        shares: Sequence[float] | None = None,
    ) -> None:
        super().__init__(config.optimizer, config.trainer.epochs, batches)
        # A fixed encoder stays outside: it is neither trained nor part of the checkpoints.
        self.net: nn.Module = tagger.head if config.mode == "fixed" else tagger
        self._tagger = (tagger,)  # in a tuple, which torch does not look into
        self._config = config
        self._penalties = tuple(penalties)
        # Part of the checkpoints, so that a training that goes on remembers.
        self.memories = nn.ModuleList(MeanMemory(one.n_means) for one in penalties)
        n_classes = len(config.targets.groups())
        self._shares = [1 / n_classes] * n_classes if shares is None else list(shares)
        self._validation: list[tuple[Tensor, ...]] = []

    @property
    def tagger(self) -> Tagger:
        """What is trained, with the encoder even where that is fixed."""
        return self._tagger[0]

    def parameter_groups(self) -> list[tuple[float, list[nn.Parameter]]]:
        """Head and encoder, each at its own rate."""
        if not isinstance(self.net, Tagger):
            return [(1.0, list(self.net.parameters()))]
        return [
            (1.0, list(self.net.head.parameters())),
            (self._config.encoder_rate, list(self.net.encoder.parameters())),
        ]

    def on_train_epoch_start(self) -> None:
        """Thaw the encoder when its time has come."""
        super().on_train_epoch_start()
        if isinstance(self.net, Tagger):
            self.net.encoder.requires_grad_(self.current_epoch >= self._config.thaw_after)

    def logits(self, batch: JetBatch) -> Tensor:
        """Logits [n_jets], or [n_jets, n_classes] for three or more classes."""
        out: Tensor = self.net(batch.x) if self._config.mode == "fixed" else self.net(batch.x, batch.offsets)
        return out.float()

    def batch_loss(self, batch: JetBatch) -> Tensor:
        """Weighted mean of the cross entropy, mixed with that against the teachers, and the penalties."""
        logits = self.logits(batch)
        per_jet = _cross_entropy(logits, batch.target)
        mix = self._config.distillation
        if mix is not None and batch.teacher is not None:
            taught = distillation_loss(logits, batch.teacher, mix.temperature)
            per_jet = (1 - mix.share) * per_jet + mix.share * taught
        loss = (per_jet * batch.weight).mean()
        if not self._penalties or all(one.share(self.time) == 0 for one in self._config.penalties):
            return loss
        # Efficiencies are those of the joint batch of all processes.
        jets = self._scored(*(gather_embeddings(part) for part in (logits, batch.target, batch.generator)))
        columns = [gather_embeddings(part) for part in batch.columns]
        for number, settings in enumerate(self._config.penalties):
            strength = self._config.robustness * settings.weight * settings.share(self.time)
            if strength > 0:
                found = self._penalties[number].compute(jets, columns[number])
                value = self.memories[number](found) if isinstance(found, Means) else found
                loss = loss + strength * value.float()
        return loss

    def validate_batch(self, batch: JetBatch) -> None:
        """Keep the logits."""
        kept = (self.logits(batch), batch.target, batch.weight, batch.generator, *batch.columns)
        self._validation.append(tuple(part.cpu() for part in kept))

    def validation_metrics(self) -> dict[str, float | None]:
        """Validation loss and, by generator weight, the AUC or for three or more classes the share of right answers.

        With penalties ``val_loss`` holds them at their whole weight at any time of the training, so that the best epoch
        is not one before they have begun; ``val_cross_entropy`` and ``val_<penalty>`` are its parts.
        """
        logits, target, weight, generator, *columns = (
            torch.cat(parts) for parts in zip(*self._validation, strict=True)
        )
        self._validation = []
        loss = (_cross_entropy(logits, target) * weight).double().mean().item()
        metrics: dict[str, float | None] = {"val_loss": loss}
        self.blind_loss = _blind_cross_entropy(target, weight, self._shares)
        if self._penalties:
            self.learning_column = "val_cross_entropy"
            metrics["val_cross_entropy"] = loss
            jets = self._scored(logits, target, generator)
            for number, settings in enumerate(self._config.penalties):
                found = _whole(self._penalties[number], jets, columns[number])
                name = f"val_{settings.name}" + ("" if f"val_{settings.name}" not in metrics else f"_{number + 1}")
                metrics[name] = found
                loss += self._config.robustness * settings.weight * found
            metrics["val_loss"] = loss
        if logits.ndim == 1:
            metrics["val_auc"] = area_under_roc(logits.numpy(), target.numpy(), generator.numpy())
        else:
            correct = (logits.argmax(dim=1) == target).double() * generator
            total = generator.double().sum()
            metrics["val_accuracy"] = (correct.sum() / total).item() if total > 0 else None
        return metrics

    def _scored(self, logits: Tensor, target: Tensor, generator: Tensor) -> ScoredJets:
        return ScoredJets(logits, target, generator, self._config.views_per_event)


def _whole(penalty: BoundPenalty, jets: ScoredJets, columns: Tensor) -> float:
    """The penalty on all events; squares of means by two halves of them, whose product is right on average."""
    found = penalty.compute(jets, columns)
    if not isinstance(found, Means):
        return float(found)
    half = torch.arange(len(jets.target)) // jets.n_views % 2
    parts = [replace(jets, weight=jets.weight * (half == side)) for side in (0, 1)]
    first, second = (penalty.compute(part, columns) for part in parts)
    if not isinstance(first, Means) or not isinstance(second, Means):
        return 0.0
    return float(square_of_halves(first, second))


def _cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    if logits.ndim == 1:
        return nn.functional.binary_cross_entropy_with_logits(logits, target.to(logits.dtype), reduction="none")
    return nn.functional.cross_entropy(logits, target, reduction="none")


def _blind_cross_entropy(target: Tensor, weight: Tensor, shares: Sequence[float]) -> float:
    """Weighted mean of the cross entropy of a network whose answer for every jet is the shares of the classes."""
    probabilities = torch.tensor(shares, dtype=torch.float64)
    return float(-(weight * probabilities[target].log()).mean())
