"""The tilt of a trained tagger: from its views to a last layer that answers less to the shower."""

from __future__ import annotations

import copy
import logging
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
        trained: indices of the events that the tilt is found on [n].
        watched: indices of the events that tell of it [m].
    """

    source: ViewsSource
    settings: TiltConfig
    targets: JetTargets
    contrasts: ShowerContrasts
    trained: NDArray[np.int64]
    watched: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        source: ViewsSource,
        settings: TiltConfig,
        targets: JetTargets,
        trained: NDArray[np.int64],
        watched: NDArray[np.int64],
    ) -> Tilting:
        """Prepare a tilt.

        Raises:
            InvalidDataError: the views have no such scale.
            TrainingError: the signal has no nominal view, or none of a scale.
        """
        contrasts = ShowerContrasts.of(source.index, settings.scales, settings.by)
        found = cls(source, settings, targets, contrasts, trained, watched)
        rows = found._rows(trained)
        jets = found._signal(rows)
        for name, weights in (
            ("nominal", jets.nominal),
            *((scale.up, jets.up[:, k]) for k, scale in enumerate(contrasts.scales)),
            *((scale.down, jets.down[:, k]) for k, scale in enumerate(contrasts.scales)),
        ):
            if not weights.sum() > 0:
                raise TrainingError(
                    f"robustness: no signal jet of the training tells of {name!r}",
                    hint="take more events, another scale in tilt.scales, or another tilt.by",
                )
        return found

    def tilted(self, tagger: Tagger, share: float) -> tuple[Tagger, dict[str, Any]]:
        """A copy of a tagger with another last layer, and what is to be said of it.

        Args:
            tagger: with one logit; left as it is.
            share: of the responses that is to go, 0 to 1.

        Returns:
            The copy, and a record of strengths, and of responses and AUC before and after on the watched events.
        """
        rows = self._rows(self.trained)
        features, scores = self._outputs(tagger, rows)
        jets = self._signal(rows)
        mean = (jets.nominal / jets.nominal.sum()) @ features
        directions = np.stack([score_function(features, jets, k) for k in range(len(self.contrasts.scales))], axis=1)
        found = strengths(scores, (features - mean) @ directions, jets, self.settings.efficiencies, share)
        out = _with_last_layer(tagger, directions @ found, mean)
        validation = {"before": self._told(tagger), "after": self._told(out)}
        _say(validation)
        record = {
            "robustness": share,
            "by": self.settings.by,
            "strengths": {scale.name: float(x) for scale, x in zip(self.contrasts.scales, found, strict=True)},
            "validation": validation,
        }
        return out, record

    def _rows(self, events: NDArray[np.int64], *, background: bool = False) -> NDArray[np.int64]:
        """Views of events that the tilt is about: nominal and varied ones of the signal, and nominal background."""
        nominal = self.source.index.vartype == NOMINAL.vartype
        varied = (self.contrasts.columns != 0).any(axis=1)
        signal = self.targets.target == 1
        wanted = (signal & (nominal | varied)) | (background & nominal & (self.targets.target == 0))
        return np.flatnonzero(wanted & np.isin(self.targets.event, events))

    def _signal(self, rows: NDArray[np.int64]) -> SignalJets:
        weight = np.maximum(self.targets.generator[rows], 0.0) * (self.targets.target[rows] == 1)
        columns = self.contrasts.columns[rows] * weight[:, None]
        nominal = weight * (self.source.index.vartype[rows] == NOMINAL.vartype)
        return SignalJets(
            nominal, columns[:, ::2], columns[:, 1::2], tuple(scale.logarithm for scale in self.contrasts.scales)
        )

    def _outputs(self, tagger: Tagger, rows: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What the last layer takes [n, n_features], and the logits [n]."""
        encoder = tagger.encoder
        table = jet_table(self.source, rows, encoder.config.dim, encoder.embed, features=encoder.config.features)
        with torch.inference_mode():
            weight = next(tagger.head.parameters())
            z = nn.functional.normalize(torch.from_numpy(table[rows]).to(weight.device, weight.dtype), dim=1)
            hidden = tagger.head.mlp[:-1](z)
            logits = tagger.head.mlp[-1](hidden).squeeze(1)
        return hidden.double().cpu().numpy(), logits.double().cpu().numpy()

    def _told(self, tagger: Tagger) -> dict[str, Any]:
        """AUC and responses on the watched events."""
        rows = self._rows(self.watched, background=True)
        if not len(rows):
            return {}
        _, scores = self._outputs(tagger, rows)
        target = self.targets.target[rows]
        nominal = self.source.index.vartype[rows] == NOMINAL.vartype
        auc = area_under_roc(scores[nominal], target[nominal], self.targets.generator[rows][nominal])
        jets = self._signal(rows)
        told: dict[str, Any] = {"auc": auc}
        if jets.nominal.sum() > 0 and (jets.up.sum(axis=0) > 0).all() and (jets.down.sum(axis=0) > 0).all():
            logits = torch.from_numpy(scores)
            values = responses_to(logits, jets, self.settings.efficiencies).tolist()
            errors = errors_of(logits, jets, self.settings.efficiencies).tolist()
            told["responses"] = [
                {"efficiency": efficiency, "scale": scale.name, "response": value, "error": error}
                for efficiency, row, row_errors in zip(self.settings.efficiencies, values, errors, strict=True)
                for scale, value, error in zip(self.contrasts.scales, row, row_errors, strict=True)
            ]
        return told


def tilt_finished(config: FinetuneConfig, output: Path, *, force: bool) -> SavedTraining:
    """Tilt the tagger that a configuration names, and write it as a training is written, without a history.

    Raises:
        CheckpointError: the tagger cannot be loaded, or has more than one logit.
        InputFileError, InvalidDataError, TrainingError, OutputError: as of :func:`rs3l_gnn.training.finetune`.
    """
    tilt = config.active_tilt
    if config.tagger is None or tilt is None:
        raise ConfigError("there is no tagger to tilt", hint="set tagger and robustness")
    path = checkpoint_path(config.tagger, "tagger")
    tagger = load_tagger(path)
    if tagger.head.config.n_classes != 1:
        raise CheckpointError(
            f"{path} cannot be tilted", got=f"classes {', '.join(tagger.classes)}", allowed="signal and background"
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
        tilted, record["tilt"] = Tilting.of(source, tilt, targets, trained, watched).tilted(tagger, config.robustness)
    with atomic_directory(output, force=force) as partial:
        save_tagger(partial / "tagger.safetensors", tilted, provenance=record)
        (partial / "config.yaml").write_text(dump_config(config), encoding="utf-8")
        write_json(partial / "provenance.json", record)
    return SavedTraining(output / "tagger.safetensors", 0, [])


def _with_last_layer(tagger: Tagger, change: NDArray[np.float64], mean: NDArray[np.float64]) -> Tagger:
    """A copy whose logit is smaller by ``change @ (features - mean)``."""
    head = Head(tagger.head.config, tagger.head.dim)
    head.load_state_dict(copy.deepcopy(tagger.head.state_dict()))
    last = head.mlp[-1]
    assert isinstance(last, nn.Linear)  # noqa: S101  # the head makes it so
    with torch.no_grad():
        last.weight.sub_(torch.from_numpy(change[None]).to(last.weight))
        last.bias.add_(torch.from_numpy(change @ mean[:, None]).to(last.bias))
    return Tagger(tagger.encoder, head.to(next(tagger.head.parameters()).device), classes=tagger.classes)


def _say(told: dict[str, Any]) -> None:
    before, after = told["before"], told["after"]
    if not after:
        return
    _log.info("tilt: AUC %.4f -> %.4f on the validation events", before["auc"] or 0.0, after["auc"] or 0.0)
    for one, other in zip(before.get("responses", ()), after.get("responses", ()), strict=True):
        _log.info(
            "tilt: response of the signal at %g to %s: %+.4f -> %+.4f (each +- %.4f)",
            one["efficiency"], one["scale"], one["response"], other["response"], one["error"],
        )  # fmt: skip  # a list of five
