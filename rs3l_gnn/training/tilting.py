"""The tilt of a trained tagger: from its views to a last layer that answers less to the shower."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from rs3l_gnn.conventions import (
    NOMINAL,
    CheckpointError,
    ConfigError,
    TrainingError,
    atomic_directory,
    dump_config,
    write_json,
)
from rs3l_gnn.conventions.seen_events import SEEN_EVENTS, seen_record
from rs3l_gnn.data import ViewsSource
from rs3l_gnn.models import Head, Tagger, load_tagger, save_tagger
from rs3l_gnn.models.stored import checkpoint_path, seen_events
from rs3l_gnn.training.config import FinetuneConfig
from rs3l_gnn.training.jet_batches import jet_table
from rs3l_gnn.training.jet_targets import JetTargets
from rs3l_gnn.training.monitors import area_under_roc
from rs3l_gnn.training.outputs import SavedTraining, identity, samples_of
from rs3l_gnn.training.recipe_config import TiltConfig
from rs3l_gnn.training.shower_contrasts import ShowerContrasts
from rs3l_gnn.training.tilt import SignalJets, errors_of, responses_to, score_function, strengths

__all__ = ["Tilting", "tilt_finished"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tilting:
    """Views that a tilt is found on, and those that tell what it does.

    Attributes:
        source: the views.
        settings: scales and working points.
        targets: class and weights of every view.
        contrasts: weights of the views under the two scales.
        classes: names of the classes.
        trained: indices of the events that the tilt is found on [n].
        watched: indices of the events that tell of it [m].
    """

    source: ViewsSource
    settings: TiltConfig
    targets: JetTargets
    contrasts: ShowerContrasts
    classes: tuple[str, ...]
    trained: NDArray[np.int64]
    watched: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        source: ViewsSource,
        settings: TiltConfig,
        targets: JetTargets,
        classes: Iterable[str],
        *,
        trained: NDArray[np.int64],
        watched: NDArray[np.int64],
    ) -> Tilting:
        """Prepare a tilt; arguments as the attributes.

        Raises:
            InvalidDataError: the views have no such scale.
            TrainingError: a signal has no nominal view, or none of a scale.
        """
        contrasts = ShowerContrasts.of(source.index, settings.scales, settings.by)
        found = cls(source, settings, targets, contrasts, tuple(classes), trained, watched)
        rows = found._rows(trained)
        for name, number in found._signals().items():
            jets = found._jets(rows, number)
            sums = np.concatenate([[jets.nominal.sum()], jets.up.sum(axis=0), jets.down.sum(axis=0)])
            kinds = [NOMINAL.name, *(one.up for one in contrasts.scales), *(one.down for one in contrasts.scales)]
            for kind, total in zip(kinds, sums, strict=True):
                if not total > 0:
                    raise TrainingError(
                        f"robustness: no {name} jet of the training tells of {kind!r}",
                        hint="take more events, another scale in tilt.scales, or another tilt.by",
                    )
        return found

    def tilted(self, tagger: Tagger, share: float) -> tuple[Tagger, dict[str, Any]]:
        """A copy of a tagger with another last layer, and what is to be said of it.

        Args:
            tagger: left as it is.
            share: of the responses that is to go, 0 to 1.

        Returns:
            The copy, and a record of strengths, and of responses and AUC before and after on the watched events.
        """
        before = _Layer.of(tagger)
        rows, told_rows = self._rows(self.trained), self._rows(self.watched, others=True)
        inputs, told_inputs = (self._inputs(tagger, some) for some in (rows, told_rows))
        after, found = before, {}
        for name, number in self._signals().items():
            jets = self._jets(rows, number)
            mean = (jets.nominal / jets.nominal.sum()) @ inputs
            scales = range(len(self.contrasts.scales))
            directions = np.stack([score_function(inputs, jets, k) for k in scales], axis=1)
            scores = before.discriminant(inputs, number, self._background(number))
            strength = strengths(scores, (inputs - mean) @ directions, jets, self.settings.efficiencies, share)
            after = after.turned(number, directions @ strength, mean)
            found[name] = dict(zip((one.name for one in self.contrasts.scales), strength.tolist(), strict=True))
        validation = {
            "before": self._told(before, told_rows, told_inputs),
            "after": self._told(after, told_rows, told_inputs),
        }
        _say(validation)
        record = {"robustness": share, "by": self.settings.by, "strengths": found, "validation": validation}
        return after.on(tagger), record

    def _signals(self) -> dict[str, int]:
        """Classes whose response is to go, and their numbers."""
        named = self.settings.classes or self.classes[1:2]
        return {name: self.classes.index(name) for name in named}

    def _background(self, number: int) -> list[int]:
        """Numbers of the classes that a signal is told from."""
        signals = set(self._signals().values())
        named = self.settings.background
        found = [self.classes.index(name) for name in named] if named else set(range(len(self.classes))) - signals
        return sorted(set(found) - {number})

    def _rows(self, events: NDArray[np.int64], *, others: bool = False) -> NDArray[np.int64]:
        """Nominal and varied views of the signals; with ``others`` the nominal ones of the other classes, too."""
        nominal = self.source.index.vartype == NOMINAL.vartype
        varied = (self.contrasts.columns != 0).any(axis=1)
        signal = np.isin(self.targets.target, list(self._signals().values()))
        wanted = (signal & (nominal | varied)) | (others & nominal & (self.targets.target >= 0))
        return np.flatnonzero(wanted & np.isin(self.targets.event, events))

    def _jets(self, rows: NDArray[np.int64], number: int) -> SignalJets:
        weight = np.maximum(self.targets.generator[rows], 0.0) * (self.targets.target[rows] == number)
        columns = self.contrasts.columns[rows] * weight[:, None]
        nominal = weight * (self.source.index.vartype[rows] == NOMINAL.vartype)
        return SignalJets(
            nominal, columns[:, ::2], columns[:, 1::2], tuple(scale.logarithm for scale in self.contrasts.scales)
        )

    def _inputs(self, tagger: Tagger, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """What the last layer takes [n, n_features]."""
        encoder = tagger.encoder
        table = jet_table(self.source, rows, encoder.config.dim, encoder.embed, features=encoder.config.features)
        with torch.inference_mode():
            weight = next(tagger.head.parameters())
            z = nn.functional.normalize(torch.from_numpy(table[rows]).to(weight.device, weight.dtype), dim=1)
            return np.asarray(tagger.head.mlp[:-1](z).double().cpu().numpy())

    def _told(self, layer: _Layer, rows: NDArray[np.int64], inputs: NDArray[np.float64]) -> dict[str, Any]:
        """AUC and responses of each signal on some views, so far as they tell."""
        nominal = self.source.index.vartype[rows] == NOMINAL.vartype
        told = {}
        for name, number in self._signals().items():
            background, target = self._background(number), self.targets.target[rows]
            scores = layer.discriminant(inputs, number, background)
            told_apart = nominal & np.isin(target, [number, *background])
            generator = self.targets.generator[rows][told_apart]
            auc = area_under_roc(scores[told_apart], target[told_apart] == number, generator)
            told[name] = {"auc": auc, "responses": self._responses(scores, self._jets(rows, number))}
        return told

    def _responses(self, scores: NDArray[np.float64], jets: SignalJets) -> list[dict[str, Any]]:
        if not (jets.nominal.sum() > 0 and (jets.up.sum(axis=0) > 0).all() and (jets.down.sum(axis=0) > 0).all()):
            return []
        logits, efficiencies = torch.from_numpy(scores), self.settings.efficiencies
        values, errors = responses_to(logits, jets, efficiencies), errors_of(logits, jets, efficiencies)
        return [
            {"efficiency": efficiency, "scale": scale.name, "response": float(value), "error": float(error)}
            for efficiency, row, row_errors in zip(efficiencies, values, errors, strict=True)
            for scale, value, error in zip(self.contrasts.scales, row, row_errors, strict=True)
        ]


@dataclass(frozen=True)
class _Layer:
    """The last layer of a head.

    Attributes:
        weight: [n_logits, n_features].
        bias: [n_logits].
    """

    weight: NDArray[np.float64]
    bias: NDArray[np.float64]

    @classmethod
    def of(cls, tagger: Tagger) -> _Layer:
        return cls(*(part.detach().double().cpu().numpy() for part in _parameters(tagger.head)))

    def discriminant(self, inputs: NDArray[np.float64], number: int, background: Sequence[int]) -> NDArray[np.float64]:
        """Logit of a class against some others [n]."""
        logits = inputs @ self.weight.T + self.bias
        if logits.shape[1] == 1:
            return np.asarray(logits[:, 0])
        return np.asarray(logits[:, number] - np.logaddexp.reduce(logits[:, background], axis=1))

    def turned(self, number: int, change: NDArray[np.float64], mean: NDArray[np.float64]) -> _Layer:
        """With a logit of a class that is smaller by ``change @ (features - mean)``."""
        row = number if len(self.weight) > 1 else 0
        weight, bias = self.weight.copy(), self.bias.copy()
        weight[row] -= change
        bias[row] += change @ mean
        return _Layer(weight, bias)

    def on(self, tagger: Tagger) -> Tagger:
        """A copy of a tagger with this layer; the encoder is the same."""
        head = Head(tagger.head.config, tagger.head.dim)
        head.load_state_dict(copy.deepcopy(tagger.head.state_dict()))
        with torch.no_grad():
            for parameter, values in zip(_parameters(head), (self.weight, self.bias), strict=True):
                parameter.copy_(torch.from_numpy(values))
        return Tagger(tagger.encoder, head.to(next(tagger.head.parameters()).device), classes=tagger.classes)


def _parameters(head: Head) -> list[nn.Parameter]:
    """Weight and bias of the last layer."""
    return list(head.mlp[-1].parameters())


def tilt_finished(config: FinetuneConfig, output: Path, *, force: bool) -> SavedTraining:
    """Tilt the tagger that a configuration names, and write it as a training is written, without a history.

    Raises:
        CheckpointError: the tagger cannot be loaded, or has other classes.
        InputFileError, InvalidDataError, TrainingError, OutputError: as of :func:`rs3l_gnn.training.finetune`.
    """
    tilt = config.active_tilt
    if config.tagger is None or tilt is None:
        raise ConfigError("there is no tagger to tilt", hint="set tagger and robustness")
    path = checkpoint_path(config.tagger, "tagger")
    tagger = load_tagger(path)
    classes = tuple(config.targets.groups())
    wanted = ("signal",) if len(classes) == 2 else classes
    if tagger.classes != wanted:
        raise CheckpointError(
            f"{path} is a tagger of other classes than targets",
            got=", ".join(tagger.classes),
            allowed=", ".join(wanted),
        )
    with ViewsSource(config.views, shower_weights=config.needs_shower_weights) as source:
        source.require_features(tagger.encoder.config.features, what="the tagger")
        targets = JetTargets.of(source, config)
        trained, watched = targets.events(source.index, config)
        record = {**identity(config, source.paths, config.seed), "tagger_digest": tagger.digest}
        record[SEEN_EVENTS] = [
            *seen_events(path),
            seen_record("tilt", samples_of(source.index, trained, watched), config.splits),
        ]
        tilting = Tilting.of(source, tilt, targets, classes, trained=trained, watched=watched)
        tilted, record["tilt"] = tilting.tilted(tagger, config.robustness)
    with atomic_directory(output, force=force) as partial:
        save_tagger(partial / "tagger.safetensors", tilted, provenance=record)
        (partial / "config.yaml").write_text(dump_config(config), encoding="utf-8")
        write_json(partial / "provenance.json", record)
    return SavedTraining(output / "tagger.safetensors", 0, [])


def _say(told: dict[str, Any]) -> None:
    for name, before in told["before"].items():
        after = told["after"][name]
        if before["auc"] is not None:
            _log.info("tilt: AUC of %s %.4f -> %.4f on the validation events", name, before["auc"], after["auc"])
        for one, other in zip(before["responses"], after["responses"], strict=True):
            _log.info(
                "tilt: response of %s at %g to %s: %+.4f -> %+.4f (each +- %.4f)",
                name, one["efficiency"], one["scale"], one["response"], other["response"], one["error"],
            )  # fmt: skip  # a list of six
