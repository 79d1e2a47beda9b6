"""Knowledge of an ensemble in one tagger: the mean logits of teachers as targets (arXiv:1503.02531)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rs3l_gnn.conventions import ConfigError, columns_of
from rs3l_gnn.data import ViewsSource
from rs3l_gnn.models import Tagger, load_tagger
from rs3l_gnn.training.jet_batches import jet_table

__all__ = ["distillation_loss", "load_teachers", "teacher_logits"]


def load_teachers(paths: Sequence[str], classes: Sequence[str]) -> list[Tagger]:
    """Taggers that teach one of these classes.

    Raises:
        CheckpointError: a teacher cannot be loaded.
        ConfigError: a teacher has other classes.
    """
    teachers = [load_tagger(path) for path in paths]
    for path, teacher in zip(paths, teachers, strict=True):
        if teacher.classes != tuple(classes):
            raise ConfigError(
                f"the teacher {path} has other classes than the tagger to train",
                got=", ".join(teacher.classes),
                allowed=", ".join(classes),
            )
    return teachers


def teacher_logits(source: ViewsSource, jets: NDArray[np.int64], teachers: Sequence[Tagger]) -> NDArray[np.float32]:
    """Mean logits of the teachers for these jets, zero for the others [n_jets, n_classes].

    Args:
        source: where the particles are; it must have the features of all teachers.
        jets: rising jet indices [n].
        teachers: at least one.
    """

    taken = [columns_of(teacher.encoder.config.features, source.index.feature_names) for teacher in teachers]

    def mean(features: NDArray[np.float32], offsets: NDArray[np.int64]) -> NDArray[np.float32]:
        logits = []
        for teacher, columns in zip(teachers, taken, strict=True):
            own = features if columns is None else features[:, columns]
            z = torch.from_numpy(teacher.encoder.embed(own, offsets))
            with torch.inference_mode():
                logits.append(teacher.head(z).reshape(len(z), -1).numpy())
        return np.asarray(np.mean(logits, axis=0, dtype=np.float64), dtype=np.float32)

    return jet_table(source, jets, teachers[0].head.config.n_classes, mean)


def distillation_loss(logits: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    r"""Cross entropy against the teacher's softened probabilities, times the squared temperature.

    Eq. (1) of arXiv:1503.02531 and its section 2: with q the probabilities from logits divided by the temperature T,
    the loss is :math:`-T^2 \sum_c q^{\text{teacher}}_c \ln q_c`, whose gradient hardly depends on T.

    Args:
        logits: [n_jets] or [n_jets, n_classes].
        teacher: logits [n_jets, 1] or [n_jets, n_classes].
        temperature: T.

    Returns:
        Loss of each jet [n_jets].
    """
    if logits.ndim == 1:
        soft = torch.sigmoid(teacher[:, 0] / temperature)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits / temperature, soft, reduction="none")
    else:
        soft = torch.softmax(teacher / temperature, dim=1)
        loss = torch.nn.functional.cross_entropy(logits / temperature, soft, reduction="none")
    return loss * temperature**2
