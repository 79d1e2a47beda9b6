"""Settings of pre-training and fine-tuning. No torch in here, so that configurations parse quickly."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, NonNegativeFloat, model_validator

from rs3l_gnn.conventions import NOMINAL, BaseConfig, SplitFractions
from rs3l_gnn.data import TrainingWeightConfig
from rs3l_gnn.models import AnyEncoder, EdgeConvConfig, HeadConfig
from rs3l_gnn.models.config import LayerSizes
from rs3l_gnn.training.loss import Loss
from rs3l_gnn.training.loss_registry import AnyLoss
from rs3l_gnn.training.losses import NTXent
from rs3l_gnn.training.penalty import Penalty
from rs3l_gnn.training.penalty_registry import AnyPenalty
from rs3l_gnn.training.recipe_config import DistillationConfig, FreePartConfig, RestartConfig, TiltConfig

__all__ = [
    "FinetuneConfig",
    "OptimizerConfig",
    "Paths",
    "PretrainConfig",
    "ProjectionConfig",
    "SplitConfig",
    "TargetConfig",
    "TrainerConfig",
]

QCD_TYPES = ("Q", "C", "B", "G_QQ", "G_CC", "G_BB", "GG")


def _as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, (str, Path)) else value


Paths = Annotated[tuple[Path, ...], BeforeValidator(_as_tuple)]
"""One path or several."""


Accelerator = Literal["cpu", "gpu", "cuda", "mps", "tpu", "auto"]
Precision = Literal[
    "32-true", "64-true", "16-true", "bf16-true", "16-mixed", "bf16-mixed", "transformer-engine",
    "transformer-engine-float16",
]  # fmt: skip  # one name a line would take a screen
CallbackName = Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]


class ProjectionConfig(BaseConfig):
    """Network between the direction of the embedding and the loss (arXiv:2002.05709, section 4.2)."""

    hidden: LayerSizes = Field((128,), description="hidden layers, with ReLU between")
    dim: int = Field(64, ge=2, description="length of the vector that the loss sees")


class SplitConfig(BaseConfig):
    """An embedding of two parts: the loss on views sees the first numbers alone, the others are free to differ."""

    invariant: int = Field(ge=1, description="numbers of the embedding that the loss on views sees")
    loss: AnyLoss | None = Field(
        None, description="loss on the free part, such as {name: supervised}; none if null, and it is what falls out"
    )
    weight: float = Field(1.0, ge=0, description="of that loss")


class OptimizerConfig(BaseConfig):
    """Adam and its learning rate."""

    learning_rate: float = Field(1e-3, gt=0, allow_inf_nan=False, description="at the start, or after the warm-up")
    schedule: Literal["constant", "halve", "cosine"] = Field("halve", description="of the learning rate")
    halve_every: int = Field(50, ge=1, description="epochs, for schedule halve")
    warmup_epochs: float = Field(0.0, ge=0, description="linear rise from zero")
    weight_decay: float = Field(0.0, ge=0, description="decoupled, as in AdamW")
    gradient_clip: float | None = Field(None, gt=0, description="largest norm of the gradient")


class TrainerConfig(BaseConfig):
    """How a training runs."""

    epochs: int = Field(200, ge=1, description="passes over the training events")
    patience: int | None = Field(None, ge=1, description="stop after so many epochs without a better validation loss")
    keep: Literal["best", "last"] = Field("last", description="epoch whose weights become the result")
    accelerator: Accelerator = Field("cpu", description="where to compute; auto takes what there is")
    devices: int = Field(1, ge=1, description="processes; more than one trains with DistributedDataParallel")
    strategy: str = Field("auto", description="how Lightning shares the work among devices; auto is ddp for several")
    precision: Precision = Field("32-true", description="of the networks; losses are in 32 bit at least")
    accumulate: int = Field(1, ge=1, description="batches whose gradients are added up for one step")
    threads: int | None = Field(None, ge=1, description="threads a process; torch's number if null")
    prefetch: int = Field(2, ge=0, description="batches prepared ahead in a thread; the result does not depend on it")
    buffer_events: int | None = Field(
        None, ge=1, description="events held in memory and shuffled with one another; all if null"
    )
    loggers: dict[Literal["csv", "tensorboard", "mlflow", "wandb"], dict[str, Any]] = Field(
        {}, description="loggers of Lightning with their options, e.g. {csv: {}, wandb: {project: jets}}"
    )
    log_every: int = Field(50, ge=1, description="steps between two losses for the loggers")
    callbacks: dict[CallbackName, dict[str, Any]] = Field(
        {},
        description="callbacks of Lightning with their options, e.g. "
        "{'lightning.pytorch.callbacks:StochasticWeightAveraging': {swa_lrs: 0.001}}",
    )
    tensorboard: bool = Field(False, description="write TensorBoard files as well (needs the tensorboard package)")
    restart: RestartConfig | None = Field(
        None, description="start again where nothing is learnt: {after_steps: 400, learnt: 0.02, attempts: 3}"
    )

    @model_validator(mode="after")
    def _one_process_restarts(self) -> TrainerConfig:
        if self.restart is not None and self.devices > 1:
            raise ValueError("restart needs devices: 1; several processes cannot start together again")
        return self


class TargetConfig(BaseConfig):
    """Classes of a tagger, as lists of jet types: names of the registry and of ``labels`` of a simulation.

    Jets of no class are left out. Names are compared with those of the views when these are read.
    """

    signal: tuple[str, ...] = Field(("H_BB",), description="jet types with target 1")
    background: tuple[str, ...] = Field(QCD_TYPES, description="jet types with target 0")
    classes: dict[str, tuple[str, ...]] | None = Field(
        None, description="three or more classes by name instead of signal and background"
    )

    @model_validator(mode="after")
    def _known_and_apart(self) -> TargetConfig:
        if self.classes is not None and len(self.classes) < 3:
            raise ValueError("classes needs three or more entries; use signal and background for two")
        seen: set[str] = set()
        for types in self.groups().values():
            for name in types:
                if name in seen:
                    raise ValueError(f"jet type {name!r} is in two classes")
                seen.add(name)
            if not types:
                raise ValueError("a class without jet types")
        return self

    def groups(self) -> dict[str, tuple[str, ...]]:
        """Jet types of each class; the order gives the targets 0, 1, ..."""
        return self.classes or {"background": self.background, "signal": self.signal}


class PretrainConfig(BaseConfig):
    """Settings of ``rs3l pretrain``; the defaults are those of arXiv:2403.07066."""

    views: Paths = Field((), description="outputs of rs3l pair, or published files in HDF5 or ROOT")
    samples: tuple[str, ...] | None = Field(None, description="samples of the views to use, by name; all if null")
    max_events: int | None = Field(
        None, ge=1, description="training events; a smaller number takes a part of those of a larger one"
    )
    encoder: AnyEncoder = EdgeConvConfig()
    start_from: str | None = Field(
        None,
        description="weights to go on from: shipped ones by name, a file, or an address, of the architecture in "
        "encoder; random weights if null",
    )
    projection: ProjectionConfig | None = Field(
        None, description="network between embedding and loss, e.g. {hidden: [128], dim: 64}; none if null"
    )
    loss: AnyLoss = NTXent()
    split: SplitConfig | None = Field(
        None, description="an invariant and a free part of the embedding, e.g. {invariant: 8, loss: {name: supervised}}"
    )
    variations: dict[str, NonNegativeFloat] | None = Field(
        None, description="weight of each variation in the draw of a partner; all that occur, equally, if null"
    )
    anchored: bool = Field(True, description="the nominal view is in every pair")
    views_per_event: int = Field(2, ge=2, description="views of each event in a batch")
    batch_events: int = Field(100, ge=2, description="events in a batch, over all processes")
    optimizer: OptimizerConfig = OptimizerConfig()
    trainer: TrainerConfig = TrainerConfig()
    weights: TrainingWeightConfig = TrainingWeightConfig()
    splits: SplitFractions = SplitFractions()
    probe: TargetConfig = Field(TargetConfig(), description="classes of the linear probe that watches the training")
    seed: int = Field(1, ge=0, description="of the weights, the order and the draw of views")

    @model_validator(mode="after")
    def _has_a_free_part(self) -> PretrainConfig:
        if self.split is not None and self.split.invariant >= self.encoder.dim:
            raise ValueError(
                f"split.invariant ({self.split.invariant}) leaves no free part of an embedding with encoder.dim "
                f"{self.encoder.dim}"
            )
        return self

    @property
    def losses(self) -> tuple[Loss, ...]:
        """The losses on views, that on the free part of the embedding last."""
        return (self.loss,) if self.split is None or self.split.loss is None else (self.loss, self.split.loss)


class FinetuneConfig(BaseConfig):
    """Settings of ``rs3l finetune``."""

    views: Paths = Field((), description="outputs of rs3l pair, or published files in HDF5 or ROOT")
    encoder: str | None = Field(
        None, description="weights to start from: shipped ones by name, a file, or an address; random weights if null"
    )
    architecture: AnyEncoder | None = Field(
        None, description="the encoder, where it starts from random weights; a loaded one must agree if this is given"
    )
    mode: Literal["fixed", "floating"] = Field("floating", description="whether the encoder's weights move")
    thaw_after: int = Field(0, ge=0, description="epochs in which a floating encoder stays fixed")
    free_part: FreePartConfig | None = Field(
        None, description="of a fixed encoder with two parts: how much the head sees, e.g. {begins: 8, factor: 0.3}"
    )
    encoder_rate: float = Field(1.0, gt=0, description="learning rate of the encoder relative to that of the head")
    head: HeadConfig = HeadConfig()
    targets: TargetConfig = TargetConfig()
    variations: dict[str, NonNegativeFloat] | None = Field(
        {NOMINAL.name: 1.0},
        description="weight of each variation in the draw of the views that are trained on, anew for each event and "
        "epoch; all that occur, equally, if null",
    )
    views_per_event: int = Field(1, ge=1, description="views of each event in a batch")
    anchored: bool = Field(False, description="the nominal view is always one of them")
    tagger: str | None = Field(
        None,
        description="a finished tagger (file, or folder of rs3l finetune) of these classes that is only tilted: "
        "nothing is trained, and the keys of the training do not count",
    )
    robustness: float = Field(
        0.0,
        ge=0,
        description="0 for separation alone; else the share (to 1) of the response that the tilt takes away, or how "
        "much the penalties count",
    )
    tilt: TiltConfig | None = Field(
        None,
        description="the finished tagger is turned against its response to the shower; with robustness and without "
        "penalties this is what happens, {by: views, scales: [fsr x2]}",
    )
    penalties: tuple[AnyPenalty, ...] = Field(
        (), description="what is kept small while the tagger is trained; see docs/training.md"
    )
    distillation: DistillationConfig | None = Field(
        None, description="learn from taggers, e.g. {teachers: [a.safetensors, b.safetensors], share: 0.5}"
    )
    balance: bool = Field(True, description="weight the classes to the same sum")
    flatten: dict[Literal["pt", "msoftdrop", "mass"], tuple[float, ...]] = Field(
        {}, description="weight each class to be flat in these bins (edges in GeV)"
    )
    max_events: int | None = Field(
        None,
        ge=1,
        description="labelled events, with those that choose the epoch unless validation is side; a smaller number "
        "takes a part of those of a larger one",
    )
    validation: Literal["held_out", "side"] | None = Field(
        None,
        description="events that choose the epoch: a part of max_events, or the whole validation side of the split, "
        "whose labels max_events does not count; null is held_out where max_events is given and an epoch is chosen "
        "(trainer.keep best, or patience)",
    )
    held_out: float = Field(0.2, gt=0, lt=1, description="share of max_events that chooses the epoch")
    batch_events: int = Field(1000, ge=2, description="jets in a batch, over all processes")
    optimizer: OptimizerConfig = OptimizerConfig(learning_rate=1e-4, schedule="constant")
    trainer: TrainerConfig = TrainerConfig(keep="best")
    weights: TrainingWeightConfig = TrainingWeightConfig()
    splits: SplitFractions = SplitFractions()
    seed: int = Field(1, ge=0, description="of the weights, the order and the draw of views")

    @model_validator(mode="after")
    def _consistent(self) -> FinetuneConfig:
        if self.mode == "fixed" and self.encoder is None:
            raise ValueError("mode 'fixed' needs an encoder; random weights have to float")
        if self.free_part is not None and self.mode != "fixed":
            raise ValueError("free_part needs mode: fixed; a floating encoder would grow it again")
        n_classes = len(self.targets.groups())
        if self.head.n_classes != (1 if n_classes == 2 else n_classes):
            raise ValueError(f"head.n_classes is {self.head.n_classes}, but there are {n_classes} classes (two need 1)")
        if self.validation == "held_out" and self.max_events is None:
            raise ValueError("validation 'held_out' takes its events out of max_events, which is not given")
        if self.active_tilt is not None:
            if self.robustness > 1:
                raise ValueError(
                    f"a tilt takes away a share of the response: robustness is 0 to 1, got {self.robustness}"
                )
            self._require_classes(self.active_tilt)
        elif self.tagger is not None:
            raise ValueError("a finished tagger can only be tilted: set robustness to a share of its response, 0 to 1")
        for penalty in self.active_penalties:
            if self.views_per_event < penalty.least_views:
                raise ValueError(
                    f"the penalty {penalty.name!r} compares views: set views_per_event to {penalty.least_views} or more"
                )
        return self

    def _require_classes(self, tilt: TiltConfig) -> None:
        groups, named = tuple(self.targets.groups()), tilt.classes
        if len(groups) > 2 and named is None:
            raise ValueError(f"tilt.classes: name the signals among {', '.join(groups)}")
        for key, names in (("classes", named), ("background", tilt.background)):
            if wrong := [name for name in names or () if name not in groups]:
                raise ValueError(f"tilt.{key}: {wrong[0]!r} is none of {', '.join(groups)}")
        if len(groups) > 2 and not set(tilt.background or groups) - set(named or ()):
            raise ValueError("tilt.background: no class is left that the signals could be told from")

    @property
    def active_penalties(self) -> tuple[Penalty, ...]:
        """Penalties that count."""
        return self.penalties if self.robustness > 0 else ()

    @property
    def active_tilt(self) -> TiltConfig | None:
        """The tilt, where there is one."""
        if self.robustness == 0 or (self.tilt is None and self.penalties):
            return None
        return self.tilt or TiltConfig()

    @property
    def needs_shower_weights(self) -> bool:
        """Whether anything looks at the shower weights of the views."""
        tilts = self.active_tilt is not None and self.active_tilt.by == "shower_weights"
        return tilts or any(penalty.needs_shower_weights for penalty in self.active_penalties)

    @property
    def holds_out(self) -> bool:
        """Whether the epoch is chosen on a part of ``max_events``."""
        if self.validation is not None:
            return self.validation == "held_out"
        return self.max_events is not None and (self.trainer.keep == "best" or self.trainer.patience is not None)
